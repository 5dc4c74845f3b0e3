"""The refusals of the edges: what no app is asked about. What an app refuses is in its own `errors.py`."""

from __future__ import annotations

from problems import Refusal


class NotSignedIn(Refusal):
    """Sign in first, or send a valid token."""

    code = "not_signed_in"
    status = 401


class BadRequest(Refusal):
    """This request cannot be read: check its form against the documentation."""

    code = "bad_request"
    status = 400


class Unreadable(Refusal):
    """This address cannot be read."""

    code = "bad_request"
    status = 400


class NotAllowed(Refusal):
    """You may not do this."""

    code = "not_allowed"
    status = 403


class NotFound(Refusal):
    """There is nothing here, or nothing that you may see."""

    code = "not_found"
    status = 404


class NoSuchAddress(Refusal):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class MethodNotAllowed(Refusal):
    """This address does not take this method."""

    code = "method_not_allowed"
    status = 405


class TooLarge(Refusal):
    """This is larger than what is accepted."""

    code = "too_large"
    status = 413


class InvalidInput(Refusal):
    """Some fields are at fault."""

    code = "invalid"
    status = 422
