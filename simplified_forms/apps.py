"""Django's view of this package."""

from django.apps import AppConfig


class SimplifiedFormsConfig(AppConfig):
    name = "simplified_forms"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Ask to be told of every new group, which starts with forms."""
        from groups import announcements
        from simplified_forms.actions import start_group

        announcements.on_group_created(start_group)
