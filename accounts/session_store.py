"""Django's sessions in the database, found by a hash of their key: who copies the database takes over no session.

The key itself stands only in the officer's cookie. What must not live here: how long a session lives, and who may
have one (`accounts.middleware`).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Never

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

STORED_DIGITS = 40  # what Django's column holds: 160 bits, more than the key has


def stored_key(session_key: str) -> str:
    """Return what is stored in place of a key."""
    return sha256(b"cencomm session\n" + session_key.encode()).hexdigest()[:STORED_DIGITS]


class SessionStore(DatabaseStore):
    """The store that settings name; the product reads sessions in threads, so the async twins are closed."""

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        if self.session_key is None:
            return None
        found = self.model.objects.filter(
            session_key=stored_key(self.session_key), expire_date__gt=timezone.now()
        ).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return self.model.objects.filter(session_key=stored_key(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        instance = super().create_model_instance(data)
        instance.session_key = stored_key(instance.session_key)
        return instance

    def delete(self, session_key: str | None = None) -> None:
        key = self.session_key if session_key is None else session_key
        if key is not None:
            self.model.objects.filter(session_key=stored_key(key)).delete()

    async def _closed(self, *args: Any, **kwargs: Any) -> Never:
        raise NotImplementedError

    _aget_session_from_db = aexists = acreate_model_instance = adelete = _closed


def sessions_of_keys(session_keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return, by its key, what is kept of each of these sessions that has not expired; in one query."""
    keys, store = {stored_key(key): key for key in session_keys}, SessionStore()
    if not keys:
        return {}
    rows = store.model.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return {keys[row.session_key]: store.decode(row.session_data) for row in rows}
