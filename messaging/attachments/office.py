"""Looking into an office file: a well-formed ZIP of the kinds that are let in, that is no bomb and runs nothing.

Every entry is unpacked once, block by block, and thrown away: what the directory claims is compared with what there
is. The workbook that a chart of OOXML carries is looked into as the file itself is, no other file inside. Runs
behind walls (`examine`). What must not live here: repairing anything; a file either passes as it is or does not.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import IO

from messaging.attachments.markup import Markup, is_chart_book, markup_in, markup_of, types_in
from messaging.attachments.refusing import Reason, Refused

MAX_ENTRIES = 5_000
MAX_DIRECTORY = 4 * 1024 * 1024
MAX_UNPACKED = 512 * 1024 * 1024
MAX_RATIO = 200  # of what is larger than FREE: sheets of repeated numbers pack well, bombs pack a thousand times
FREE = 16 * 1024 * 1024
MAX_TEXT = 4 * 1024 * 1024
MAX_BOOK = 16 * 1024 * 1024  # of a chart's workbook: it is read as a file, so it lies in memory
BLOCK = 256 * 1024
_END = struct.Struct("<4s4H2LH")  # APPNOTE 4.3.16, the end of central directory record
_LOCATOR_64 = 20  # bytes, APPNOTE 4.3.15: stands before it and leads to another end, which readers believe instead
_OFFICE = "application/vnd.openxmlformats-officedocument."
_SHEET = _OFFICE + "spreadsheetml.sheet"
_MAIN_PARTS: Mapping[str, str] = MappingProxyType(
    {
        _OFFICE + "wordprocessingml.document.main+xml": _OFFICE + "wordprocessingml.document",
        _SHEET + ".main+xml": _SHEET,
        _OFFICE + "presentationml.presentation.main+xml": _OFFICE + "presentationml.presentation",
    }
)
_ODF = frozenset(f"application/vnd.oasis.opendocument.{kind}" for kind in ("text", "spreadsheet", "presentation"))
OFFICE_TYPES = _ODF | frozenset(_MAIN_PARTS.values())
# Parts that hold programs, or other files that are not looked into.
_ACTIVE_NAME = re.compile(
    r"vba|activex|macrosheet|/embeddings/|/oleobject|(^|/)(basic|scripts|dialogs)/|/customui"
    r"|\.(bin|exe|dll|scr|js|vbs|jar|hta|cmd|bat|ps1|lnk|class|com|msi|wsf)$",
    re.IGNORECASE,
)
_PAGE_NAME = re.compile(r"\.(rtf|mht|mhtml|html?)$", re.IGNORECASE)  # opened by OOXML's programs as a part
_FILES_INSIDE = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04")  # OLE, and whatever is a ZIP
_MANIFEST = "meta-inf/manifest.xml"
_PRINTER = re.compile(
    r"/printersettings/[^/]*\.bin$", re.IGNORECASE
)  # Excel keeps a printer's settings so: no program


def office_type(file: io.RawIOBase) -> str:
    """Return the media type of an office file. Raises Refused."""
    _require_plain_zip(file)
    file.seek(0)
    try:
        with zipfile.ZipFile(io.BufferedReader(file, BLOCK)) as archive:
            return _type_of(archive, MAX_UNPACKED)[0]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, ValueError, struct.error):
        raise Refused(Reason.DAMAGED) from None
    except (NotImplementedError, RuntimeError):  # a way of packing, or encryption, that is not read
        raise Refused(Reason.DAMAGED) from None


def _require_plain_zip(file: io.RawIOBase | io.BytesIO) -> None:
    """Raise Refused for a directory that is too large to be read, or one with anything behind it."""
    size, wanted = file.seek(0, io.SEEK_END), _LOCATOR_64 + _END.size
    if size < wanted:
        raise Refused(Reason.DAMAGED)
    file.seek(size - wanted)
    tail = b""
    while block := file.read(wanted - len(tail)):
        tail += block
    if len(tail) != wanted:
        raise Refused(Reason.DAMAGED)
    sign, disk, first_disk, here, entries, length, _start, comment = _END.unpack(tail[_LOCATOR_64:])
    if sign != b"PK\x05\x06" or disk or first_disk or here != entries or comment:
        raise Refused(Reason.DAMAGED)
    if entries > MAX_ENTRIES or length > MAX_DIRECTORY or tail.startswith(b"PK\x06\x07"):
        raise Refused(Reason.BOMB)


def _type_of(archive: zipfile.ZipFile, budget: int, *, inside: bool = False) -> tuple[str, int]:
    """Return what it is, and how much of the budget is left; `inside` where it lies in another."""
    entries = archive.infolist()
    packaged = "[content_types].xml" in {entry.filename.lower() for entry in entries}
    books = {entry.filename for entry in entries if packaged and not inside and is_chart_book(entry.filename)}
    _require_sane(entries, books, packaged=packaged)
    texts: dict[str, bytes] = {}
    # As they lie in the file, whatever the directory's order: whoever has it opens each piece of it once.
    for entry in sorted(entries, key=lambda one: one.header_offset):
        keep = entry.filename in {"[Content_Types].xml", "mimetype"} or entry.filename.lower() == _MANIFEST
        with archive.open(entry) as part:
            if entry.filename in books:
                budget = _look_into_book(part, budget, min(budget, MAX_BOOK, _allowed(entry)))
                continue
            unpacked, text = _unpack(
                part, min(budget, _allowed(entry)), keep=keep, markup=markup_of(entry.filename)
            )
        budget -= unpacked
        if entry.filename.lower() == _MANIFEST and b"encryption-data" in text:
            raise Refused(Reason.ENCRYPTED)
        if keep:
            texts[entry.filename] = text
    return _told_type(entries, texts), budget


def _look_into_book(part: IO[bytes], budget: int, limit: int) -> int:
    """Look through a chart's workbook, which carries no file itself; return what is left of the budget."""
    file = io.BytesIO()
    while block := part.read(BLOCK):
        if file.tell() + len(block) > limit:
            raise Refused(Reason.BOMB)
        file.write(block)
    size = file.tell()
    _require_plain_zip(file)
    with zipfile.ZipFile(file) as archive:
        told, left = _type_of(archive, budget - size, inside=True)
    if told != _SHEET:
        raise Refused(Reason.ACTIVE_CONTENT)
    return left


