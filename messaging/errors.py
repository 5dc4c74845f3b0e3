"""The refusals of messaging. The docstring is the sentence that a user reads."""

from __future__ import annotations

from problems import Refusal


class MessageUnknown(Refusal):
    """There is no such message, or it is in a group that you are not a member of."""

    code = "not_found"
    status = 404


class InvalidMessage(Refusal):
    """This message cannot be sent as it is: see what is said at its fields."""

    code = "invalid"
    status = 422


class ConflictingReplay(Refusal):
    """A message with this identifier was sent already, with other content."""

    code = "conflicting_replay"
    status = 409


class FormChanged(Refusal):
    """The form of this group was changed meanwhile: look at your message on the new form and send it again."""

    code = "form_changed"
    status = 409


class MessageTooLarge(Refusal):
    """This message is too long."""

    code = "too_large"
    status = 413


class TooFast(Refusal):
    """You are sending too fast: wait a moment. What you wrote is kept by your program, not by the server."""

    code = "too_fast"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Busy(Refusal):
    """The server cannot keep up just now: what you sent was not taken yet. Try again in a moment."""

    code = "busy"
    status = 503

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class NotYours(Refusal):
    """Only its sender, the contact point of its country or the coordination unit may do this."""

    code = "not_allowed"
    status = 403


class BadStatusMove(Refusal):
    """A message cannot go from its present status to this one."""

    code = "bad_status_move"
    status = 409


class ReasonMissing(Refusal):
    """Say why: those whom it concerns must be able to read the reason."""

    code = "reason_missing"
    status = 422


class ReasonTooLong(Refusal):
    """The reason is too long: 2,000 characters are enough."""

    code = "reason_too_long"
    status = 422
