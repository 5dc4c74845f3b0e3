"""What the check lets in, what it makes of it, and what it refuses. Hostile files are made here, at test time."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import struct
import subprocess
import zipfile
from collections.abc import Callable

import pytest
from PIL import Image
from pytest_django import Settings

from accounts.models import Officer
from audit.models import Entry
from groups.models import ClosedUserGroup
from messaging.attachments import checking, pictures
from messaging.attachments.checking import ATTEMPTS, check_attachment
from messaging.attachments.errors import StorageUnavailable
from messaging.attachments.facts import opened_facts, state_json
from messaging.attachments.names import clean_name, fitted_name
from messaging.attachments.reading import read_attachment
from messaging.attachments.refusing import Reason
from messaging.attachments.storage import FolderStorage, storage
from messaging.attachments.wording import REASON_TEXT, reason_text
from messaging.models import Attachment, AttachmentPiece
from tests.messaging.heic import TINY
from tests.messaging.uploads import ODF, Member, checked, docx, huge_png, odt, pdf, picture, uploaded
from vault.errors import KeyAgentAway

pytestmark = pytest.mark.django_db
GPS = 0x8825
NOISE = random.Random(1).randbytes(5000)  # nothing that anybody knows, whatever the day
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: object) -> None:
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"


@pytest.fixture
def check(member: Member, fatou: Officer) -> Callable[..., Attachment]:
    """Send a file and have it checked."""
    return lambda content, name="photo.jpg": checked(member(fatou), content, name)


@pytest.fixture
def shown(member: Member, fatou: Officer) -> Callable[[Attachment, str], bytes]:
    """Read a part of a file as a member does."""

    def read(attachment: Attachment, part: str = "content") -> bytes:
        return b"".join(read_attachment(member(fatou), attachment, part=part).blocks)  # type: ignore[arg-type]

    return read


type Check = Callable[..., Attachment]
type Shown = Callable[..., bytes]


def photograph() -> bytes:
    """Return a JPEG that lies on its side and tells where it was taken and by whom, and holds a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x010F] = "CameraMaker"
    exif[0x013B] = "Fatou Mensah"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (5.0, 33.0, 0.0)
    return picture(exif=exif, comment=b"a secret comment", quality=95)


def test_picture_is_drawn_anew_and_tells_nothing(check: Check, shown: Shown, room: ClosedUserGroup) -> None:
    original = photograph()
    assert b"CameraMaker" in original
    attachment = check(original)
    told = state_json(room, attachment)
    assert (told["state"], told["kind"], told["media_type"], told["preview"]) == (
        "ready",
        "image",
        "image/jpeg",
        True,
    )
    assert (told["width"], told["height"]) == (60, 80)
    assert told["sha256"] == hashlib.sha256(original).hexdigest()
    for part in ("content", "preview"):
        drawn = shown(attachment, part)
        for secret in (b"CameraMaker", b"Fatou", b"Exif", b"GPS", b"secret", b"ICC"):
            assert secret not in drawn
        found = Image.open(io.BytesIO(drawn))
        assert dict(found.getexif()) == {}
        assert found.size == (60, 80)
        red, blue = found.convert("RGB").getpixel((30, 5)), found.convert("RGB").getpixel((30, 75))
        assert (red[0] > 200, red[2] < 60) == (True, True)  # type: ignore[index]
        assert (blue[2] > 200, blue[0] < 60) == (True, True)  # type: ignore[index]
    assert told["size"] == len(shown(attachment))


def test_original_of_a_picture_is_not_kept(check: Check) -> None:
    attachment = check(photograph())
    assert not AttachmentPiece.objects.filter(attachment=attachment).exists()
    assert set(storage().older_than(2**40)) >= {attachment.content, attachment.preview}


@pytest.mark.django_db(transaction=True)
def test_stored_original_goes_with_the_check(member: Member, fatou: Officer) -> None:
    attachment = checked(member(fatou), photograph())
    assert set(storage().older_than(2**40)) == {attachment.content, attachment.preview}


