"""Who wants to know that a session or a token ended. A plain list: no signals, no imports of the listeners.

Live delivery subscribes at start and closes the sockets. Callbacks run after the commit, in the process that
revoked; telling other processes is the listener's matter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from django.db import transaction

Callback = Callable[[UUID | None, UUID | None, UUID | None], None]

logger = logging.getLogger("cencomm.accounts")
_callbacks: list[Callback] = []


def on_revoked(callback: Callback) -> Callback:
    """Call `callback(officer_id, session_id, token_id)` after each revocation.

    Exactly one of session_id and token_id is set, or neither when everything of the officer ended.
    officer_id is None for the token of a client system.
    """
    if callback not in _callbacks:
        _callbacks.append(callback)
    return callback


def announce(officer_id: UUID | None, *, session_id: UUID | None = None, token_id: UUID | None = None) -> None:
    """Tell the listeners once the present transaction has committed."""

    def tell() -> None:
        for callback in list(_callbacks):
            try:
                callback(officer_id, session_id, token_id)
            except Exception:  # one deaf listener must not hide the revocation from the next
                logger.exception("a listener failed to hear of a revocation")

    transaction.on_commit(tell)
