"""Files that nobody meant well, made when they are needed. No test lives here.

Each holds SECRET in what a picture does not show: what comes out of a check must not.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.messaging.uploads import docx, pdf, picture

SECRET = b"<script>alert('a lantern')</script>"
PNG = b"\x89PNG\r\n\x1a\n"
END = struct.Struct("<4s4H2LH")


# -- pictures


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*extra: bytes) -> bytes:
    """Return a PNG with further chunks before its pixels."""
    content = picture(kind="PNG")
    return content[:33] + b"".join(extra) + content[33:]


def packed_zeros(size: int) -> bytes:
    """Return what unpacks to so many zeros and a secret."""
    packer = zlib.compressobj(9)
    pieces = [
        packer.compress(SECRET),
        *(packer.compress(bytes(2**20)) for _ in range(size // 2**20)),
        packer.flush(),
    ]
    return b"".join(pieces)


def png_with_profile() -> bytes:
    return png(chunk(b"iCCP", b"icc\0\0" + packed_zeros(96 * 2**20)))


def png_with_packed_text() -> bytes:
    return png(chunk(b"zTXt", b"Comment\0\0" + packed_zeros(96 * 2**20)))


def png_with_many_texts() -> bytes:
    return png(*(chunk(b"zTXt", b"k%d\0\0" % number + packed_zeros(2**20)) for number in range(80)))


def png_with_packed_xmp() -> bytes:
    return png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed_zeros(64 * 2**20)))


def png_with_markup() -> bytes:
    """Return one that a browser would take for a page, were it told so."""
    return png(chunk(b"tEXt", b"html\0" + SECRET), chunk(b"eXIf", b"MM\0*\0\0\0\x08" + SECRET)) + SECRET


def apng(frames: int) -> bytes:
    """Return an animation of which every frame but the first is nonsense, told to be of a huge number."""
    extra = [chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))]
    extra.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 80, 60, 0, 0, 1, 1, 0, 0)))
    content = png(*extra)
    rest = b"".join(
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 2 * at + 1, 80, 60, 0, 0, 1, 1, 0, 0))
        + chunk(b"fdAT", struct.pack(">I", 2 * at + 2) + SECRET)
        for at in range(frames)
    )
    return content[:-12] + rest + content[-12:]


def gif(frames: int, size: tuple[int, int] = (1, 1)) -> bytes:
    """Return a GIF of so many frames of one pixel on a screen of a size, with words between them."""
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    words = b"\x21\xfe" + bytes([len(SECRET)]) + SECRET + b"\0"
    head = b"GIF89a" + struct.pack("<2HBBB", *size, 0x80, 0, 0) + b"\xff\0\0\0\0\xff"
    return head + frame + words + frame * (frames - 1) + b"\x3b"


def webp(frames: int, size: tuple[int, int]) -> bytes:
    """Return an animation whose canvas is as large as it is told to be, and each frame one pixel."""
    out = io.BytesIO()
    Image.new("RGB", (2, 2), (255, 0, 0)).save(out, "WEBP", lossless=True)
    still = out.getvalue()[12:]
    place = bytes(6) + (1).to_bytes(3, "little") * 2 + (10).to_bytes(3, "little") + b"\0"
    frame = riff(b"ANMF", place + still)
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in size)
    whole = riff(b"VP8X", b"\x06\0\0\0" + canvas) + riff(b"ANIM", bytes(6)) + frame * frames + riff(b"XMP ", SECRET)
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WEBP" + whole


def riff(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def segment(mark: int, data: bytes) -> bytes:
    return bytes([0xFF, mark]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*extra: bytes) -> bytes:
    content = picture()
    return content[:2] + b"".join(extra) + content[2:]


def jpeg_of(width: int, height: int) -> bytes:
    """Return a small JPEG that says it is of another size."""
    content = bytearray(picture())
    place = content.index(b"\xff\xc0")
    struct.pack_into(">HH", content, place + 5, height, width)
    return bytes(content)


def jpeg_of_scans(count: int) -> bytes:
    """Return a progressive JPEG that draws its last scan over and over."""
    content = picture(size=(64, 64), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + b"\xff\xd9"


def jpeg_with_words() -> bytes:
    return jpeg(*[segment(0xFE, SECRET * 1000)] * 300, segment(0xEF, SECRET)) + SECRET


def exif(entries: list[tuple[int, int, int, int]], after: int = 0) -> bytes:
    """Return an EXIF block of one directory at place 8: tag, type, count, value; and where the next one is."""
    rows = b"".join(struct.pack(">HHII", *one) for one in entries)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + rows + struct.pack(">I", after) + SECRET


def jpeg_with_circle() -> bytes:
    """Return one whose directories of EXIF, of GPS and of thumbnails are each other."""
    return jpeg(segment(0xE1, exif([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8)], after=8)))


def jpeg_with_lies() -> bytes:
    """Return one whose EXIF tells of more than there is."""
    return jpeg(segment(0xE1, exif([(0x0112, 3, 2**32 - 1, 0), (0x010F, 2, 2**31, 2**31), (0x8769, 4, 1, 2**31)])))


def jpeg_of_many() -> bytes:
    """Return one that says, as cameras do, that there are more pictures behind it (CIPA DC-007)."""
    rows = [(0xB000, 7, 4, 0x30313030), (0xB001, 4, 1, 2**31 - 1), (0xB002, 7, 2**31 - 1, 50)]
    return jpeg(segment(0xE2, b"MPF\0" + exif(rows)[6:])) + picture() + SECRET


def tiff_with_circle() -> bytes:
    """Return a TIFF whose only directory is followed by itself."""
    return b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x0100, 4, 1, 1, 8) + SECRET


# -- archives and documents


def zipped(entries: dict[str, bytes], comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
        archive.comment = comment
    return out.getvalue()


def gifar() -> bytes:
    """Return a picture that is a program for a Java machine as well."""
    return gif(1) + zipped({"Evil.class": b"\xca\xfe\xba\xbe" + SECRET})


def pdf_and_archive() -> bytes:
    return pdf() + zipped({"evil.js": SECRET}, comment=b"%%EOF\n")


def archive_in_pdf() -> bytes:
    """Return a PDF with an archive inside, whose comment is the end of the PDF."""
    end = b"\nendstream endobj\n" + b" " * 60_000 + b"\n%%EOF\n"
    return b"%PDF-1.7\n1 0 obj <<>> stream\n" + zipped({"evil.js": SECRET}, comment=end)


def twice() -> bytes:
    """Return a document with a part twice: which one is read depends on the reader."""
    content = docx(more={"word/documenu.xml": b"<other/>"})
    return content.replace(b"word/documenu.xml", b"word/document.xml")


def other_name() -> bytes:
    """Return one whose part has another name where it lies than in the directory."""
    content = bytearray(docx(more={"word/settings.xml": b"<s/>"}))
    place = content.index(b"word/settings.xml")
    content[place : place + 17] = b"word/vbaProjec.bn"
    return bytes(content)


def huge_numbers() -> bytes:
    """Return one whose directory takes sizes from a ZIP64 field: 2^62 bytes."""
    content = docx()
    start = content.rindex(b"PK\x01\x02")
    entry = bytearray(content[start : content.rindex(b"PK\x05\x06")])
    struct.pack_into("<LL", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    more = struct.pack("<HHQQ", 1, 16, 2**62, 2**62)
    struct.pack_into("<H", entry, 30, len(more))
    name = struct.unpack_from("<H", entry, 28)[0]
    entry[46 + name : 46 + name] = more
    return with_directory(content, content[content.index(b"PK\x01\x02") : start] + bytes(entry), 2)


def with_directory(content: bytes, directory: bytes, entries: int) -> bytes:
    start = content.index(b"PK\x01\x02")
    return content[:start] + directory + END.pack(b"PK\x05\x06", 0, 0, entries, entries, len(directory), start, 0)


def second_end(entries: int) -> bytes:
    """Return one with two directories: a small one by its end, and one of many entries by its ZIP64 end."""
    content = docx()
    start, end = content.index(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    small, tail = content[start:end], content[end:]
    many = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0) + b"p%06d" % at
        for at in range(entries)
    )
    end64 = len(content[:start]) + len(many)
    sizes = (entries, entries, len(many), start)
    return (
        content[:start] + many
        + struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *sizes)
        + struct.pack("<4sLQL", b"PK\x06\x07", 0, end64, 1)
        + tail[:12] + struct.pack("<LLH", len(small), start, 0)
    )  # fmt: skip


def quoted_overlap(files: int, size: int) -> bytes:
    """Return an archive whose parts lie in each other (Fifield, "A better zip bomb", 2019).

    Each part quotes the head of the next as a block that is stored as it is, and goes on with the next one's data:
    all of them share one kernel.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data, plain = packer.compress(bytes(size)) + packer.flush(), bytes(size)
    crc = zlib.crc32(plain)
    made: list[tuple[bytes, bytes, int, int, int]] = []
    laid = b""
    for at in reversed(range(files)):
        name = b"word/part%04d.bmp" % at
        if made:
            data, crc = struct.pack("<BHH", 0, len(laid), len(laid) ^ 0xFFFF) + laid + data, 0
            plain = laid + plain
            crc = zlib.crc32(plain)
        laid = (
            struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(data), len(plain), len(name), 0) + name
        )
        made.append((name, laid, crc, len(data), len(plain)))
    return _with_entries(laid + data, list(_places(made)))


def _places(made: list[tuple[bytes, bytes, int, int, int]]) -> Iterator[tuple[bytes, int, int, int, int]]:
    place = 0
    for name, laid, crc, packed, unpacked in reversed(made):
        yield name, place, crc, packed, unpacked
        place += len(laid) + 5


def _with_entries(body: bytes, entries: list[tuple[bytes, int, int, int, int]]) -> bytes:
    directory = b"".join(
        struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, packed, unpacked, len(name), 0, 0, 0, 0, 0, place
        )
        + name
        for name, place, crc, packed, unpacked in entries
    )
    count = len(entries)
    return body + directory + END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)


LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><x>&a9;</x>"
).encode()
QUADRATIC = b"<!DOCTYPE x [<!ENTITY a '" + b"a" * 100_000 + b"'>]><x>" + b"&a;" * 100_000 + b"</x>"
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
PARAMETER = b'<!DOCTYPE x [<!ENTITY % a SYSTEM "https://example.invalid/x.dtd">%a;]><x/>'
ELSEWHERE = b'<!DOCTYPE x SYSTEM "https://example.invalid/x.dtd"><x/>'
WIDE = LAUGHS.decode().encode("utf-16")
