"""Fills an empty Oscar with the products and the photographs of @vendure/create: `furnish.py FOLDER`."""

import csv
import os
import sys
from decimal import Decimal
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django

django.setup()

from django.core.files import File
from django.db import transaction
from oscar.apps.catalogue.categories import create_from_breadcrumbs
from oscar.core.loading import get_model

ASSETS = Path(sys.argv[1])
Product = get_model("catalogue", "Product")


def rows():
    """The lines that name a product; the others are its variants."""
    with open(ASSETS / "products.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            row = {key.strip(): (value or "").strip() for key, value in row.items() if key}
            if row["name"]:
                yield row


def listed(text):
    return [part.strip() for part in text.split("|") if part.strip()]


def add(row, kind, partner):
    product = Product.objects.create(
        title=row["name"],
        slug=row["slug"],
        description=f"<p>{row['description']}</p>",
        product_class=kind,
        upc=row["sku"],
        structure=Product.STANDALONE,
    )
    categories = [facet.split(":")[1] for facet in listed(row["facets"]) if facet.startswith("category:")]
    product.categories.add(create_from_breadcrumbs(" > ".join(categories[:2] or ["Other"])))
    product.stockrecords.create(
        partner=partner,
        partner_sku=row["sku"],
        price=Decimal(row["price"]),
        price_currency="GBP",
        num_in_stock=1000,
    )
    for order, name in enumerate(listed(row["assets"])):
        with open(ASSETS / "images" / name, "rb") as file:
            product.images.create(original=File(file, name=name), display_order=order)


with transaction.atomic():
    kind = get_model("catalogue", "ProductClass").objects.create(name="Item")
    partner = get_model("partner", "Partner").objects.create(name="Main")
    get_model("address", "Country").objects.create(
        iso_3166_1_a2="GB",
        iso_3166_1_a3="GBR",
        name="United Kingdom",
        printable_name="United Kingdom",
        is_shipping_country=True,
    )
    for row in rows():
        add(row, kind, partner)
print(Product.objects.count(), "products")
