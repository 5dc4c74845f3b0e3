"""Django's view of this package."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let what is remembered of a group go with its key; let CEN name operations to their members alone."""
        from cen.access import tell_operations
        from exports.remembered import forget
        from groups.queries import codes_known_to
        from vault import on_key_forgotten

        on_key_forgotten(forget)
        tell_operations(codes_known_to)
