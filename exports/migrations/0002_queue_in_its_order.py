"""The queue in the order in which it is claimed, and the newest rows of a group; none that no question uses.

Nobody waits for these indexes, so they may wait for everybody: for the end of a backup, say. One that was begun and
not finished is in the way of the next attempt: it goes first.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

PATIENT, AS_BEFORE = "SET lock_timeout = '1h'", "RESET lock_timeout"
DROP = "DROP INDEX CONCURRENTLY IF EXISTS "
NOTHING = migrations.RunSQL.noop


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("exports", "0001_initial")]

    operations = [
        migrations.RunSQL(PATIENT, AS_BEFORE),
        migrations.RunSQL(DROP + "transfer_waiting", NOTHING),
        AddIndexConcurrently(
            model_name="transfer",
            index=models.Index(
                fields=["batch", "message", "source_reference"],
                condition=models.Q(state="queued"),
                name="transfer_waiting",
            ),
        ),
        migrations.RunSQL(DROP + "transfer_newest", NOTHING),
        AddIndexConcurrently(
            model_name="transfer",
            index=models.Index(fields=["group", "-queued_at", "source_reference"], name="transfer_newest"),
        ),
        RemoveIndexConcurrently(model_name="transfer", name="transfer_queue"),
        migrations.RunSQL(NOTHING, DROP + "transfer_queue"),
        RemoveIndexConcurrently(model_name="transfer", name="transfer_of_group"),
        migrations.RunSQL(NOTHING, DROP + "transfer_of_group"),
        migrations.RunSQL(AS_BEFORE, PATIENT),
    ]
