"""Django's view of this package."""

from django.apps import AppConfig


class NomenclatureConfig(AppConfig):
    name = "nomenclature"
    default_auto_field = "django.db.models.BigAutoField"
