"""Uploading a file over the API: who may, from where it goes on after a cut, what is refused."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Officer
from audit.models import Entry
from groups.models import ClosedUserGroup, Membership, Phase
from messaging.attachments.actions import Upload, add_piece, begin_upload
from messaging.attachments.checking import check_attachment
from messaging.attachments.errors import OffsetConflict, StorageUnavailable
from messaging.attachments.storage import FolderStorage, storage
from messaging.attachments.tending import remove_orphans, remove_unsent
from messaging.models import Attachment, AttachmentPiece
from tests.messaging.uploads import Api, Member, begin, checked, content_of, docx, patch, pdf, uploaded

pytestmark = pytest.mark.django_db
KIB = 1024
PIECE = 128 * KIB


@pytest.fixture(autouse=True)
def _small_pieces(settings: Settings) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "piece_bytes": PIECE}


def stored() -> set[UUID]:
    """Return the names of everything that is stored, whenever it was."""
    return set(storage().older_than(timezone.now().timestamp() + 1000))


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: object) -> None:
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"


def test_file_goes_up_in_pieces(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    client, content, name = api(fatou), pdf(300 * KIB), uuid4()
    answer = begin(client, room, size=len(content), id=name, name="plan.pdf")
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": str(name), "offset": 0, "size": len(content), "state": "uploading", "piece": PIECE},
    )
    for offset in range(0, len(content), PIECE):
        assert client.head(f"/api/v1/attachments/{name}").headers["Upload-Offset"] == str(offset)
        piece = patch(client, name, offset, content[offset : offset + PIECE])
        assert (piece.status_code, piece.content) == (204, b"")
        assert piece.headers["Upload-Offset"] == str(min(offset + PIECE, len(content)))
    state = client.get(f"/api/v1/attachments/{name}/state").json()
    assert (state["state"], state["name"], state["size"]) == ("checking", "plan.pdf", len(content))
    assert Entry.objects.filter(action="message:attachment:uploaded", subject=f"attachment:{name}").count() == 1
    assert client.head(f"/api/v1/attachments/{name}").headers["Upload-Length"] == str(len(content))


def test_small_file_goes_up_as_one_form(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    name = uuid4()
    for status in (201, 200):
        file = SimpleUploadedFile("../../etc/plan.docx", docx(), content_type="application/zip")
        said = {"file": file, "id": str(name), "caption": "What we  found"}
        answer = api(fatou).post(f"/api/v1/groups/{room.pk}/attachments", said)
        assert (answer.status_code, answer.json()["state"]) == (status, "checking")
    state = api(fatou).get(f"/api/v1/attachments/{name}/state").json()
    assert (state["name"], state["caption"]) == ("plan.docx", "What we found")


@pytest.mark.parametrize("said", [{}, {"id": "no uuid", "file": SimpleUploadedFile("a.txt", b"a")}])
def test_form_without_a_file_is_refused(
    api: Api, room: ClosedUserGroup, fatou: Officer, said: dict[str, object]
) -> None:
    answer = api(fatou).post(f"/api/v1/groups/{room.pk}/attachments", said)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"abc"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file"\r\n'),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--b--',
        ),
        ("multipart/form-data; boundary=" + "b" * 3000, b"abc"),
        ("application/json", b"\xff\xfe"),
        ("application/json", b'{"id": "\\ud800"}'),
        ("application/json", b"[]"),
        ("application/json", b""),
        ("text/plain", b"hello"),
    ],
)
def test_malformed_beginning_is_refused(
    api: Api, room: ClosedUserGroup, fatou: Officer, content_type: str, body: bytes
) -> None:
    answer = api(fatou).generic(
        "POST", f"/api/v1/groups/{room.pk}/attachments", body or b" ", content_type=content_type
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "name", ["\x00", "\u202e", "a\ud800.txt".encode("utf-16", "surrogatepass").decode("utf-16", "replace")]
)
def test_name_of_characters_that_cannot_be_shown(
    api: Api, room: ClosedUserGroup, fatou: Officer, name: str
) -> None:
    assert begin(api(fatou), room, size=5, name=name).status_code in {201, 422}


def test_upload_goes_on_when_the_group_s_key_has_changed(
    member: Member, room: ClosedUserGroup, amina: Officer, fatou: Officer
) -> None:
    from django.db import transaction

    from groups.access import Right
    from groups.gates import hold_group
    from groups.keys import rotate_epoch
    from messaging.attachments.reading import read_attachment

    content = pdf(200 * KIB)
    attachment, _new = begin_upload(member(fatou), upload=Upload(id=uuid4(), name="a.pdf", size=len(content)))
    add_piece(member(fatou), attachment_id=attachment.pk, offset=0, piece=content[:PIECE])
    with transaction.atomic():
        rotate_epoch(hold_group(member(amina), Right.MANAGE_GROUP), actor=amina.pk, reason="test")
    add_piece(member(fatou), attachment_id=attachment.pk, offset=PIECE, piece=content[PIECE:])
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    blocks = read_attachment(member(fatou), attachment, part="content").blocks
    assert (attachment.key_epoch, b"".join(blocks)) == (1, content)


@pytest.mark.django_db(transaction=True)
def test_a_slow_store_holds_no_connection_to_the_database(
    api: Api, room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are few: who waits for a store that hangs would take them from everybody else."""
    held: list[tuple[str, bool]] = []
    client, content, name = api(fatou), pdf(200 * KIB), uuid4()
    begin(client, room, size=len(content), id=name, name="plan.pdf")
    with monkeypatch.context() as patched:
        for act in ("write", "read"):
            real = getattr(FolderStorage, act)

            def noted(self: FolderStorage, *given: object, act: str = act, real: Any = real) -> Any:
                held.append((act, connection.connection is not None))
                return real(self, *given)

            patched.setattr(FolderStorage, act, noted)
        for offset in range(0, len(content), PIECE):
            assert patch(client, name, offset, content[offset : offset + PIECE]).status_code == 204
        assert held == [("write", False)] * 2
        check_attachment(name)
        held.clear()
        assert content_of(client.get(f"/api/v1/attachments/{name}")) == content
        assert held == [("read", False)]


