"""Pictures, archives and documents that were made to hurt: refused, or drawn anew with nothing of it left.

How much memory it takes is bounded for the child that draws (`test_attachment_check`), and measured here for the
process that looks into archives.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from pytest_django import Settings

from accounts.models import Officer
from messaging.attachments.reading import read_attachment
from messaging.models import Attachment
from tests.messaging import hostile
from tests.messaging.hostile import SECRET
from tests.messaging.server import ROOT
from tests.messaging.uploads import Member, checked, docx, odt, pdf

pytestmark = pytest.mark.django_db
SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
type Check = Callable[..., Attachment]


# What Pillow tells of a picture that has nothing but pixels.
PLAIN = {
    "jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background", "timestamp", "duration",
}  # fmt: skip


@pytest.fixture
def check(member: Member, fatou: Officer, settings: Settings, tmp_path: Path) -> Callable[..., Attachment]:
    """Send a file and have it checked."""
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"
    return lambda content, name="photo.jpg": checked(member(fatou), content, name)


@pytest.mark.parametrize(
    "make",
    [
        hostile.png_with_profile, hostile.png_with_packed_text, hostile.png_with_many_texts,
        hostile.png_with_packed_xmp, hostile.png_with_markup, lambda: hostile.apng(2_000),
        lambda: hostile.gif(100_000),
        lambda: hostile.webp(2_000, (2, 2)), lambda: hostile.jpeg_of_scans(2_000), hostile.jpeg_with_words,
        hostile.jpeg_with_circle, hostile.jpeg_with_lies, hostile.jpeg_of_many, hostile.gifar,
    ],
    ids=[
        "png-profile", "png-text", "png-texts", "png-xmp", "png-html", "apng", "gif-frames", "webp-frames",
        "jpeg-scans", "jpeg-words", "exif-circle", "exif-lies", "mpo", "gifar",
    ],
)  # fmt: skip
def test_nothing_of_it_is_left_in_a_picture(
    check: Check, member: Member, fatou: Officer, make: Callable[[], bytes]
) -> None:
    """Refused, or a still picture of one frame, with pixels and nothing else."""
    attachment = check(make())
    if attachment.state == "refused":
        assert attachment.reason in {"damaged", "too_large"}
        assert (attachment.content, attachment.preview) == (None, None)
        return
    assert attachment.state == "ready"
    for part in ("content", "preview"):
        stream = read_attachment(member(fatou), attachment, part=part)
        drawn = b"".join(stream.blocks)
        assert not any(
            mark in drawn for mark in (SECRET[:8], b"PK\x03\x04", b"Exif", b"iCCP", b"zTXt", b"ANMF", b"fcTL")
        )
        found = Image.open(io.BytesIO(drawn))
        found.load()
        assert getattr(found, "n_frames", 1) == 1
        assert set(found.info) <= PLAIN


@pytest.mark.parametrize(
    "make",
    [
        lambda: hostile.gif(1, (65_535, 65_535)), lambda: hostile.webp(3, (16_383, 16_383)),
        lambda: hostile.webp(3, (2**24, 2**8)), lambda: hostile.jpeg_of(65_500, 65_500),
        lambda: hostile.jpeg_of(65_500, 2_000),
    ],
    ids=["gif", "webp", "webp-wide", "jpeg", "jpeg-wide"],
)  # fmt: skip
def test_picture_that_claims_a_huge_size_is_refused(check: Check, make: Callable[[], bytes]) -> None:
    attachment = check(make())
    assert (attachment.state, attachment.content) == ("refused", None)
    assert attachment.reason in {"too_large", "damaged"}


def test_kind_of_picture_that_is_not_let_in_is_never_decoded(check: Check) -> None:
    assert check(hostile.tiff_with_circle(), "photo.tif").reason == "not_allowed"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (hostile.pdf_and_archive, "not_allowed"),
        (hostile.archive_in_pdf, "not_allowed"),
        (hostile.twice, "damaged"),
        (hostile.other_name, "damaged"),
        (hostile.huge_numbers, "bomb"),
        (lambda: hostile.second_end(10), "bomb"),
        (lambda: hostile.quoted_overlap(100, 2**20), "damaged"),
    ],
    ids=["pdf-zip", "zip-in-pdf", "twice", "other-name", "huge-numbers", "two-ends", "overlap"],
)
def test_archive_that_reads_otherwise_elsewhere_is_refused(
    check: Check, make: Callable[[], bytes], reason: str
) -> None:
    attachment = check(make(), "a.pdf")
    assert (attachment.state, attachment.reason, attachment.content) == ("refused", reason, None)


def test_pdf_with_a_document_inside_is_let_in(check: Check) -> None:
    """An archive far from the end is no end of the file's own."""
    content = pdf()
    assert check(content[:9] + hostile.zipped({"a": b"b"}) + b"%" * 70_000 + content[9:], "a.pdf").state == "ready"


