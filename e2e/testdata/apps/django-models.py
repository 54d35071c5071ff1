from decimal import Decimal

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100, unique=True)
    born = models.DateField(null=True, blank=True)
    nick = models.CharField(max_length=20, blank=True)  # first only

    def __str__(self):
        return self.name


class Tag(models.Model):
    word = models.SlugField(unique=True)

    def __str__(self):
        return self.word


class Book(models.Model):
    title = models.CharField(max_length=50)  # title
    authors = models.ManyToManyField(Author, related_name="books")
    tags = models.ManyToManyField(Tag, blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("0"))
    pages = models.PositiveIntegerField(default=0)
    weight = models.FloatField(null=True, blank=True)
    added = models.DateTimeField(auto_now_add=True)
    lent = models.BooleanField(default=False)
    blurb = models.TextField(blank=True)
    # second: extra = models.JSONField(default=dict, blank=True)
    # second: key = models.UUIDField(null=True, blank=True, unique=True)
    # second: span = models.DurationField(null=True, blank=True)

    class Meta:
        ordering = ["title"]
        # second: constraints = [models.CheckConstraint(check=models.Q(price__gte=0), name="price_not_negative")]
        # second: indexes = [models.Index(fields=["lent", "-added"], name="lent_added")]
        # second: unique_together = [("title", "pages")]

    def __str__(self):
        return self.title


class Loan(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    reader = models.CharField(max_length=100)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
