"""Password hashing: Argon2id, and never more of it at once than the machine can bear.

Why bounded: each hash takes 64 MiB; a burst of sign-ins must not take the memory of the live stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.errors import TooManyTries

AT_ONCE = 8
LONGEST_WAIT = 15.0  # seconds; whoever waited so long is told to come back

_slots = BoundedSemaphore(AT_ONCE)


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=LONGEST_WAIT):
        raise TooManyTries(retry_after=5)
    try:
        yield
    finally:
        _slots.release()


class OfficerArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with t=3, m=64 MiB, p=4 (about 0.2 s), at most eight at once in a process."""

    time_cost = 3
    memory_cost = 65536
    parallelism = 4

    def encode(self, password: str, salt: str) -> str:
        with _slot():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _slot():
            return bool(super().verify(password, encoded))

    def harden_runtime(self, password: str, encoded: str) -> Any:
        """Nothing to add: the parameters are the same for everybody."""
