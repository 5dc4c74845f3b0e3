"""Reading a file: the gate at each read, what the answer tells a browser, and that nothing else opens it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Officer
from audit.models import Entry
from groups.actions import archive, remove_member
from groups.models import ClosedUserGroup, Membership, Phase
from messaging.actions import Posted
from messaging.attachments.reading import read_attachment
from messaging.attachments.storage import storage
from messaging.models import Attachment
from tests.cast import membership_of
from tests.messaging.uploads import Api, Member, checked, content_of, docx, pdf, picture, uploaded
from vault import FileKey, SealBroken, Stream

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CENCOMM_ATTACHMENTS = str(tmp_path / "attachments")


@pytest.fixture
def sent(member: Member, post: Post, fatou: Officer) -> Callable[..., Attachment]:
    """Send a note with a file that was checked."""

    def send(content: bytes, name: str = "photo.jpg") -> Attachment:
        attachment = checked(member(fatou), content, name)
        post(fatou, attachments=[attachment.pk])
        attachment.refresh_from_db()
        return attachment

    return send


type Sent = Callable[..., Attachment]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("fatou", 200), ("amina", 200), ("chloe", 200), ("bruno", 200), ("dmitri", 200), ("olga", 200),
        ("audrey", 403), ("eve", 404), ("removed", 404), ("padma", 404),
    ],
)  # fmt: skip
def test_who_may_read_what_was_sent(
    request: pytest.FixtureRequest, api: Api, sent: Sent, who: str, status: int
) -> None:
    path, officer = f"/api/v1/attachments/{sent(picture()).pk}", request.getfixturevalue(who)
    for part in ("", "/preview", "/state"):
        assert api(officer).get(path + part).status_code == status


def test_every_read_is_in_the_audit_trail(api: Api, sent: Sent, room: ClosedUserGroup, olga: Officer) -> None:
    name = sent(picture()).pk
    for part in ("", "", "/preview"):
        assert api(olga).get(f"/api/v1/attachments/{name}{part}").status_code == 200
    entries = Entry.objects.filter(action="message:attachment:read", subject=f"attachment:{name}")
    assert [(one.actor, one.group, one.details) for one in entries.order_by("pk")] == [
        (olga.pk, room.pk, {"part": part}) for part in ("content", "content", "preview")
    ]


def test_what_is_being_checked_is_read_by_nobody(
    api: Api, member: Member, post: Post, fatou: Officer, olga: Officer
) -> None:
    name = uploaded(member(fatou), picture()).pk
    assert api(fatou).get(f"/api/v1/attachments/{name}").json()["code"] == "attachment_not_ready"
    assert api(olga).get(f"/api/v1/attachments/{name}").status_code == 404
    post(fatou, attachments=[name])
    for part in ("", "/preview"):
        for officer in (fatou, olga):
            answer = api(officer).get(f"/api/v1/attachments/{name}{part}")
            assert (answer.status_code, answer.json()["code"]) == (409, "attachment_not_ready")
    assert not Entry.objects.filter(action="message:attachment:read").exists()


def test_what_was_refused_is_read_by_nobody(api: Api, member: Member, fatou: Officer) -> None:
    name = checked(member(fatou), b"MZ\x00\x00").pk
    for part in ("", "/preview"):
        answer = api(fatou).get(f"/api/v1/attachments/{name}{part}")
        assert (answer.status_code, answer.json()["code"]) == (409, "attachment_refused")
    state = api(fatou).get(f"/api/v1/attachments/{name}/state", headers={"Accept-Language": "fr"}).json()
    assert state["reason"] == "not_allowed"
    assert state["detail"].startswith("Ce type de fichier")


@pytest.mark.parametrize(
    ("content", "name", "media_type", "disposition"),
    [
        (picture(), "a.jpg", "image/jpeg", 'inline; filename="a.jpg"'),
        (pdf(), "plan.pdf", "application/pdf", 'attachment; filename="plan.pdf"'),
        (docx(), 'a"b.docx', "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
         'attachment; filename="a_b.docx"'),
        (b"text", "r\u00e9sum\u00e9.txt", "text/plain; charset=utf-8",
         "attachment; filename*=utf-8''r%C3%A9sum%C3%A9.txt"),
        (b"text", "a\r\nSet-Cookie: x.txt", "text/plain; charset=utf-8",
         'attachment; filename="a Set-Cookie_ x.txt"'),
        (b"<html>", "a.html", "text/plain; charset=utf-8", 'attachment; filename="a.html.txt"'),
    ],
)  # fmt: skip
def test_answer_leaves_nothing_to_guess_run_or_store(
    api: Api, sent: Sent, olga: Officer, content: bytes, name: str, media_type: str, disposition: str
) -> None:
    answer = api(olga).get(f"/api/v1/attachments/{sent(content, name).pk}")
    headers = answer.headers
    assert (headers["Content-Type"], headers["Content-Disposition"]) == (media_type, disposition)
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    read = content_of(answer)
    assert len(read) == int(headers["Content-Length"])
    assert media_type.startswith("image") or read == content


def test_preview_is_small_and_only_of_pictures(api: Api, sent: Sent, olga: Officer) -> None:
    import io

    from PIL import Image

    answer = api(olga).get(f"/api/v1/attachments/{sent(picture(size=(2000, 1000))).pk}/preview")
    assert answer.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(content_of(answer))).size == (640, 320)
    answer = api(olga).get(f"/api/v1/attachments/{sent(pdf(), 'a.pdf').pk}/preview")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_session_reads_too(client: Client, sign_in: Callable[..., Client], sent: Sent, olga: Officer) -> None:
    assert sign_in(client, olga).get(f"/api/v1/attachments/{sent(picture()).pk}/preview").status_code == 200


def test_member_who_was_removed_reads_no_more(
    api: Api, sent: Sent, room: ClosedUserGroup, amina: Officer, olga: Officer
) -> None:
    name, client = sent(picture()).pk, api(olga)
    assert client.get(f"/api/v1/attachments/{name}").status_code == 200
    remove_member(membership_of(amina, room), member_id=membership_of(olga, room).pk)
    for part in ("", "/preview", "/state"):
        assert client.get(f"/api/v1/attachments/{name}{part}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_archived_group_s_files_are_gone_for_good(
    api: Api, sent: Sent, room: ClosedUserGroup, amina: Officer, fatou: Officer
) -> None:
    attachment = sent(picture())
    blocks = [list(storage().read(name)) for name in (attachment.content, attachment.preview) if name]
    ClosedUserGroup.objects.filter(pk=room.pk).update(
        phase=Phase.CLOSED, closed_at=timezone.now() - timedelta(days=4000)
    )
    archive(membership_of(amina, room))
    for part in ("", "/preview", "/state"):
        answer = api(fatou).get(f"/api/v1/attachments/{attachment.pk}{part}")
        assert (answer.status_code, answer.json()["code"]) == (410, "key_destroyed")
    # A backup of the database from before, beside the bytes that nobody took away: the key is what is missing.
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=Phase.OPERATIONAL)
    assert api(fatou).get(f"/api/v1/attachments/{attachment.pk}").status_code == 410
    assert all(b"JFIF" not in block for part in blocks for block in part)


def test_leaves_of_two_files_cannot_be_exchanged(
    api: Api, sent: Sent, room: ClosedUserGroup, fatou: Officer, settings: Settings
) -> None:
    """The stored streams of two files in each other's place, of content and preview, and cut or grown ones."""
    one, other = sent(picture()), sent(picture(size=(90, 60)))
    member = membership_of(fatou, room)

    def path(name: object) -> Path:
        return Path(settings.CENCOMM_ATTACHMENTS) / name.hex[:2] / name.hex  # type: ignore[attr-defined]

    def opens(attachment: Attachment) -> bool:
        try:
            return bool(b"".join(read_attachment(member, attachment, part="content").blocks))
        except SealBroken:
            return False

    good = path(one.content).read_bytes()
    assert opens(one)
    for bad in (
        path(other.content).read_bytes(),
        path(one.preview).read_bytes(),
        good[:-1],
        good[:40],
        good + b"\0",
        good[:60] + bytes([good[60] ^ 1]) + good[61:],
        b"",
    ):
        path(one.content).write_bytes(bad)
        assert not opens(one)
        assert api(fatou).get(f"/api/v1/attachments/{one.pk}").json()["code"] == "seal_broken"
    path(one.content).unlink()
    assert not opens(one)
    path(one.content).write_bytes(good)
    assert opens(one)


