"""Indexes that a new message does not touch at a random place, and none that no question uses."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("messaging", "0003_reports")]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=~Q(thread=F("id")), fields=["group", "thread", "seq"], name="message_in_thread"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=~Q(priority="routine"), fields=["group", "priority", "-seq"], name="message_of_priority"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["group", "sender", "-seq"], name="message_of_sender"),
        ),
        migrations.RemoveIndex(model_name="message", name="message_of_thread"),
        migrations.RemoveIndex(model_name="message", name="message_urgent"),
        migrations.RemoveIndex(model_name="message", name="message_due"),
    ]
