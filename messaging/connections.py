"""Connections to the database of threads that work for others: sound when a piece of work begins, let go after it.

What must not live here: the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection, connections


@contextmanager
def own_connections() -> Iterator[None]:
    """Begin this block without connections that have died or grown old, and give those that it used back."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def keep_pooled() -> None:
    """Keep a pooled connection for what comes next: to take one from the pool costs as much as a statement."""
    if "pool" not in connection.settings_dict["OPTIONS"]:
        close_old_connections()


def give_back() -> None:
    """Give this thread's connections back before it waits for another machine; not those in a transaction."""
    for one in connections.all(initialized_only=True):
        if not one.in_atomic_block:
            one.close()