def test_chunks_of_one_stream_cannot_be_exchanged_dropped_or_repeated() -> None:
    key = FileKey(bytes(range(32)))
    stream = Stream(uuid4(), uuid4(), uuid4(), "content")
    plain = bytes(range(256)) * 64 * 5  # five whole chunks of 16 KiB, and the empty one that ends
    sealed = b"".join(key.seal([plain[:7], plain[7:]], stream))
    head, size = sealed[:56], 16 * 1024 + 16
    chunks = [sealed[56 + at : 56 + at + size] for at in range(0, len(sealed) - 56, size)]
    assert [len(chunk) for chunk in chunks] == [size] * 5 + [16]

    def opened(parts: list[bytes], place: Stream = stream) -> bytes:
        return b"".join(key.open([head + b"".join(parts)], place))

    assert opened(chunks) == plain
    assert b"".join(key.open([bytes([byte]) for byte in sealed[:3000]] + [sealed[3000:]], stream)) == plain
    bad = [
        [chunks[1], chunks[0], *chunks[2:]],
        chunks[:-1],
        chunks[:-2],
        [*chunks[:2], *chunks[3:]],
        [*chunks, chunks[-1]],
        [chunks[0], *chunks],
        [],
    ]
    for parts in bad:
        with pytest.raises(SealBroken):
            opened(parts)
    for place in (
        stream._replace(name="preview"),
        stream._replace(group_id=uuid4()),
        stream._replace(file_id=uuid4()),
        stream._replace(owner_id=uuid4()),
    ):
        with pytest.raises(SealBroken):
            opened(chunks, place)
    with pytest.raises(SealBroken):
        b"".join(FileKey(bytes(32)).open([sealed], stream))
    again = b"".join(key.seal([plain], stream))
    assert again[:24] != sealed[:24]
    assert again[56:] != sealed[56:]


