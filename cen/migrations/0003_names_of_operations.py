from itertools import batched

from django.db import migrations

from cen.schema import search_text
from cen.tally import recount_tally

WORDS = ("description", "place_text", "place_code", "operation_code", "warning_reference", "transport")


def make_words_anew(apps, schema_editor):
    """Nobody finds a seizure of this product by the name of its operation; everybody by the names of its place."""
    seizures = apps.get_model("cen", "Seizure").objects.using(schema_editor.connection.alias)
    rows = seizures.order_by("pk").only("source_reference", "search_text", "source__name", *WORDS)
    for part in batched(rows.select_related("source").iterator(chunk_size=2_000), 2_000):
        for one in part:
            values = {name: getattr(one, name) for name in WORDS}
            one.search_text = search_text(one.source_reference, values, ours=one.source.name == "cencomm")
        seizures.bulk_update(part, ["search_text"])


def count_anew(apps, schema_editor):
    """Sums by operation are kept by source, too."""
    recount_tally()


class Migration(migrations.Migration):
    dependencies = [
        ("cen", "0002_tally"),
    ]

    operations = [
        migrations.RunPython(make_words_anew, migrations.RunPython.noop),
        migrations.RunPython(count_anew, migrations.RunPython.noop),
    ]
