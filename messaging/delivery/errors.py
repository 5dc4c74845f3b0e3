"""The refusals of the live stream itself; the others are those of the actions."""

from __future__ import annotations

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