def test_construction_is_that_of_the_specification() -> None:
    """Opened by other code than the product's, written from https://c2sp.org/chunked-encryption alone."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, stream, plain = bytes(range(32)), Stream(uuid4(), uuid4(), uuid4(), "content"), b"lantern " * 5000
    sealed = b"".join(FileKey(key).seal([plain], stream))
    salt, commitment, rest = sealed[:24], sealed[24:56], sealed[56:]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + stream.context
    first = hmac.digest(key, info + b"\x01", hashlib.sha512)
    derived = (first + hmac.digest(key, first + info + b"\x02", hashlib.sha512))[:76]
    assert derived[44:] == commitment
    opened = b""
    for number in range(len(rest) // (16 * 1024 + 16) + 1):
        nonce = (int.from_bytes(derived[32:44], "big") ^ number).to_bytes(12, "big")
        chunk = rest[number * (16 * 1024 + 16) : (number + 1) * (16 * 1024 + 16)]
        opened += AESGCM(derived[:32]).decrypt(nonce, chunk, b"")
    assert opened == plain


def test_lowered_role_keeps_reading_and_uploads_no_more(
    api: Api, sent: Sent, member: Member, room: ClosedUserGroup, fatou: Officer
) -> None:
    half, name = uploaded(member(fatou), b"text", "a.txt"), sent(picture()).pk
    Membership.objects.filter(pk=membership_of(fatou, room).pk).update(role="observer")
    assert api(fatou).get(f"/api/v1/attachments/{name}").status_code == 200
    assert api(fatou).delete(f"/api/v1/attachments/{half.pk}").status_code == 403
