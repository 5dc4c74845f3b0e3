"""The tree over the trail: leaves, nodes and signed checkpoints, all insert-only."""

from django.db import migrations, models
from django.db.models.expressions import RawSQL

import audit.models

TABLES = ("audit_leaf", "audit_node", "audit_checkpoint")
FORWARD = "".join(
    f"""
CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse();
"""
    for table in TABLES
)
BACKWARD = "".join(
    f"DROP TRIGGER {table}_no_truncate ON {table}; DROP TRIGGER {table}_no_change ON {table};" for table in TABLES
)


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_insert_only")]

    operations = [
        migrations.AddIndex("entry", models.Index(fields=["transaction"], name="audit_entry_transaction")),
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry_id", models.BigIntegerField(unique=True)),
                ("hash", models.BinaryField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "level", "position", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("level", models.SmallIntegerField()),
                ("position", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("note", models.TextField()),
                ("at", models.DateTimeField(db_default=RawSQL("clock_timestamp()", ()), editable=False)),
                ("horizon", audit.models.Xid8Field()),
                ("cluster", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
