"""Files for tests, made when they are needed, and clients that send them piece by piece."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http import StreamingHttpResponse
from django.test import Client
from PIL import Image

from accounts.models import Officer
from groups.models import ClosedUserGroup, Membership
from messaging.attachments.actions import Upload, add_piece, begin_upload
from messaging.attachments.checking import check_attachment
from messaging.models import Attachment

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODF = "urn:oasis:names:tc:opendocument:xmlns:"
PIECE = "application/offset+octet-stream"


def picture(mode: str = "RGB", size: tuple[int, int] = (80, 60), kind: str = "JPEG", **options: Any) -> bytes:
    """Return a picture whose left half is red and whose right half is blue."""
    drawn = Image.new("RGB", size, (0, 0, 255))
    drawn.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    drawn.convert(mode).save(out, kind, **options)
    return out.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """Return a small PNG that claims a huge size, and keeps its word: its rows pack to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row * 64) for _ in range(max(1, height // 64))) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def docx(*, types: str = WORD + ".main+xml", more: dict[str, bytes] | None = None, **options: Any) -> bytes:
    """Return a small office file with further entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", options.pop("compression", zipfile.ZIP_DEFLATED)) as archive:
        content = f'<Types><Override PartName="/word/document.xml" ContentType="{types}"/></Types>'
        archive.writestr("[Content_Types].xml", content)
        archive.writestr("word/document.xml", "<w:document/>")
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


def odt(*, kind: str = "application/vnd.oasis.opendocument.text", more: dict[str, bytes] | None = None) -> bytes:
    """Return a small OpenDocument file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), kind)
        content = (
            f'<office:document-content xmlns:office="{ODF}office:1.0"><office:scripts/></office:document-content>'
        )
        archive.writestr("content.xml", content)
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


def pdf(size: int = 0) -> bytes:
    """Return something that begins and ends as a PDF does."""
    body = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n"
    return body + b"%" * max(0, size - len(body) - 7) + b"\n%%EOF\n"


def uploaded(member: Membership, content: bytes, name: str = "photo.jpg", **values: Any) -> Attachment:
    """Return a file that has arrived whole, by the ordinary actions."""
    upload = Upload(id=values.pop("id", uuid4()), name=name, size=len(content), **values)
    attachment, _created = begin_upload(member, upload=upload)
    step = settings.CENCOMM_LIMITS["piece_bytes"]
    for offset in range(0, len(content), step):
        piece = content[offset : offset + step]
        attachment = add_piece(member, attachment_id=attachment.pk, offset=offset, piece=piece)
    return attachment


def checked(member: Membership, content: bytes, name: str = "photo.jpg", **values: Any) -> Attachment:
    """Return a file after its check."""
    attachment = uploaded(member, content, name, **values)
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    return attachment


def begin(client: Client, group: ClosedUserGroup, *, size: int, id: UUID | None = None, **values: Any) -> Any:
    """Begin an upload over the API."""
    said = {"id": str(id or uuid4()), "name": "photo.jpg", "size": size, "media_type": "image/jpeg", **values}
    return client.post(f"/api/v1/groups/{group.pk}/attachments", said, content_type="application/json")


def patch(client: Client, attachment_id: Any, offset: int, piece: bytes, **values: Any) -> Any:
    """Send a piece over the API."""
    return client.generic(
        "PATCH",
        f"/api/v1/attachments/{attachment_id}",
        piece,
        content_type=values.pop("content_type", PIECE),
        headers={"Upload-Offset": str(offset), **values},
    )


def content_of(answer: Any) -> bytes:
    """Return what an answer streams."""
    assert isinstance(answer, StreamingHttpResponse), answer.content
    return b"".join(answer.streaming_content)


type Api = Callable[..., Client]
type Member = Callable[[Officer], Membership]