@pytest.mark.parametrize(
    ("mode", "kind", "told"),
    [
        ("RGB", "JPEG", "image/jpeg"), ("L", "JPEG", "image/jpeg"), ("CMYK", "JPEG", "image/jpeg"),
        ("RGB", "PNG", "image/png"), ("RGBA", "PNG", "image/png"), ("P", "PNG", "image/png"),
        ("1", "PNG", "image/png"),
        ("I;16", "PNG", "image/png"), ("LA", "PNG", "image/png"),
        ("RGB", "WEBP", "image/webp"), ("RGBA", "WEBP", "image/webp"), ("P", "GIF", "image/png"),
    ],
)  # fmt: skip
def test_every_kind_of_picture_comes_out_readable(
    check: Check, shown: Shown, room: ClosedUserGroup, mode: str, kind: str, told: str
) -> None:
    attachment = check(picture(mode, kind=kind), "picture.gif")
    state = state_json(room, attachment)
    assert (state["state"], state["media_type"]) == ("ready", told)
    found = Image.open(io.BytesIO(shown(attachment)), formats=(told.removeprefix("image/"),))
    found.load()
    assert found.size == (80, 60)
    assert state["name"] == "picture" + {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}[told]


@pytest.mark.parametrize(
    ("make", "name", "kind", "told"),
    [
        (pdf, "plan.pdf", "pdf", "plan.pdf"),
        (docx, "a.docx", "office", "a.docx"),
        (lambda: docx(types=EXCEL), "a", "office", "a.xlsx"),
        (odt, "a.odt", "office", "a.odt"),
        (lambda: odt(kind="application/vnd.oasis.opendocument.spreadsheet"), "a.xlsx", "office", "a.xlsx.ods"),
        ("Être à quai\r\n\t12".encode, "list.csv", "text", "list.csv"),
        ("\ufeffwith a mark".encode, "a.txt", "text", "a.txt"),
        (lambda: b"<script>alert(1)</script>", "evil.html", "text", "evil.html.txt"),
        (lambda: b"MZ is how programs begin, this is text", "evil.exe", "text", "evil.exe.txt"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_kept_as_it_came(
    check: Check,
    shown: Shown,
    room: ClosedUserGroup,
    make: Callable[[], bytes],
    name: str,
    kind: str,
    told: str,
) -> None:
    content = make()
    attachment = check(content, name)
    state = state_json(room, attachment)
    assert (state["state"], state["reason"], state["kind"], state["name"]) == ("ready", None, kind, told)
    assert (state["preview"], state["width"], state["size"]) == (False, None, len(content))
    assert shown(attachment) == content


def test_picture_of_a_telephone_is_read(check: Check, shown: Shown, room: ClosedUserGroup) -> None:
    original = base64.b64decode(TINY)
    assert b"CameraMaker" in original
    attachment = check(original, "IMG_0001.HEIC")
    state = state_json(room, attachment)
    assert (state["state"], state["media_type"], state["name"]) == ("ready", "image/jpeg", "IMG_0001.jpg")
    found = Image.open(io.BytesIO(shown(attachment)))
    assert (found.size, b"CameraMaker" in shown(attachment)) == ((64, 48), False)
    left, right = found.convert("RGB").getpixel((5, 24)), found.convert("RGB").getpixel((58, 24))
    assert left[0] > left[2]  # type: ignore[index]
    assert right[2] > right[0]  # type: ignore[index]


def zipped(*entries: tuple[str, bytes], tail: bytes = b"", head: bytes = b"", **options: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", options.get("compression", zipfile.ZIP_DEFLATED)) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return head + out.getvalue() + tail


def bomb() -> bytes:
    """Return a document with a part that grows a thousand times."""
    return docx(more={"word/media/image1.emf": bytes(64 * 2**20)})


def lying_bomb() -> bytes:
    """Return one whose directory says that the part is small."""
    content = bytearray(docx(more={"word/media/image1.emf": bytes(64 * 2**20)}))
    for sign, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.rfind(sign, 0, content.rfind(b"word/media"))
        place = content.rfind(sign) if sign == b"PK\x01\x02" else place
        struct.pack_into("<I", content, place + at, 100)
    return bytes(content)


def overlapping_bomb() -> bytes:
    """Return an archive whose directory names the same bytes a hundred times."""
    once = bytearray(zipped(("[Content_Types].xml", bytes(2**20))))
    directory = once.rfind(b"PK\x01\x02")
    end = once.rfind(b"PK\x05\x06")
    entry = bytes(once[directory:end])
    entries = b"".join(entry.replace(b"[Content_Types].xml", f"part{number:015}".encode()) for number in range(100))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 100, 100, len(entries), directory, 0)
    return bytes(once[:directory]) + entries + tail


def external(kind: str) -> bytes:
    relation = (
        '<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        f'relationships/{kind}" Target="https://example.invalid/x" TargetMode="External"/></Relationships>'
    )
    return docx(more={"word/_rels/settings.xml.rels": relation.encode()})


NAMESPACE = "http://schemas.openxmlformats.org/package/2006/relationships"
TEMPLATE = (
    'Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" '
    'Target="https://example.invalid/x"'
)


def related(relations: str) -> bytes:
    return docx(more={"word/_rels/settings.xml.rels": relations.encode()})


def with_listener(prefix: str, before: int = 0) -> bytes:
    listener = f'<{prefix}:event-listener xmlns:{prefix}="{ODF}script:1.0"/>'
    return odt(more={"styles.xml": f"<styles>{'<p/>' * (before // 4)}{listener}</styles>".encode()})


@pytest.mark.parametrize(
    "relations",
    [
        f'<r:All xmlns:r="{NAMESPACE}"><r:Relationship {TEMPLATE} TargetMode="External"/></r:All>',
        f'<Relationships><Relationship {TEMPLATE} TargetMode="&#69;xternal"/></Relationships>',
        f'<Relationships><Relationship note=">" {TEMPLATE} TargetMode="External"/></Relationships>',
        f"<All><Relationship note='Type=\"/hyperlink\"' {TEMPLATE} TargetMode='External'/></All>",
        f'<Relationships>{"<!-- -->" * 600_000}<Relationship {TEMPLATE} TargetMode="External"/></Relationships>',
    ],
    ids=["prefix", "reference", "bracket", "spoken-of", "far-behind"],
)
def test_no_way_of_writing_hides_what_opens_by_itself(check: Check, relations: str) -> None:
    assert check(related(relations), "a.docx").reason == "active_content"


@pytest.mark.parametrize(
    "relations",
    [
        '<!DOCTYPE r [<!ENTITY e "External">]><Relationships/>',
        "<Relationships>",
        f"<Relationships><!--{' ' * 9 * 2**20}--></Relationships>",
    ],
    ids=["entities", "unended", "one-long-comment"],
)
def test_markup_that_no_office_program_writes_is_refused(check: Check, relations: str) -> None:
    assert check(related(relations), "a.docx").reason == "damaged"


@pytest.mark.parametrize("encoding", ["windows-1252", "koi8-r", "unicode-escape", "zlib", "os", "nobodys"])
def test_encoding_that_no_office_program_writes_is_refused(check: Check, encoding: str) -> None:
    """A name in a file lets nothing be loaded that reads it."""
    assert (
        check(related(f'<?xml version="1.0" encoding="{encoding}"?><Relationships/>'), "a.docx").reason == "damaged"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-16", "us-ascii", "iso-8859-1"])
def test_encoding_of_an_office_program_is_let_in(check: Check, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><Relationships/>'
    content = docx(more={"word/_rels/settings.xml.rels": text.encode(encoding)})
    assert check(content, "a.docx").state == "ready"


def test_a_document_with_a_link_to_click_is_let_in(check: Check) -> None:
    relation = TEMPLATE.replace("attachedTemplate", "hyperlink")
    told = f'<Relationships><Relationship {relation} TargetMode="External"/></Relationships>'
    assert check(related(told), "a.docx").state == Attachment.State.READY


CHART = (
    f'<office:document-content xmlns:office="{ODF}office:1.0" xmlns:chart="{ODF}chart:1.0" '
    f'xmlns:draw="{ODF}drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"><chart:chart xlink:href=".."/>'
    '<draw:image xlink:href="../Pictures/logo.png"/>%s</office:document-content>'
)


def with_chart(inside: str = "", folder: str = "Object 1", **more: bytes) -> bytes:
    """Return a text document that holds a chart, which is a document in a folder of its own."""
    content = CHART % inside
    return odt(more={f"{folder}/content.xml": content.encode(), f"{folder}/styles.xml": b"<styles/>", **more})


def spoken(space: str, element: str, href: str) -> str:
    return f'<o:{element} xmlns:o="{ODF}{space}:1.0" xmlns:l="http://www.w3.org/1999/xlink" l:href="{href}"/>'


@pytest.mark.parametrize("folder", ["Object 1", "Objekt 12", "Object 1/Object 2", "chart"])
def test_document_with_a_chart_is_let_in(check: Check, folder: str) -> None:
    attachment = check(with_chart(folder=folder), "a.odt")
    assert (attachment.state, attachment.reason) == ("ready", "")


@pytest.mark.parametrize(
    "inside",
    [
        f'<s:event-listener xmlns:s="{ODF}script:1.0"/>',
        f'<p:event-listener xmlns:p="{ODF}presentation:1.0"/>',
        f'<t:dde-link xmlns:t="{ODF}table:1.0"/>',
        f'<d:object-ole xmlns:d="{ODF}drawing:1.0"/>',
        "<office:scripts><office:script/></office:scripts>",
        spoken("text", "a", "vnd.sun.star.script:x.py$y?language=Python"),
        spoken("text", "a", " macro:///Standard.Module1.Main"),
        spoken("drawing", "image", "https://example.invalid/x"),
        spoken("drawing", "image", "//example.invalid/x"),
        spoken("drawing", "image", "../../../x.png"),
        spoken("table", "table-source", "file:///etc/passwd"),
    ],
)
@pytest.mark.parametrize("folder", ["Object 1", "any/name"])
def test_documents_inside_documents_are_looked_at_as_they_are(check: Check, folder: str, inside: str) -> None:
    assert check(with_chart(inside, folder), "a.odt").reason == "active_content"


@pytest.mark.parametrize(
    "href", ["https://example.invalid/x", "mailto:a@example.invalid", "#place", "../beside.odt"]
)
def test_links_of_documents_that_one_clicks_are_let_in(check: Check, href: str) -> None:
    assert check(with_chart(spoken("text", "a", href)), "a.odt").state == "ready"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Object 1/Basic/Standard/Module1.xml", b"x"),
        ("Object 1/Scripts/python/a.txt", b"x"),
        ("any/Dialogs/Standard/Dialog1.xml", b"x"),
        ("Object 2", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("Pictures/a.png", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("Object 2", docx()),
    ],
)
def test_programs_and_files_in_folders_of_a_document_are_refused(check: Check, name: str, content: bytes) -> None:
    assert check(with_chart(**{name: content}), "a.odt").reason == "active_content"


INSIDE = '<R><Relationship Id="r1" Type="https://example.invalid/relationships/{}" Target="{}"/></R>'
WORDS = '<w:document xmlns:w="https://example.invalid/w"><w:p>{}</w:p></w:document>'


BEGIN, RESULT, END = (f'<w:fldChar w:fldCharType="{kind}"/>' for kind in ("begin", "separate", "end"))
BOOK = "word/embeddings/Microsoft_Excel_Worksheet.xlsx"


def says(words: str) -> str:
    return f"<w:instrText>{words}</w:instrText>"


def unseen(mark: str) -> str:
    """A mark that Word passes over, as it knows nothing of what it requires."""
    choice = f'<mc:Choice xmlns:x="x" Requires="x">{mark}</mc:Choice>'
    return f'<mc:AlternateContent xmlns:mc="mc">{choice}</mc:AlternateContent>'


def workbook(**more: bytes) -> bytes:
    return docx(types=EXCEL, more={"xl/workbook.xml": b"<workbook/>", **more})


def with_book(
    book: bytes,
    *,
    name: str = BOOK,
    part: str = "word/charts/_rels/chart1.xml.rels",
    target: str = "../embeddings/Microsoft_Excel_Worksheet.xlsx",
    kind: str = "package",
    mode: str = "Internal",
) -> bytes:
    """Return a document with a chart, as Word writes it: its relation leads to the workbook behind it."""
    told = f'Id="r1" Type="https://example.invalid/{kind}" Target="{target}" TargetMode="{mode}"'
    relations = f"<Relationships><Relationship {told}/></Relationships>".encode()
    return docx(more={"word/charts/chart1.xml": b"<c:chartSpace xmlns:c='c'/>", part: relations, name: book})


@pytest.mark.parametrize(
    "make",
    [
        lambda: with_book(workbook()),
        lambda: with_book(workbook(), target="/word/embeddings/Microsoft_Excel_Worksheet.xlsx"),
        lambda: with_book(
            workbook(),
            name="ppt/embeddings/a.XLSX",
            part="ppt/charts/_rels/chart2.xml.rels",
            target="../embeddings/a.XLSX",
        ),
    ],
    ids=["word", "from-the-top", "powerpoint"],
)  # fmt: skip
def test_chart_with_its_workbook_is_let_in(check: Check, make: Callable[[], bytes]) -> None:
    assert check(make(), "a.docx").state == "ready"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: with_book(workbook(**{"xl/vbaProject.bin": b"x"})), "active_content"),
        (lambda: with_book(workbook(**{"xl/externalLinks/e.xml": b"<a><ddeLink/></a>"})), "active_content"),
        (lambda: with_book(workbook(**{"xl/embeddings/Microsoft_Excel_Sheet.xlsx": workbook()})), "active_content"),
        (lambda: with_book(workbook(**{"xl/media/a.png": workbook()})), "active_content"),
        (lambda: with_book(docx()), "active_content"),
        (lambda: with_book(workbook()[:-8]), "damaged"),
        (lambda: with_book(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "damaged"),
        (lambda: with_book(workbook(**{"a.txt": os.urandom(17 * 2**20)})), "bomb"),
        (lambda: with_book(workbook(**{"a.txt": bytes(100 * 2**20)})), "bomb"),
        (lambda: with_book(workbook(**{"xl/a.xml": b"<a>" * 2_000})), "damaged"),
        (lambda: with_book(workbook(), kind="oleObject"), "active_content"),
        (lambda: with_book(workbook(), mode="External"), "active_content"),
        (lambda: with_book(workbook(), part="word/_rels/document.xml.rels", target="a.xlsx"), "active_content"),
        (lambda: with_book(workbook(), target="../media/image1.png"), "active_content"),
        (lambda: with_book(workbook(), name="word/embeddings/a.docx"), "active_content"),
        (lambda: odt(more={BOOK: workbook()}), "active_content"),
    ],
    ids=[
        "program", "dde", "file-inside", "zip-inside", "document", "cut", "ole", "large", "bomb", "deep",
        "ole-relation", "outside", "not-of-a-chart", "elsewhere", "other-name", "odt",
    ],
)  # fmt: skip
def test_workbook_of_a_chart_is_looked_into_as_a_file_is(
    check: Check, make: Callable[[], bytes], reason: str
) -> None:
    assert check(make(), "a.docx").reason == reason


def with_relation(kind: str, name: str, content: bytes = b"{}") -> bytes:
    relations = INSIDE.format(kind, name).encode()
    return docx(more={f"word/{name}": content, "word/_rels/document.xml.rels": relations})


def with_field(field: str, part: str = "word/header1.xml") -> bytes:
    return docx(more={part: WORDS.format(field).encode()})


def with_link(link: str) -> bytes:
    return docx(
        types=EXCEL, more={"xl/externalLinks/externalLink1.xml": f"<externalLink>{link}</externalLink>".encode()}
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: with_relation("aFChunk", "afchunk.dat"),
        lambda: with_relation("afchunk ", "afchunk.dat"),
        lambda: with_relation("oleObject", "object1.dat"),
        lambda: with_relation("package", "book.dat"),
        lambda: docx(more={"word/afchunk.rtf": b"{}"}),
        lambda: docx(more={"word/afchunk.MHT": b"a"}),
        lambda: docx(more={"word/afchunk.mhtml": b"a"}),
        lambda: docx(more={"word/a.htm": b"a"}),
        lambda: docx(types=EXCEL, more={"xl/a.html": b"a"}),
        lambda: with_field('<w:fldSimple w:instr=" DDEAUTO c:\\x.exe"/>'),
        lambda: with_field("<w:instrText>\n ddeauto x</w:instrText>"),
        lambda: with_field("<w:instrText>DDE x</w:instrText>", "word/settings.xml"),
        lambda: with_field("<w:instrText>D&#68;</w:instrText><w:r/><w:instrText>E x</w:instrText>"),
        lambda: with_field(
            "<w:instrText>PAGE</w:instrText><w:fldChar/><w:instrText> </w:instrText><w:instrText>DDE</w:instrText>"
        ),
        lambda: with_field(BEGIN + says("D") + BEGIN + says('QUOTE ""') + END + says("DE x") + END),
        lambda: with_field(BEGIN + BEGIN + says("QUOTE 68 68 69") + RESULT + "DDE" + END + says(" x") + END),
        lambda: with_field(BEGIN + says(" dd") + '<w:fldSimple w:instr="QUOTE 69"/>' + says(" x") + END),
        lambda: with_field(BEGIN + says("IF ") + BEGIN + says("D") + says("DE x") + END + END),
        lambda: with_field(f"{BEGIN}{says('D')}<w:delInstrText>X</w:delInstrText>{says('DE x')}{END}"),
        lambda: with_field(f"{BEGIN}<w:delInstrText>D</w:delInstrText>{says('DE x')}{END}"),
        lambda: with_field(BEGIN + says("D") + unseen(RESULT) + says("DEAUTO x") + END),
        lambda: with_field(BEGIN + says("D") + unseen(END) + says("DEAUTO x") + END),
        lambda: with_field(BEGIN + says("D") + "<w:fldChar/>" + says("DEAUTO x") + END),
        lambda: with_field('<o:OLEObject Type="Embed" ProgID="Package" r:id="r1"/>'),
        lambda: with_field('<p:oleObj progId="Package" r:id="r1"/>', "ppt/slides/slide1.xml"),
        lambda: with_link("<ddeLink ddeService='cmd' ddeTopic='/c x'/>"),
        lambda: with_link("<x:oleLink xmlns:x='x'/>"),
    ],
    ids=range(27),
)  # fmt: skip
def test_what_a_document_opens_or_starts_by_itself_is_refused(check: Check, make: Callable[[], bytes]) -> None:
    assert check(make(), "a.docx").reason == "active_content"


@pytest.mark.parametrize(
    "make",
    [
        lambda: with_relation("image", "media/image1.png", picture(kind="PNG")),
        lambda: with_relation("chart", "charts/chart1.xml", b"<c:chartSpace xmlns:c='c'/>"),
        lambda: with_relation("header", "header1.xml", b"<hdr/>"),
        lambda: with_field('<w:fldSimple w:instr=" DATE "/><w:t>DDEAUTO is a word</w:t>'),
        lambda: with_field(
            BEGIN + says(" PAGE ") + RESULT + "<w:t>DDE</w:t>" + END + "<w:instrText> </w:instrText>"
            + BEGIN + says('HYPERLINK "mailto:dde@example.invalid"') + END + END
        ),
        lambda: with_field(
            BEGIN + says(' TOC \\o "1-3" ') + RESULT + BEGIN + says("D") + END
            + f"{BEGIN}<w:delInstrText>IF </w:delInstrText>{BEGIN}{says(' PAGE ')}{RESULT}1{END}{END}" + END
            + BEGIN + says("=") + BEGIN + says("PAGE") + RESULT + END + says("-1") + END + END
        ),
        lambda: odt(more={"Object 1/page.html": b"text"}),
    ],
    ids=["picture", "chart", "header", "date", "fields", "nested", "odt"],
)  # fmt: skip
def test_what_does_nothing_by_itself_is_let_in(check: Check, make: Callable[[], bytes]) -> None:
    assert check(make(), "a.docx").state == "ready"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: NOISE, "not_allowed"),
        (lambda: b"\x7fELF" + bytes(100), "not_allowed"),
        (lambda: b"MZ" + bytes(200), "not_allowed"),
        (lambda: "text in latin-1: é".encode("latin-1"), "not_allowed"),
        (lambda: b"text with a \x00 in it", "not_allowed"),
        (lambda: b"caf\xc3", "not_allowed"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "not_allowed"),  # Word of before 2007
        (lambda: b"%PDF-1.7\ncut off", "damaged"),
        (lambda: b"\xff\xd8\xff\xe0" + NOISE, "damaged"),
        (lambda: picture()[:500], "damaged"),
        (lambda: b"GIF89a" + b"/*" + b"<script>alert(1)</script>" * 9, "damaged"),
        (lambda: b"\0\0\0\x18ftypheic" + NOISE, "damaged"),
        (lambda: huge_png(60_000, 60_000), "too_large"),
        (lambda: huge_png(8_001, 8_001), "too_large"),
        (bomb, "bomb"),
        (lying_bomb, "damaged"),
        (overlapping_bomb, "damaged"),
        (lambda: docx(more={f"word/{n}.xml": b"" for n in range(5001)}), "bomb"),
        (lambda: docx(more={"word/vbaProject.bin": b"x"}), "active_content"),
        (lambda: docx(more={"word/activeX/activeX1.xml": b"x"}), "active_content"),
        (lambda: docx(more={"word/embeddings/oleObject1.bin": b"x"}), "active_content"),
        (lambda: docx(types="application/vnd.ms-word.document.macroEnabled.main+xml"), "active_content"),
        (lambda: external("attachedTemplate"), "active_content"),
        (lambda: external("oleObject"), "active_content"),
        (lambda: external("image"), "active_content"),
        (lambda: odt(more={"Basic/Standard/Module1.xml": b"x"}), "active_content"),
        (lambda: with_listener("script"), "active_content"),
        (lambda: with_listener("harmless"), "active_content"),
        (lambda: with_listener("script", before=5 * 2**20), "active_content"),
        (lambda: odt(more={"META-INF/manifest.xml": b"<manifest:encryption-data/>"}), "encrypted"),
        (lambda: odt(kind="application/x-anything"), "not_allowed"),
        (lambda: zipped(("a.txt", b"a")), "not_allowed"),
        (lambda: docx(more={"../../etc/passwd": b"x"}), "damaged"),
        (lambda: docx(more={"WORD/document.xml": b"x"}), "damaged"),
        (lambda: docx(compression=zipfile.ZIP_LZMA), "damaged"),
        (lambda: docx() + b"<script>alert(1)</script>", "damaged"),
        (lambda: docx()[:-10], "damaged"),
        (lambda: b"PK\x03\x04", "damaged"),
    ],
)  # fmt: skip
def test_what_is_not_let_in_is_refused_and_not_kept(
    check: Check, room: ClosedUserGroup, make: Callable[[], bytes], reason: str
) -> None:
    attachment = check(make(), "harmless.jpg")
    told = state_json(room, attachment)
    assert (told["state"], told["reason"]) == ("refused", reason)
    assert (attachment.content, attachment.preview, told["kind"], told["sha256"]) == (None, None, None, None)
    assert reason_text(reason)
    entry = Entry.objects.get(action="message:attachment:checked", subject=f"attachment:{attachment.pk}")
    assert (entry.actor, entry.details) == (None, {"state": "refused", "reason": reason})


