"""The refusals of CEN. The docstring is the sentence that a user reads."""

from __future__ import annotations

from problems import Refusal


class TooManyRecords(Refusal):
    """This delivery holds too many records: send it in smaller parts."""

    code = "too_many_records"
    status = 413


class IntakeTooLarge(Refusal):
    """This delivery is too large: send it in smaller parts."""

    code = "intake_too_large"
    status = 413


class IntakeBusy(Refusal):
    """CEN is busy with other deliveries of these records: send them again in a moment."""

    code = "intake_busy"
    status = 503
    retry_after = 5


class NotRecords(Refusal):
    """This is neither a JSON array of records nor one JSON record per line."""

    code = "not_records"
    status = 400


class UnknownSourceName(Refusal):
    """The name of a source is a short text."""

    code = "source_name"
    status = 422


class TokenRequired(Refusal):
    """CEN takes records from client systems only: send them with a token that may write to CEN."""

    code = "token_required"
    status = 403


class BadFilter(Refusal):
    """A filter holds a value that CEN does not know."""

    code = "bad_filter"
    status = 422


class BadCursor(Refusal):
    """This position in the list is not valid: start from the first page."""

    code = "bad_cursor"
    status = 422


class QuestionTooBroad(Refusal):
    """This question takes too long to answer: narrow it, for instance with a period or a country."""

    code = "question_too_broad"
    status = 503


class DownloadTooLarge(Refusal):
    """This selection holds more rows than one file may: narrow it, for instance with a period or a country."""

    code = "download_too_large"
    status = 422


class SeizureUnknown(Refusal):
    """CEN holds no seizure with this reference."""

    code = "seizure_unknown"
    status = 404


class ReaderRequired(Refusal):
    """CEN is open to active officers who signed in with a second factor."""

    code = "reader_required"
    status = 403
