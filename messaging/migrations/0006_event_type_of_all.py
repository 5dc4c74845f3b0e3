"""Events that were there before: of a type that is known. In a migration of its own, so that posts go on meanwhile."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0005_attachments")]

    operations = [ValidateConstraint(model_name="event", name="event_type")]
