"""Looks through one document: run as a program of its own, with limits, by `documents`. No files, no keys.

Asks on its output for a place and a length, reads that many bytes from its input, and so on; in the end it says
what the file is, or why it is refused. Like `redraw` it goes behind the walls of `confinement` before it reads a
byte: whoever finds a hole in what unpacks or parses has no file, no network, no other process, and few seconds to
live. What must not live here: pictures, and what imports Django.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import struct
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from messaging.attachments import confinement
from messaging.attachments.office import OFFICE_TYPES, office_type
from messaging.attachments.refusing import Reason, Refused

ASK = struct.Struct("<QI")  # place, length; a length of nothing: the rest is what was found
MOST_AT_ONCE = 256 * 1024
KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"pdf": frozenset({"application/pdf"}), "office": OFFICE_TYPES, "text": frozenset({"text/plain"})}
)
_ARCHIVE_END = 22 + 65_535  # APPNOTE 4.3.16: the end of an archive, with the longest comment behind it
# Of the control characters text needs these: tab, line feed, form feed, carriage return.
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_BUILT_IN = ("ascii", "utf-8", "utf-8-sig", "cp437")  # what text and names of entries are read by


class Asked(io.RawIOBase):
    """The file, of which whoever has it gives a part at a time."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._at = size, 0

    def readable(self) -> bool:
        """It can be read,"""
        return True

    def seekable(self) -> bool:
        """and from any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on elsewhere."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Return where it goes on."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as may be asked for at once."""
        length = min(len(buffer), MOST_AT_ONCE, self._size - self._at)
        if length <= 0:
            return 0
        os.write(1, ASK.pack(self._at, length))
        done = 0
        while done < length:
            part = os.read(0, length - done)
            if not part:
                raise EOFError  # who asked us is gone
            buffer[done : done + len(part)] = part
            done += len(part)
        self._at += length
        return length


def main() -> int:
    """Look through what is asked for: KIND SIZE MEMORY SECONDS."""
    kind, size, memory, seconds = sys.argv[1], *map(int, sys.argv[2:5])
    warnings.simplefilter("ignore")  # to say one, Python reads source
    for name in _BUILT_IN:
        codecs.lookup(name)
    confinement.limit(memory, seconds, threads=False)
    try:
        confinement.confine(threads=False)
        told = f"is {media_type_of(Asked(size), kind)}"
    except confinement.NotConfined:
        return confinement.NOT_CONFINED
    except Refused as refused:
        told = f"refused {refused.reason}"
    except MemoryError:
        return confinement.TOO_LARGE
    except Exception:  # noqa: BLE001 - whatever it stumbles over: it is no document for us
        return confinement.UNREADABLE
    os.write(1, ASK.pack(0, 0) + told.encode())
    return 0


def media_type_of(file: io.RawIOBase, kind: str) -> str:
    """Return what a file is that begins as one of a kind does. Raises Refused."""
    if kind == "office":
        return office_type(file)
    if kind == "pdf":
        require_pdf_tail(file)
        return "application/pdf"
    require_text(file)
    return "text/plain"


def require_pdf_tail(file: io.RawIOBase) -> None:
    """Raise Refused unless a PDF ends as one, and as no archive: the rest is read by nobody but its reader."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _ARCHIVE_END))
    tail = b"".join(_blocks(file))
    if b"%%EOF" not in tail[-2048:]:
        raise Refused(Reason.DAMAGED)
    if b"PK\x05\x06" in tail:
        raise Refused(Reason.NOT_ALLOWED)


def require_text(file: io.RawIOBase) -> None:
    """Raise Refused unless the file is UTF-8 throughout, without control characters."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    file.seek(0)
    try:
        for block in _blocks(file):
            if _NOT_TEXT.search(decoder.decode(block)):
                raise Refused(Reason.NOT_ALLOWED)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Refused(Reason.NOT_ALLOWED) from None


def _blocks(file: io.RawIOBase) -> Iterator[bytes]:
    while block := file.read(MOST_AT_ONCE):
        yield block


if __name__ == "__main__":
    sys.exit(main())
