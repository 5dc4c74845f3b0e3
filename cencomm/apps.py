"""Django's view of this package."""

from django.apps import AppConfig


class CencommConfig(AppConfig):
    name = "cencomm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.health import provide
        from cencomm import checks  # noqa: F401 - registers them
        from cencomm.degraded import questions
        from cencomm.health import CHECKS

        provide({**CHECKS, **questions()})
