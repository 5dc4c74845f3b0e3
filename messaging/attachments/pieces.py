"""An upload's pieces read as one file, by whoever checks it: forwards, or from any place. A few MiB in memory at
most.

Each piece is a sealed stream of its own, bound to its offset. What must not live here: what the bytes mean.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator

from groups.models import ClosedUserGroup
from messaging.attachments.facts import file_key
from messaging.attachments.storage import storage
from messaging.models import Attachment, AttachmentPiece
from vault import SealBroken, Stream


def stream_of(attachment: Attachment, name: str) -> Stream:
    """Return which stream of which file is meant."""
    return Stream(attachment.group_id, attachment.pk, attachment.uploader_id, name)


def piece_name(offset: int) -> str:
    """Return the name of the stream of a piece."""
    return f"piece:{offset}"


class Pieces(io.RawIOBase):
    """The original of an upload that has arrived whole. Raises SealBroken where a piece is missing or moved."""

    def __init__(self, group: ClosedUserGroup, attachment: Attachment) -> None:
        super().__init__()
        self._attachment = attachment
        self._key = file_key(group, attachment)
        self._rows = list(AttachmentPiece.objects.filter(attachment=attachment).order_by("offset"))
        self._offsets = [row.offset for row in self._rows]
        self._at = 0
        self._held: tuple[int, bytes] = (-1, b"")
        ends = [row.offset + row.size for row in self._rows]
        if self._offsets != [0, *ends[:-1]] or not ends or ends[-1] != attachment.size:
            raise SealBroken

    def readable(self) -> bool:
        """It can be read,"""
        return True

    def seekable(self) -> bool:
        """and from any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on elsewhere."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._attachment.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Return where it goes on."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as the piece at this place goes."""
        if self._at >= self._attachment.size:
            return 0
        index = bisect_right(self._offsets, self._at) - 1
        plain = self._piece(index)
        within = self._at - self._offsets[index]
        part = plain[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def blocks(self) -> Iterator[bytes]:
        """Yield the whole file, a piece at a time."""
        for index in range(len(self._rows)):
            yield self._piece(index)

    def _piece(self, index: int) -> bytes:
        if self._held[0] != index:
            self._held = (-1, b"")
            row = self._rows[index]
            stream = stream_of(self._attachment, piece_name(row.offset))
            plain = b"".join(self._key.open(storage().read(row.pk), stream))
            if len(plain) != row.size:
                raise SealBroken
            self._held = (index, plain)
        return self._held[1]
