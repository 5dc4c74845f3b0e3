"""A recovery that a platform administrator opens belongs to no group."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_passkeys")]

    operations = [
        migrations.AlterField(model_name="recovery", name="group", field=models.UUIDField(null=True)),
    ]
