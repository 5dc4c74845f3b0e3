"""What a file is, by its content alone: a short list of what is let in, each by signs that allow nothing before
them.

Here only the first bytes are compared. Pictures are proven by drawing them anew (`pictures`); office files by
looking into them, text by being nothing but text, both by a child (`documents`). Whatever else it is, is refused. A
PDF is known by its head and tail and not looked into: it is served as a download only. What must not live here:
drawing, scanning, parsing, the database.
"""

from __future__ import annotations

import io
import re
from typing import NamedTuple

from messaging.attachments.documents import examined

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_PICTURES = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"...[\x08-\x80]ftyp(?:" + b"|".join(_HEIC_BRANDS) + rb")", re.DOTALL), "image/heic"),
)
_PDF = re.compile(rb"%PDF-[12]\.\d")
_ZIP = b"PK\x03\x04"


class Type(NamedTuple):
    """What a file is: `kind` is image, pdf, office or text."""

    kind: str
    media_type: str


def recognised(file: io.RawIOBase) -> Type:
    """Return what a file is. Raises Refused, Later, and whatever reading the file raises."""
    file.seek(0)
    head = file.read(16) or b""
    for sign, media_type in _PICTURES:
        if sign.match(head):
            return Type("image", media_type)
    kind = "pdf" if _PDF.match(head) else "office" if head.startswith(_ZIP) else "text"
    return Type(kind, examined(file, kind))
