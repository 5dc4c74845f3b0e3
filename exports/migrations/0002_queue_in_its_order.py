"""The queue in the order in which it is claimed, and the newest rows of a group; none that no question uses.

An index that was begun and not finished is in the way of the next attempt: it goes first.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # nobody waits for the indexes

    dependencies = [("exports", "0001_initial")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS transfer_waiting", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="transfer",
            index=models.Index(
                fields=["batch", "message", "source_reference"],
                condition=models.Q(state="queued"),
                name="transfer_waiting",
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS transfer_newest", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="transfer",
            index=models.Index(fields=["group", "-queued_at", "source_reference"], name="transfer_newest"),
        ),
        RemoveIndexConcurrently(model_name="transfer", name="transfer_queue"),
        RemoveIndexConcurrently(model_name="transfer", name="transfer_of_group"),
    ]