def _allowed(entry: zipfile.ZipInfo) -> int:
    return FREE + MAX_RATIO * entry.compress_size


def _require_sane(entries: list[zipfile.ZipInfo], books: Set[str], *, packaged: bool) -> None:
    if not entries or min(entry.header_offset for entry in entries) != 0:
        raise Refused(Reason.DAMAGED)
    names = [entry.filename for entry in entries]
    if len({name.lower() for name in names}) != len(names):
        raise Refused(Reason.DAMAGED)  # which of two is read depends on the reader
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Refused(Reason.BOMB)
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise Refused(Reason.ENCRYPTED)
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            raise Refused(Reason.DAMAGED)
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise Refused(Reason.DAMAGED)
        if entry.file_size > _allowed(entry):
            raise Refused(Reason.BOMB)
        if _ACTIVE_NAME.search(name) and not _PRINTER.search(name) and entry.filename not in books:
            raise Refused(Reason.ACTIVE_CONTENT)
        if packaged and _PAGE_NAME.search(name):
            raise Refused(Reason.ACTIVE_CONTENT)


def _unpack(part: IO[bytes], limit: int, *, keep: bool, markup: Markup | None) -> tuple[int, bytes]:
    """Unpack an entry to nowhere; return its size, and its beginning where it is asked for. Raises Refused."""
    size, kept = 0, b""
    while block := part.read(BLOCK):
        if not size and block.startswith(_FILES_INSIDE):
            raise Refused(Reason.ACTIVE_CONTENT)
        if not size and markup is None:
            markup = markup_in(block, cut=len(block) == BLOCK)
        size += len(block)
        if size > limit:
            raise Refused(Reason.BOMB)
        if keep and len(kept) < MAX_TEXT:
            kept += block
        if markup is not None:
            markup.feed(block)
    if markup is not None and size:  # LibreOffice keeps empty parts
        markup.feed(b"", last=True)
    return size, kept


def _told_type(entries: list[zipfile.ZipInfo], texts: Mapping[str, bytes]) -> str:
    if "mimetype" in texts:
        told = texts["mimetype"].decode("ascii", "replace")
        first = entries[0]
        if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED or told not in _ODF:
            raise Refused(Reason.NOT_ALLOWED)
        return told
    types = types_in(texts["[Content_Types].xml"]) if "[Content_Types].xml" in texts else []
    if any("macroEnabled" in one or "vbaProject" in one for one in types):
        raise Refused(Reason.ACTIVE_CONTENT)
    found = [_MAIN_PARTS[one] for one in types if one in _MAIN_PARTS]
    if len(found) != 1:
        raise Refused(Reason.NOT_ALLOWED)
    return found[0]
