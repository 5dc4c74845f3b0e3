"""The regions of the world customs' intelligence liaison offices (RILO), by which reporting quality is watched."""

from django.db import migrations

REGIONS = [
    ("AP", "Asia and the Pacific"),
    ("CAF", "Central Africa"),
    ("CAR", "Caribbean"),
    ("CIS", "Commonwealth of Independent States"),
    ("ECE", "Eastern and Central Europe"),
    ("ESA", "Eastern and Southern Africa"),
    ("ME", "Middle East"),
    ("NA", "North Africa"),
    ("NAM", "North America"),
    ("SAM", "South America"),
    ("WA", "West Africa"),
    ("WE", "Western Europe"),
]


def add_regions(apps, schema_editor):
    region = apps.get_model("accounts", "Region")
    region.objects.bulk_create([region(code=code, name=name) for code, name in REGIONS], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(add_regions, migrations.RunPython.noop)]
