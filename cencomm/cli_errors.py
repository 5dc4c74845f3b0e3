"""What a command says when it cannot be done."""

from __future__ import annotations


class CommandRefused(Exception):
    """A command cannot be done; the message says why and what to do about it."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
