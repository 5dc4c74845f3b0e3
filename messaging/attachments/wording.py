"""Why a file was refused, in words. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.attachments.refusing import Reason

REASON_TEXT: Mapping[str, Promise] = {
    Reason.NOT_ALLOWED: _(
        "This type of file is not accepted: send pictures, PDF, Word, Excel, PowerPoint, OpenDocument or text."
    ),
    Reason.DAMAGED: _("This file cannot be read: it is damaged, or not what it seems to be."),
    Reason.TOO_LARGE: _("This picture is too large: at most 30 MiB and 64 million pixels."),
    Reason.BOMB: _("This file would grow far too large when it is opened."),
    Reason.ACTIVE_CONTENT: _("This file holds macros, programs or links that open by themselves."),
    Reason.ENCRYPTED: _("This file is protected by a password, so that it cannot be checked."),
    Reason.MALWARE: _("The virus scanner found something in this file."),
    Reason.CHECK_FAILED: _("This file could not be checked. Try to send it again."),
}


def reason_text(reason: str) -> str | None:
    """Return why, in the reader's language; None where nothing was refused."""
    return str(REASON_TEXT[reason]) if reason else None