def test_form_larger_than_a_piece_is_refused(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    file = SimpleUploadedFile("a.txt", b"a" * (PIECE + 1))
    answer = api(fatou).post(f"/api/v1/groups/{room.pk}/attachments", {"file": file})
    assert (answer.status_code, answer.json()["code"]) == (413, "attachment_too_large")
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("amina", 201),
        ("bruno", 201),
        ("olga", 403),
        ("audrey", 403),
        ("eve", 404),
        ("removed", 404),
        ("padma", 404),
    ],
)
def test_who_may_upload(
    request: pytest.FixtureRequest, api: Api, room: ClosedUserGroup, who: str, status: int
) -> None:
    assert begin(api(request.getfixturevalue(who)), room, size=10).status_code == status


def test_stranger_cannot_tell_the_group_or_the_file_exists(
    api: Api, member: Member, room: ClosedUserGroup, fatou: Officer, eve: Officer
) -> None:
    name = uploaded(member(fatou), b"text", "a.txt").pk
    for one in (name, uuid4()):
        client, path = api(eve), f"/api/v1/attachments/{one}"
        answers = [
            client.get(path),
            client.get(f"{path}/state"),
            client.get(f"{path}/preview"),
            client.delete(path),
            patch(client, one, 0, b"a"),
            client.put(f"{path}/caption", {"caption": ""}, content_type="application/json"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert client.head(path).status_code == 404


def test_unsent_file_exists_for_its_uploader_alone(
    api: Api, member: Member, room: ClosedUserGroup, fatou: Officer, amina: Officer, audrey: Officer
) -> None:
    name = checked(member(fatou), b"text", "a.txt").pk
    for other in (amina, audrey):
        client = api(other)
        assert client.get(f"/api/v1/attachments/{name}").status_code == 404
        assert client.get(f"/api/v1/attachments/{name}/state").status_code == 404
        assert client.head(f"/api/v1/attachments/{name}").status_code == 404
        assert patch(client, name, 4, b"a").status_code == 404
        assert client.delete(f"/api/v1/attachments/{name}").status_code == 404
    assert api(fatou).get(f"/api/v1/attachments/{name}").status_code == 200


def test_the_same_id_goes_on_with_the_same_upload(
    api: Api, room: ClosedUserGroup, other_group: ClosedUserGroup, fatou: Officer, bruno: Officer, eve: Officer
) -> None:
    name, size = uuid4(), 200 * KIB
    assert begin(api(fatou), room, size=size, id=name).status_code == 201
    patch(api(fatou), name, 0, bytes(PIECE))
    again = begin(api(fatou), room, size=size, id=name)
    assert (again.status_code, again.json()["offset"]) == (200, PIECE)
    for client, group, values in (
        (api(fatou), room, {"size": size + 1}),
        (api(fatou), room, {"size": size, "name": "other.jpg"}),
        (api(fatou), room, {"size": size, "media_type": "image/png"}),
        (api(bruno), room, {"size": size}),
        (api(eve), other_group, {"size": size}),
    ):
        answer = begin(client, group, id=name, **values)
        assert (answer.status_code, answer.json()["code"]) == (409, "upload_conflict")


@pytest.mark.django_db(transaction=True)
def test_the_same_id_begun_in_two_groups_at_the_same_moment_is_a_conflict(
    api: Api, room: ClosedUserGroup, other_group: ClosedUserGroup, member: Member, fatou: Officer, eve: Officer
) -> None:
    """Each group has its own lock: which of both the table takes is decided where the later one is written."""
    name, other = uuid4(), api(eve)

    def late() -> tuple[int, str]:
        try:
            answer = begin(other, other_group, size=5, id=name)
            return answer.status_code, answer.json()["code"]
        finally:
            connection.close()

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s",
                ['INSERT INTO "messaging_attachment"%'],
            )
            return bool(cursor.fetchone()[0])

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            begin_upload(member(fatou), upload=Upload(id=name, name="a.txt", size=5))
            later = pool.submit(late)
            while not waits() and not later.done():
                time.sleep(0.01)
        assert later.result(300) == (409, "upload_conflict")
    assert Attachment.objects.get(pk=name).group_id == room.pk


@pytest.mark.parametrize("offset", [0, 1, PIECE - 1, PIECE + 1, 2 * PIECE, 300 * KIB, 10**14])
def test_piece_at_another_offset_changes_nothing_and_tells_the_right_one(
    api: Api, room: ClosedUserGroup, fatou: Officer, offset: int
) -> None:
    client, name = api(fatou), uuid4()
    begin(client, room, size=300 * KIB, id=name)
    patch(client, name, 0, bytes(PIECE))
    before = stored()
    answer = patch(client, name, offset, b"a" * PIECE)
    assert (answer.status_code, answer.json()["code"]) == (409, "offset_conflict")
    assert answer.headers["Upload-Offset"] == str(PIECE)
    assert stored() == before
    assert patch(client, name, PIECE, bytes(PIECE)).status_code == 204


@pytest.mark.parametrize(
    ("size", "status", "code"),
    [
        (1, 422, "piece_too_small"),
        (64 * KIB - 1, 422, "piece_too_small"),
        (PIECE + 1, 413, "attachment_too_large"),
        (64 * KIB, 204, ""),
        (PIECE, 204, ""),
    ],
)
def test_pieces_have_a_least_and_a_largest_size(
    api: Api, room: ClosedUserGroup, fatou: Officer, size: int, status: int, code: str
) -> None:
    client, name = api(fatou), uuid4()
    begin(client, room, size=300 * KIB, id=name)
    answer = patch(client, name, 0, bytes(size))
    assert answer.status_code == status
    assert not code or answer.json()["code"] == code


def test_last_piece_may_be_small_and_never_too_long(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    client, name = api(fatou), uuid4()
    begin(client, room, size=10, id=name)
    assert patch(client, name, 0, b"a" * 11).json()["code"] == "attachment_too_large"
    assert patch(client, name, 0, b"a" * 10).status_code == 204
    assert patch(client, name, 10, b"a").json()["code"] == "upload_complete"
    assert patch(client, name, 0, b"a" * 10).json()["code"] == "upload_complete"


@pytest.mark.parametrize(
    ("headers", "content_type"),
    [
        ({"Upload-Offset": "0"}, "application/octet-stream"),
        ({"Upload-Offset": "-1"}, "application/offset+octet-stream"),
        ({"Upload-Offset": ""}, "application/offset+octet-stream"),
        ({"Upload-Offset": "0x10"}, "application/offset+octet-stream"),
        ({"Upload-Offset": "٣"}, "application/offset+octet-stream"),
        ({"Upload-Offset": "9" * 40}, "application/offset+octet-stream"),
    ],
)
def test_malformed_piece_is_refused(
    api: Api, room: ClosedUserGroup, fatou: Officer, headers: dict[str, str], content_type: str
) -> None:
    client, name = api(fatou), uuid4()
    begin(client, room, size=10, id=name)
    answer = patch(client, name, 0, b"a" * 10, content_type=content_type, **headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "bad_piece")


def test_resume_after_a_cut_at_any_offset_gives_the_same_file(
    member: Member, room: ClosedUserGroup, fatou: Officer
) -> None:
    """Pieces of every size that is let in, each sent twice, some cut before the database knew: the same bytes."""
    from messaging.attachments.pieces import Pieces

    dice = random.Random(7)
    content = dice.randbytes(900 * KIB + 13)
    attachment, _new = begin_upload(member(fatou), upload=Upload(id=uuid4(), name="noise.bin", size=len(content)))
    offset = 0
    while offset < len(content):
        step = dice.choice([64 * KIB, 64 * KIB + 1, 100_000, PIECE - 1, PIECE])
        piece = content[offset : offset + step]
        now = add_piece(member(fatou), attachment_id=attachment.pk, offset=offset, piece=piece)
        if now.state == "uploading":
            with pytest.raises(OffsetConflict) as told:
                add_piece(member(fatou), attachment_id=attachment.pk, offset=offset, piece=piece)
            assert told.value.offset == now.offset
        offset = now.offset
    attachment.refresh_from_db()
    pieces = Pieces(room, attachment)
    assert b"".join(pieces.blocks()) == content
    for place in (0, 1, 64 * KIB - 1, 64 * KIB, len(content) - 5, len(content) + 5):
        pieces.seek(place)
        assert pieces.read(50_000) == content[place : place + 50_000][: len(content)] or pieces.tell() > place


def test_failure_to_store_counts_nothing(
    api: Api, room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, name = api(fatou), uuid4()
    begin(client, room, size=10, id=name)

    def full(*_args: object) -> int:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "write", full)
        answer = patch(client, name, 0, b"a" * 10)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert client.head(f"/api/v1/attachments/{name}").headers["Upload-Offset"] == "0"
    assert patch(client, name, 0, b"a" * 10).status_code == 204


def test_of_two_pieces_for_one_place_the_faster_counts(
    member: Member, room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same client over two connections: while one piece is being stored, the other is committed."""
    from messaging.attachments.pieces import Pieces

    faster, slower, rest = b"f" * 64 * KIB, b"s" * 64 * KIB, b"rest"
    name, write, others = uuid4(), FolderStorage.write, [faster]
    begin_upload(member(fatou), upload=Upload(id=name, name="a.txt", size=64 * KIB + len(rest)))

    def overtaken(self: FolderStorage, *values: object) -> int:
        size = write(self, *values)  # type: ignore[arg-type]
        if others:
            add_piece(member(fatou), attachment_id=name, offset=0, piece=others.pop())
        return size

    monkeypatch.setattr(FolderStorage, "write", overtaken)
    with pytest.raises(OffsetConflict) as told:
        add_piece(member(fatou), attachment_id=name, offset=0, piece=slower)
    assert told.value.offset == 64 * KIB
    add_piece(member(fatou), attachment_id=name, offset=64 * KIB, piece=rest)
    assert b"".join(Pieces(room, Attachment.objects.get(pk=name)).blocks()) == faster + rest
    assert stored() == set(AttachmentPiece.objects.filter(attachment=name).values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " ../.. "}, "name"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"caption": "a" * 501}, "caption"),
        ({"extra": 1}, "extra"),
    ],
)
def test_description_that_cannot_be_taken_names_its_field(
    api: Api, room: ClosedUserGroup, fatou: Officer, values: dict[str, object], field: str
) -> None:
    answer = begin(api(fatou), room, **{"size": 10, **values})  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_files_officers_and_groups_have_their_limits(
    api: Api, room: ClosedUserGroup, fatou: Officer, bruno: Officer, settings: Settings
) -> None:
    limits = {**settings.CENCOMM_LIMITS, "attachment_bytes": 1000, "unsent_bytes_per_officer": 1500}
    settings.CENCOMM_LIMITS = {**limits, "attachment_bytes_per_group": 2500}
    assert begin(api(fatou), room, size=1001).json()["code"] == "attachment_too_large"
    assert begin(api(fatou), room, size=1000).status_code == 201
    assert begin(api(fatou), room, size=501).json()["code"] == "attachments_full"
    assert begin(api(fatou), room, size=500).status_code == 201
    assert begin(api(bruno), room, size=1000).status_code == 201
    assert begin(api(bruno), room, size=500).status_code == 409
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "attachments_per_minute": 2}
    fast = begin(api(fatou), room, size=1)
    assert (fast.status_code, fast.json()["code"], fast.headers["Retry-After"]) == (429, "too_fast", "60")


def test_group_that_takes_no_posts_takes_no_files(
    api: Api, member: Member, room: ClosedUserGroup, fatou: Officer
) -> None:
    name = uuid4()
    begin(api(fatou), room, size=10, id=name)
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=Phase.CLOSED)
    assert begin(api(fatou), room, size=10).json()["code"] == "operation_closed"
    assert patch(api(fatou), name, 0, b"a" * 10).json()["code"] == "operation_closed"


def test_member_who_was_removed_adds_nothing(
    api: Api, room: ClosedUserGroup, fatou: Officer, member: Member
) -> None:
    name = uuid4()
    begin(api(fatou), room, size=10, id=name)
    Membership.objects.filter(pk=member(fatou).pk).update(left_at=timezone.now())
    assert patch(api(fatou), name, 0, b"a" * 10).status_code == 404
    assert api(fatou).delete(f"/api/v1/attachments/{name}").status_code == 404


def test_token_needs_the_scope(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    reads, writes, name = api(fatou, "messages:read"), api(fatou, "messages:write"), uuid4()
    assert begin(reads, room, size=10).json()["code"] == "scope_missing"
    assert begin(writes, room, size=10, id=name).status_code == 201
    assert patch(reads, name, 0, b"a" * 10).status_code == 403
    assert reads.get(f"/api/v1/attachments/{name}/state").status_code == 200
    assert writes.get(f"/api/v1/attachments/{name}/state").status_code == 403
    assert writes.get(f"/api/v1/attachments/{name}").status_code == 403


def test_nobody_uploads_without_signing_in(room: ClosedUserGroup) -> None:
    assert begin(Client(), room, size=10).status_code == 401


def test_uploader_removes_what_was_not_sent(
    api: Api, member: Member, room: ClosedUserGroup, fatou: Officer
) -> None:
    name = checked(member(fatou), b"text", "a.txt").pk
    assert stored()
    assert api(fatou).delete(f"/api/v1/attachments/{name}").status_code == 204
    assert api(fatou).get(f"/api/v1/attachments/{name}/state").status_code == 404
    assert Entry.objects.filter(action="message:attachment:removed", actor=fatou.pk).count() == 1


def test_caption_is_said_until_the_file_is_sent(api: Api, member: Member, fatou: Officer, bruno: Officer) -> None:
    name = uploaded(member(fatou), b"text", "a.txt").pk
    path = f"/api/v1/attachments/{name}/caption"
    answer = api(fatou).put(path, {"caption": " Seal\nbroken "}, content_type="application/json")
    assert (answer.status_code, answer.json()["caption"]) == (200, "Seal broken")
    assert api(bruno).put(path, {"caption": "x"}, content_type="application/json").status_code == 404
    long = api(fatou).put(path, {"caption": "x" * 501}, content_type="application/json")
    assert (long.status_code, long.json()["errors"][0]["code"]) == (422, "too_long")


def test_what_nobody_sent_goes_after_a_day(
    member: Member, room: ClosedUserGroup, fatou: Officer, django_capture_on_commit_callbacks: object
) -> None:
    old, young = checked(member(fatou), b"old", "a.txt"), checked(member(fatou), b"young", "b.txt")
    half = uploaded(member(fatou), b"half", "c.txt")
    before = timezone.now() - timedelta(days=1, minutes=1)
    Attachment.objects.filter(pk__in=[old.pk, half.pk]).update(created_at=before)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert remove_unsent() == 2
    assert [one.pk for one in Attachment.objects.all()] == [young.pk]
    assert old.content not in stored()
    assert young.content in stored()


def test_bytes_that_no_row_names_go(member: Member, room: ClosedUserGroup, fatou: Officer) -> None:
    kept, orphan = checked(member(fatou), b"kept", "a.txt"), uuid4()
    waiting = uploaded(member(fatou), b"waiting", "b.txt")
    storage().write(orphan, [b"what a dead process left"])
    piece = AttachmentPiece.objects.get(attachment=waiting).pk
    assert remove_orphans() == 0  # all of it is young: somebody may be about to name it
    later = timezone.now().timestamp() + 10
    remove_orphans(older_than=later)
    assert stored() == {kept.content, piece}
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=Phase.ARCHIVED)
    remove_orphans(older_than=later)
    assert stored() == set()


@pytest.mark.django_db(transaction=True)
def test_no_connection_to_the_database_waits_while_a_store_removes(
    api: Api, member: Member, room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are few of them, and a store may take its time."""
    held: list[bool] = []
    remove, write, others = FolderStorage.remove, FolderStorage.write, [b"faster"]

    def watched(self: FolderStorage, name: UUID) -> None:
        held.append(connection.connection is not None)
        remove(self, name)

    def overtaken(self: FolderStorage, *values: object) -> int:
        size = write(self, *values)  # type: ignore[arg-type]
        if others:
            add_piece(member(fatou), attachment_id=twice, offset=0, piece=others.pop())
        return size

    taken_back, old, twice = uploaded(member(fatou), b"a").pk, uploaded(member(fatou), b"b").pk, uuid4()
    begin_upload(member(fatou), upload=Upload(id=twice, name="a.txt", size=6))
    storage().write(uuid4(), [b"what a dead process left"])
    monkeypatch.setattr(FolderStorage, "remove", watched)
    assert api(fatou).delete(f"/api/v1/attachments/{taken_back}").status_code == 204
    assert held == [False]
    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "write", overtaken)
        with pytest.raises(OffsetConflict):
            add_piece(member(fatou), attachment_id=twice, offset=0, piece=b"slower")
    Attachment.objects.filter(pk=old).update(created_at=timezone.now() - timedelta(days=2))
    assert remove_unsent() == 1
    assert remove_orphans(older_than=timezone.now().timestamp() + 10) == 1
    assert held == [False] * 4
