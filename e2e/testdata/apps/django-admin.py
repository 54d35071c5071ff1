from django.contrib import admin

from .models import Author, Book, Loan, Tag


class LoanInline(admin.TabularInline):
    model = Loan
    extra = 1


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "price", "pages", "lent", "added"]
    list_filter = ["lent", "tags"]
    search_fields = ["title", "authors__name", "blurb"]
    date_hierarchy = "added"
    filter_horizontal = ["authors"]
    inlines = [LoanInline]


admin.site.register([Author, Tag])
