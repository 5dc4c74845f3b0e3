"""The refusals of the live stream itself; the others are those of the actions."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError

from problems import Refusal


class BadFrame(Refusal):
    """This frame cannot be understood: see the protocol."""

    code = "bad_frame"
    status = 400


class TooManyGroups(Refusal):
    """One connection follows at most 200 groups."""

    code = "too_many_groups"
    status = 422


class Unexpected(Refusal):
    """Something went wrong here; it was noted. Try again."""

    code = "unexpected"
    status = 500


class Unavailable(Refusal):
    """The database does not answer at the moment. Try again in a few seconds."""

    code = "unavailable"
    status = 503
    retry_after = 5


def failure_of(error: Exception) -> Refusal:
    """Return what a client is told of a failure: whether the same may work in a moment, never what failed."""
    return Unavailable() if isinstance(error, (OperationalError, InterfaceError)) else Unexpected()
