"""Which database a table lives in: the app `cen` in `cen`, everything else in `default`."""

from __future__ import annotations

from typing import Any


class CenRouter:
    """Send the app `cen` to the database `cen`; allow no relation across."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "cen" if model._meta.app_label == "cen" else "default"

    db_for_write = db_for_read

    def allow_relation(self, one: Any, two: Any, **hints: Any) -> bool:
        return bool((one._meta.app_label == "cen") == (two._meta.app_label == "cen"))

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (db == "cen") == (app_label == "cen")