def test_links_that_one_clicks_are_let_in(check: Check) -> None:
    assert check(external("hyperlink"), "a.docx").state == "ready"


def test_every_reason_has_a_sentence() -> None:
    assert set(REASON_TEXT) == set(Reason)
    assert reason_text("") is None


def test_polyglot_dies_in_the_drawing(check: Check, shown: Shown) -> None:
    """A GIF that is a script as well, a JPEG with an archive behind it: what comes out is a picture only."""
    script, archive = b"=1;alert(document.cookie);//", zipped(("evil.js", b"alert(1)"))
    gif = bytearray(picture("P", kind="GIF"))
    gif[6:8] = b"/*"  # its width says how the comment begins
    gif += b"*/" + script
    for content in (bytes(gif), picture() + archive, picture("P", kind="GIF") + b"*/" + script):
        attachment = check(content)
        if attachment.state == "refused":
            continue
        drawn = shown(attachment)
        assert script not in drawn
        assert b"PK\x03\x04" not in drawn
        assert b"evil.js" not in drawn
    assert attachment.state == "ready"


def test_picture_of_too_many_bytes_is_not_given_to_a_decoder(
    check: Check, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "picture_bytes": 1000}
    monkeypatch.setattr(checking, "drawn_anew", None)
    assert check(picture(size=(300, 300))).reason == "too_large"


