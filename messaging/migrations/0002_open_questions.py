"""Questions that lack an answer are marked, so that no history has to be read for them; indexes of what is few."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# As messaging/actions/settling.py does it for a few questions, here for all of them.
SETTLE = """
WITH RECURSIVE version (asked, id) AS (
  SELECT id, id FROM messaging_message
   WHERE kind IN ('warning', 'request') AND superseded_at IS NULL AND status <> 'withdrawn'
  UNION
  SELECT version.asked, older.supersedes_id FROM version JOIN messaging_message older ON older.id = version.id
   WHERE older.supersedes_id IS NOT NULL
),
answered AS (
  SELECT version.asked, to_jsonb(array_agg(answer.country)) AS countries
    FROM version JOIN messaging_message answer ON answer.in_reply_to_id = version.id
   WHERE answer.kind IN ('feedback', 'reply') AND answer.superseded_at IS NULL AND answer.status <> 'withdrawn'
   GROUP BY version.asked
)
UPDATE messaging_message question SET unanswered = true
  FROM version LEFT JOIN answered USING (asked)
 WHERE version.id = version.asked AND question.id = version.asked AND (
       answered.countries IS NULL
       OR NOT coalesce(question.addressed_to -> 'countries', '[]'::jsonb) <@ answered.countries)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_regions"),
        ("groups", "0001_initial"),
        ("messaging", "0001_initial"),
        ("simplified_forms", "0002_published_is_immutable"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="unanswered",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="message",
            name="in_reply_to",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replies",
                to="messaging.message",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("in_reply_to__isnull", False)), fields=["in_reply_to"], name="message_answers"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("unanswered", True)), fields=["group", "seq"], name="message_unanswered"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("superseded_at__isnull", False), ("status", "withdrawn"), _connector="OR"),
                fields=["group", "kind"],
                name="message_gone",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("kind", "seizure"),
                    ("status__in", ["submitted", "validated_ncp"]),
                    ("superseded_at__isnull", True),
                ),
                fields=["group", "country", "status"],
                name="message_to_validate",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("priority", "routine"), _negated=True),
                fields=["group", "-seq"],
                name="message_urgent",
            ),
        ),
        migrations.RunSQL(SETTLE, migrations.RunSQL.noop),
    ]
