"""What the situation page counts, from indexes that hold only that."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("messaging", "0002_open_questions")]

    operations = [
        migrations.RemoveIndex(model_name="message", name="message_gone"),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=Q(superseded_at__isnull=False) | Q(status="withdrawn") | Q(exercise=True),
                fields=["group", "kind"],
                name="message_gone",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=Q(kind__in=["seizure", "nil"], superseded_at__isnull=True, exercise=False),
                fields=["group", "kind", "country", "status", "sent_at"],
                name="message_reports",
            ),
        ),
    ]