ENTITIES = (
    hostile.LAUGHS, hostile.QUADRATIC, hostile.OUTSIDE, hostile.PARAMETER, hostile.ELSEWHERE, hostile.WIDE,
)  # fmt: skip


@pytest.mark.parametrize("markup", ENTITIES, ids=["laughs", "quadratic", "outside", "parameter", "dtd", "utf-16"])
@pytest.mark.parametrize(
    "make",
    [
        lambda markup: docx(more={"word/comments.xml": markup}),
        lambda markup: docx(types=EXCEL, more={"xl/worksheets/sheet1.xml": markup}),
        lambda markup: docx(more={"docProps/core.XML": markup}),
        lambda markup: odt(more={"meta.xml": markup}),
        lambda markup: odt(kind=SPREADSHEET, more={"Object 1/meta.xml": markup}),
        lambda markup: odt(more={"manifest.rdf": markup}),
        lambda markup: docx(types=EXCEL, more={"xl/drawings/vmlDrawing1.vml": markup}),
        lambda markup: docx(more={"word/media/image1.svg": markup}),
        lambda markup: odt(more={"Pictures/anything": markup}),
    ],
    ids=["docx", "xlsx", "properties", "odt", "ods", "rdf", "vml", "svg", "anything"],
)
def test_entities_in_any_part_of_a_document_are_refused(
    check: Check, make: Callable[[bytes], bytes], markup: bytes
) -> None:
    """The program that opens it would unfold them, or fetch them."""
    assert check(make(markup), "a.docx").reason == "damaged"


@pytest.mark.parametrize(
    "markup",
    [
        b"\xef\xbb\xbf\r\n\t " + hostile.LAUGHS.partition(b"?>")[2],
        b" " * 300_000 + hostile.ELSEWHERE,
        "\n ".encode("utf-16-le") + hostile.ELSEWHERE.decode().encode("utf-16-le"),
        b"<a>" * 2_000,
        b"<a" + b" " * 9 * 2**20,
    ],
    ids=["mark", "far-behind", "utf-16", "deep", "long"],
)
@pytest.mark.parametrize("make", [docx, odt], ids=["docx", "odt"])
def test_markup_under_any_name_is_looked_at(check: Check, make: Callable[..., bytes], markup: bytes) -> None:
    assert check(make(more={"media/image1.emf": markup}), "a.docx").reason == "damaged"


@pytest.mark.parametrize(
    "more",
    [
        {"xl/drawings/vmlDrawing1.vml": b'<xml xmlns:v="v"><v:shape><font>a<br>b</font></v:shape></xml>'},
        {
            "Pictures/a.svg": b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
            b'"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg/>'
        },
        {"Pictures/a.emf": b"\0\0\0 <" + bytes(300_000), "b.txt": b" \n", "c.txt": b""},
        # A font as Word hides it: its beginning is anything.
        {"a.odttf": b"<\x9a\0" * 20_000, "b.odttf": b"\0<\x07" * 20_000, "c.odttf": b" <a\xff\0" * 20_000},
    ],
    ids=["vml", "svg", "no-markup", "fonts"],
)
@pytest.mark.parametrize("make", [docx, odt], ids=["docx", "odt"])
def test_parts_as_office_programs_write_them_are_let_in(
    check: Check, make: Callable[..., bytes], more: dict[str, bytes]
) -> None:
    assert check(make(more=more), "a.docx").state == "ready"


@pytest.mark.parametrize(
    "more",
    [
        {"Configurations2/accelerator/current.xml": b""},
        {
            "META-INF/manifest.xml": b'<!DOCTYPE m PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" '
            b'"Manifest.dtd"><m/>'
        },
        {"docProps/app.xml": '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16")},
    ],
    ids=["empty", "old-doctype", "utf-16"],
)
def test_what_office_programs_do_write_is_let_in(check: Check, more: dict[str, bytes]) -> None:
    assert check(odt(more=more), "a.odt").state == "ready"


LOOK = """
import io, sys
import django
django.setup()
from messaging.attachments.recognising import recognised
from messaging.attachments.refusing import Refused
from tests.memory import peak
before = peak()
try:
    recognised(open(sys.argv[1], "rb", buffering=0))
except Refused as refused:
    print(refused.reason, peak() - before)
"""


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: hostile.second_end(200_000), "bomb"),
        (lambda: docx(more={"word/a.xml": b"".join(b"<a%d>" % at for at in range(1_000_000))}), "damaged"),
        (lambda: docx(more={"word/a.xml": b"<a" + os.urandom(6 * 2**20).hex().encode()}), "damaged"),
    ],
    ids=["directory", "deep", "long"],
)
def test_looking_into_an_archive_takes_little_memory(
    tmp_path: Path, make: Callable[[], bytes], reason: str
) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "cencomm.settings"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told, taken = done.stdout.split()
    assert told == reason
    assert int(taken) < 60 * 2**20
