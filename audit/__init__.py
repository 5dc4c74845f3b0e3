"""The audit trail: append-only entries, written in the transaction of each act. Imports no other app."""

from typing import Any

from audit.actions import Action

__all__ = ["Action", "entries_from", "record", "record_each", "record_many", "record_now"]


def __getattr__(name: str) -> Any:
    # audit.log imports models, which Django allows only once its apps are loaded.
    if name in {"entries_from", "record", "record_each", "record_many", "record_now"}:
        from audit import log

        return getattr(log, name)
    raise AttributeError(name)
