"""The refusals of attachments. The docstring is the sentence that a user reads."""

from __future__ import annotations

from problems import Refusal


class AttachmentUnknown(Refusal):
    """There is no such file, or it is in a group that you are not a member of."""

    code = "not_found"
    status = 404


class BadUpload(Refusal):
    """This upload cannot be taken as it is: see what is said at its fields."""

    code = "invalid"
    status = 422


class UploadConflict(Refusal):
    """This identifier was used already for another file."""

    code = "upload_conflict"
    status = 409


class OffsetConflict(Refusal):
    """The upload stands elsewhere: go on from the offset that the answer names."""

    code = "offset_conflict"
    status = 409

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class UploadComplete(Refusal):
    """This file has arrived whole: nothing can be added to it."""

    code = "upload_complete"
    status = 409


class BadPiece(Refusal):
    """A piece of a file is sent as application/offset+octet-stream, with the header Upload-Offset."""

    code = "bad_piece"
    status = 415


class PieceTooSmall(Refusal):
    """Pieces of a file must not be smaller than 64 KiB, but for the last one."""

    code = "piece_too_small"
    status = 422


class AttachmentTooLarge(Refusal):
    """This is larger than what is accepted: a file may have 200 MiB, a piece of it 2 MiB."""

    code = "attachment_too_large"
    status = 413


class AttachmentsFull(Refusal):
    """There is no room for more files: send or remove those that were not sent yet, or ask the coordinator."""

    code = "attachments_full"
    status = 409


class AttachmentNotReady(Refusal):
    """This file is being checked: it can be read once that is done."""

    code = "attachment_not_ready"
    status = 409


class AttachmentRefused(Refusal):
    """This file did not pass the check and is not kept."""

    code = "attachment_refused"
    status = 409


class AttachmentSent(Refusal):
    """This file is part of a message: it cannot be changed or removed any more."""

    code = "attachment_sent"
    status = 409


class StorageUnavailable(Refusal):
    """Files cannot be stored or read at the moment. Try again in a few seconds."""

    code = "storage_unavailable"
    status = 503
    retry_after = 5
