"""Django's view of this package."""

from django.apps import AppConfig


class CenConfig(AppConfig):
    name = "cen"
    default_auto_field = "django.db.models.BigAutoField"
