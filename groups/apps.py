"""Django's view of this package."""

from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "groups"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import belonging, idleness
        from groups.queries import coordinates, is_member_somewhere

        idleness.watches_over_others(coordinates)
        belonging.belongs_to_a_group(is_member_somewhere)
