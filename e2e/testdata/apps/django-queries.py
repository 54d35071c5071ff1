# What Django's ORM sends beyond the admin's pages; an assertion that fails ends the script.
import datetime, uuid
from decimal import Decimal
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Avg, Case, Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import Coalesce, Concat, ExtractYear, Lower, RowNumber, TruncDay, TruncMonth, Length
from django.utils import timezone
from books.models import Author, Book, Loan, Tag

authors = [Author.objects.create(name=n, born=b) for n, b in [("Лев Толстой", datetime.date(1828, 9, 9)), ("Ada", None), ("Émile Zola", datetime.date(1840, 4, 2))]]
tags = {w: Tag.objects.get_or_create(word=w)[0] for w in ["novel", "war", "maths"]}
books = Book.objects.bulk_create([Book(title=f"Book {i:03}", price=Decimal(i) / 4, pages=i, weight=i / 3, lent=i % 3 == 0, extra={"i": i, "even": i % 2 == 0, "in": {"list": [i, "x"]}}, key=uuid.UUID(int=i), span=datetime.timedelta(hours=i)) for i in range(200)])
books = list(Book.objects.order_by("pages"))
for b in books[:60]:
    b.authors.set(authors[: 1 + b.pages % 3])
    b.tags.add(tags["novel"])
assert Book.objects.count() == 200
assert Book.objects.filter(authors__name__icontains="ТОЛСТ").distinct().count() == 60
assert Book.objects.get(key=uuid.UUID(int=7)).span == datetime.timedelta(hours=7)
assert Book.objects.filter(extra__even=True).count() == 100
assert Book.objects.filter(extra__in__list__0=5).get().pages == 5
assert Book.objects.filter(extra__contains={"i": 9}).get().pages == 9
assert Book.objects.filter(extra__has_key="i").count() == 200
assert Book.objects.aggregate(a=Avg("price"), s=Sum("pages"), m=Max("added"))["s"] == 19900
rows = Author.objects.annotate(n=Count("books", distinct=True), cost=Coalesce(Sum("books__price"), Value(Decimal(0)))).filter(n__gt=0).order_by("-n")
assert [r.n for r in rows] == [60, 40, 20], [r.n for r in rows]
Book.objects.filter(pages__lt=10).update(price=F("price") + 1, title=Concat(F("title"), Value(" (old)")))
assert Book.objects.filter(title__endswith="(old)").count() == 10
assert Book.objects.filter(Q(title__regex=r"^Book 00[0-4]") & ~Q(lent=True)).count() == 3
w = Book.objects.annotate(n=Window(RowNumber(), partition_by=[F("lent")], order_by=F("pages").desc())).values_list("lent", "n")
assert len(w) == 200
day = Book.objects.annotate(d=TruncDay("added")).values("d").annotate(n=Count("id")).get()
assert day["n"] == 200 and day["d"].tzinfo, day
assert Book.objects.annotate(m=TruncMonth("added"), y=ExtractYear("added")).values("m", "y").distinct().count() == 1
Loan.objects.create(book=books[3], reader="Zoë", since=timezone.now())
assert Book.objects.filter(Exists(Loan.objects.filter(book=OuterRef("pk")))).get() == books[3]
assert Book.objects.annotate(r=Subquery(Loan.objects.filter(book=OuterRef("pk")).values("reader")[:1])).get(r="Zoë") == books[3]
assert Book.objects.annotate(k=Case(When(price__gt=40, then=Value("dear")), default=Value("cheap"))).filter(k="dear").count() == 39
with transaction.atomic():
    b = Book.objects.select_for_update().get(pk=books[10].pk)
    try:
        with transaction.atomic():
            Author.objects.create(name="Ada")
        raise AssertionError("a duplicate was taken")
    except IntegrityError as e:
        assert e.args[0] == 1062, e
    b.price = 5
    b.save()
try:
    Book.objects.create(title="negative", price=-1)
    raise AssertionError("a check was ignored")
except (IntegrityError, models.ProtectedError, Exception) as e:
    assert e.args[0] == 3819, e
assert Book.objects.filter(pages__in=[1, 2, 3]).union(Book.objects.filter(pages=4)).count() == 4
Book.objects.bulk_update([Book(pk=b.pk, weight=1) for b in books[:50]], ["weight"])
assert Book.objects.filter(weight=1).count() >= 50
Book.objects.bulk_create([Book(pk=books[0].pk, title="again", pages=0)], ignore_conflicts=True)
assert list(Book.objects.dates("added", "year")) and list(Book.objects.datetimes("added", "hour"))
assert Book.objects.filter(added__date=timezone.localdate()).count() == 200
assert Book.objects.explain()
deleted = Book.objects.filter(pages__gte=150).delete()
assert deleted[1]["books.Book"] == 50, deleted
assert len(connection.introspection.table_names()) > 10
with connection.cursor() as c:
    for t in connection.introspection.table_names():
        connection.introspection.get_table_description(c, t)
        connection.introspection.get_constraints(c, t)
        connection.introspection.get_relations(c, t)
print("queries pass")