def test_child_that_draws_has_no_room_to_grow(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MEMORY_BYTES", 128 * 2**20)
    assert check(huge_png(8_000, 7_936)).reason == "too_large"
    assert check(picture()).state == "ready"


def test_child_that_draws_has_no_time_to_waste(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "WALL_SECONDS", 0.01)
    assert check(picture()).reason == "damaged"


def test_child_that_says_too_much_is_not_listened_to(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_DRAWN", 100)
    assert check(picture(size=(300, 300))).reason == "too_large"


@pytest.mark.parametrize(
    "told",
    [b"", b"no json\nabc", b'{"content":3,"preview":0}\nabc',
     b'{"content":3,"preview":1,"media_type":"text/html","width":1,"height":1}\nabcd',
     b'{"content":3,"preview":9,"media_type":"image/png","width":1,"height":1}\nabcd'],
)  # fmt: skip
def test_nothing_that_a_child_says_is_believed(check: Check, monkeypatch: pytest.MonkeyPatch, told: bytes) -> None:
    class Taken(subprocess.Popen[bytes]):
        def __init__(self, _command: object, **values: object) -> None:
            super().__init__(["printf", "%b", told.decode()], **values)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", Taken)
    assert check(picture()).reason == "check_failed"


def test_child_gets_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **values: object) -> None:
            seen.update(values, command=command)
            super().__init__(command, **values)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", Watched)
    pictures.drawn_anew(picture(), "image/jpeg")
    assert set(seen["env"]) == {"LC_ALL", "MALLOC_ARENA_MAX"}  # type: ignore[call-overload]
    assert seen["command"][1] == "-I"  # type: ignore[index]


# -- what goes wrong on the way


def test_check_that_dies_over_and_over_ends(
    member: Member, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    attachment = uploaded(member(fatou), picture())

    def failing(*_args: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(checking, "_examined", failing)
        for _ in range(ATTEMPTS):
            with pytest.raises(RuntimeError):
                check_attachment(attachment.pk)
            attachment.refresh_from_db()
            assert attachment.state == "checking"
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert (attachment.state, attachment.reason) == ("refused", "check_failed")


def test_storage_that_is_away_costs_no_attempt(
    member: Member, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    attachment = uploaded(member(fatou), picture())

    def away(*_args: object) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "write", away)
        for _ in range(ATTEMPTS + 2):
            check_attachment(attachment.pk)
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert attachment.state == "ready"


@pytest.mark.parametrize("content", [picture(), pdf(100)], ids=["picture", "document"])
def test_key_agent_that_leaves_at_the_end_costs_no_attempt_and_leaves_nothing(
    member: Member, fatou: Officer, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    attachment = uploaded(member(fatou), content)
    before = set(storage().older_than(2**40))

    def away(*_args: object, **_facts: object) -> None:
        raise KeyAgentAway

    with monkeypatch.context() as patched:
        patched.setattr(checking, "reseal_facts", away)
        for _ in range(ATTEMPTS + 2):
            check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert (attachment.state, attachment.attempts) == ("checking", 0)
    assert set(storage().older_than(2**40)) == before
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert attachment.state == "ready"


def test_piece_that_was_changed_moved_or_lost_is_no_file(
    member: Member, fatou: Officer, settings: Settings
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "piece_bytes": 70_000}
    content = pdf(200_000)

    def spoiled(how: Callable[[list[AttachmentPiece]], object]) -> str:
        attachment = uploaded(member(fatou), content, "a.pdf")
        how(list(AttachmentPiece.objects.filter(attachment=attachment).order_by("offset")))
        check_attachment(attachment.pk)
        attachment.refresh_from_db()
        return f"{attachment.state} {attachment.reason}"

    def path(piece: AttachmentPiece) -> str:
        return f"{settings.CENCOMM_ATTACHMENTS}/{piece.pk.hex[:2]}/{piece.pk.hex}"

    def swap(pieces: list[AttachmentPiece]) -> None:
        first, second = path(pieces[0]), path(pieces[1])
        os.rename(first, first + "x")
        os.rename(second, first)
        os.rename(first + "x", second)

    def flip(pieces: list[AttachmentPiece]) -> None:
        with open(path(pieces[1]), "r+b") as handle:
            handle.seek(5000)
            byte = handle.read(1)
            handle.seek(5000)
            handle.write(bytes([byte[0] ^ 1]))

    assert spoiled(lambda pieces: None) == "ready "
    assert spoiled(swap) == "refused damaged"
    assert spoiled(flip) == "refused damaged"
    assert spoiled(lambda pieces: os.truncate(path(pieces[0]), 40_000)) == "refused damaged"
    assert spoiled(lambda pieces: os.unlink(path(pieces[2]))) == "refused damaged"
    assert spoiled(lambda pieces: pieces[1].delete()) == "refused damaged"
    assert spoiled(lambda pieces: pieces[-1].delete()) == "refused damaged"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.jpg", "photo.jpg"), ("../../etc/passwd", "passwd"), ("C:\\Users\\x\\plan.docx", "plan.docx"),
        (".htaccess", "htaccess"), ("a\u202egpj.exe", "agpj.exe"), ("a\x00b\r\n.txt", "ab .txt"), ("  ", ""),
        ("..", ""),
        ("con.txt", "_con.txt"), ('a<b>:"|?*.txt', "a_b______.txt"), ("é" * 300 + ".pdf", "é" * 196 + ".pdf"),
        ("été.txt", "été.txt"), ("a." + "b" * 50, "a." + "b" * 20),
    ],
)  # fmt: skip
def test_name_is_a_name_and_nothing_else(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("name", "media_type", "fitted"),
    [
        ("a.jpeg", "image/jpeg", "a.jpeg"), ("a.HEIC", "image/jpeg", "a.jpg"), ("a", "image/png", "a.png"),
        ("a.exe", "application/pdf", "a.exe.pdf"), ("a.PDF", "application/pdf", "a.PDF"),
        ("a.b.c", "text/plain", "a.b.c.txt"),
    ],
)  # fmt: skip
def test_name_says_what_the_content_is(name: str, media_type: str, fitted: str) -> None:
    assert fitted_name(name, media_type) == fitted


def test_facts_are_sealed_in_the_row_and_open_nowhere_else(
    member: Member, room: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    from vault import SealBroken

    one, other = checked(member(fatou), b"one", "one.txt"), checked(member(bruno), b"two", "two.txt")
    assert b"one.txt" not in bytes(one.sealed_facts)
    assert opened_facts(room, one).name == "one.txt"
    for field in ("sealed_facts", "sealed_key", "content"):
        moved = Attachment.objects.get(pk=one.pk)
        setattr(moved, field, getattr(other, field))
        with pytest.raises(SealBroken):
            b"".join(read_attachment(member(fatou), moved, part="content").blocks)
    moved = Attachment.objects.get(pk=one.pk)
    moved.uploader_id = bruno.pk
    with pytest.raises(SealBroken):
        opened_facts(room, moved)
