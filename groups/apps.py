"""Django's view of this package."""

from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "groups"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import idleness
        from groups.queries import coordinates

        idleness.watches_over_others(coordinates)
