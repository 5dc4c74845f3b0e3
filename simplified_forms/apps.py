"""Django's view of this package."""

from django.apps import AppConfig


class SimplifiedFormsConfig(AppConfig):
    name = "simplified_forms"
    default_auto_field = "django.db.models.BigAutoField"
