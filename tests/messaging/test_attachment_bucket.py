"""Files in a store that speaks S3, a real one: a bucket keeps what a folder promises, also when it was away."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Officer
from cencomm import degraded
from cencomm.checks import check_file_storage
from cencomm.cli_doctor import check_files
from groups.models import ClosedUserGroup
from messaging.attachments import bucket
from messaging.attachments.bucket import PART, BadPlace, BucketStorage, Place, access_keys, configured
from messaging.attachments.checking import ATTEMPTS, check_attachment
from messaging.attachments.errors import StorageUnavailable
from messaging.attachments.storage import FolderStorage, Storage, storage
from messaging.attachments.tending import remove_orphans
from messaging.models import Attachment
from tests.cencomm.ports import wait_until
from tests.faults.certificate import make_certificate
from tests.faults.proxy import FaultProxy
from tests.messaging.s3_store import BUCKET, S3Store
from tests.messaging.server import ROOT
from tests.messaging.uploads import Member, begin, checked, content_of, docx, patch, pdf, picture, uploaded

pytestmark = pytest.mark.slow
MIB = 1024 * 1024
Api = Callable[..., Client]


@pytest.fixture(autouse=True)
def _patient_with_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECT_SECONDS", "READ_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(bucket, name, 60.0)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Store]:
    """One store for the tests of this file."""
    store = S3Store(tmp_path_factory.mktemp("s3"))
    store.start()
    yield store
    store.stop()


@pytest.fixture
def store(running: S3Store) -> Iterator[S3Store]:
    """The same, empty and up."""
    yield running
    running.thaw() if running._process else running.start()
    client = running.client()
    for key in running.names():
        client.delete_object(Bucket=BUCKET, Key=key)
    for one in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()):
        client.abort_multipart_upload(Bucket=BUCKET, Key=one["Key"], UploadId=one["UploadId"])


def place_of(store: S3Store, *, port: int = 0, credentials: Path | None = None, name: str = BUCKET) -> Place:
    endpoint = f"http://127.0.0.1:{port or store.port}"
    return Place(endpoint, name, "files/", "us-east-1", credentials or store.credentials)


@pytest.fixture
def in_bucket(store: S3Store, settings: Settings) -> S3Store:
    """This installation keeps its files there."""
    settings.CENCOMM_S3_URL = store.url
    settings.CENCOMM_S3_CREDENTIALS = str(store.credentials)
    settings.CENCOMM_ATTACHMENTS = "/nonexistent"
    return store


@pytest.fixture(params=["folder", "bucket"])
def either(request: pytest.FixtureRequest, tmp_path: Path, store: S3Store) -> Storage:
    """Both kinds: they promise the same."""
    return FolderStorage(tmp_path / "files") if request.param == "folder" else BucketStorage(place_of(store))


def noise(size: int) -> Iterator[bytes]:
    """Yield blocks of odd sizes."""
    while size > 0:
        block = os.urandom(min(size, 700_001))
        size -= len(block)
        yield block


# -- what both promise


@pytest.mark.parametrize("size", [0, 1, 100_000, PART - 1, PART, PART + 1, 2 * PART, 20 * MIB])
def test_what_was_written_is_read(either: Storage, size: int) -> None:
    name, blocks = uuid4(), list(noise(size))
    assert either.write(name, blocks) == size
    same = b"".join(either.read(name)) == b"".join(blocks)
    assert same
    assert all(len(block) <= MIB for block in either.read(name))


def test_what_was_removed_is_gone_and_may_be_removed_again(either: Storage) -> None:
    one, other = uuid4(), uuid4()
    for name in (one, other):
        either.write(name, [b"noise"])
    for _ in range(2):
        either.remove(one)
    from vault import SealBroken

    with pytest.raises(SealBroken):
        list(either.read(one))
    assert list(either.read(other)) == [b"noise"]
    assert set(either.older_than(2**33)) == {other}


@pytest.mark.parametrize("before", [0, 100, 3 * PART])
def test_of_a_write_that_fails_nothing_stays(either: Storage, store: S3Store, before: int) -> None:
    def failing() -> Iterator[bytes]:
        yield from noise(before)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        either.write(uuid4(), failing())
    assert (store.names(), store.unfinished()) == (set(), 0)
    assert set(either.older_than(2**33)) == set()


def test_age_is_told_by_the_hour_of_writing(either: Storage) -> None:
    name = uuid4()
    either.write(name, [b"noise"])
    assert set(either.older_than(time.time() - 3600)) == set()
    assert set(either.older_than(time.time() + 3600)) == {name}


# -- what a bucket has to itself


def test_what_is_not_ours_is_left_alone(store: S3Store) -> None:
    client, ours = store.client(), BucketStorage(place_of(store))
    for key in ("files/ab/readme.txt", "other/ab/" + uuid4().hex):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    name = uuid4()
    ours.write(name, [b"noise"])
    assert set(ours.older_than(2**33)) == {name}
    assert f"files/{name.hex[:2]}/{name.hex}" in store.names()


def test_what_was_begun_and_never_ended_vanishes(store: S3Store) -> None:
    client, ours = store.client(), BucketStorage(place_of(store))
    client.create_multipart_upload(Bucket=BUCKET, Key=f"files/ab/{uuid4().hex}")
    assert store.unfinished() == 1
    list(ours.older_than(time.time() - 3600))
    assert store.unfinished() == 1  # somebody may be at it
    list(ours.older_than(time.time() + 3600))
    assert store.unfinished() == 0


def test_many_objects_are_listed_to_the_last(store: S3Store) -> None:
    """A store tells a thousand at a time."""
    ours, names = BucketStorage(place_of(store)), {uuid4() for _ in range(1_005)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: ours.write(name, [b"noise"]), names))
        assert set(ours.older_than(2**33)) == names
        list(pool.map(ours.remove, names))
    assert set(ours.older_than(2**33)) == set()


MEMORY = """
import os, sys
from pathlib import Path
from uuid import uuid4
import django
django.setup()
from tests.memory import peak
from messaging.attachments.bucket import BucketStorage, Place
ours = BucketStorage(Place(sys.argv[1], sys.argv[2], "files/", "us-east-1", Path(sys.argv[3])))
def pass_through(size):
    name = uuid4()
    block = os.urandom(1 << 20)
    ours.write(name, (block for _ in range(size >> 20)))
    assert sum(len(part) for part in ours.read(name)) == size
    ours.remove(name)
pass_through(20 << 20)
before = peak()
pass_through(200 << 20)
print(peak() - before)
"""


def test_first_part_is_let_go_of_once_it_is_written(store: S3Store) -> None:
    held: list[int] = []

    def blocks() -> Iterator[bytes]:
        for number in range(4 * PART // MIB):
            if number == 3 * PART // MIB:
                held.append(tracemalloc.get_traced_memory()[0] - before)
            yield bytes([number]) * MIB

    ours = BucketStorage(place_of(store))
    ours.write(uuid4(), noise(PART))  # what the client loads once
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        ours.write(uuid4(), blocks())
    finally:
        tracemalloc.stop()
    assert held[0] < 1.5 * PART


def test_200_mib_are_never_whole_in_memory(store: S3Store) -> None:
    command = [sys.executable, "-c", MEMORY, store.endpoint, BUCKET, str(store.credentials)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cencomm.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 32 * MIB


@contextmanager
def running_proxy(proxy: FaultProxy) -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(300)
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(300)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def line(store: S3Store) -> Iterator[tuple[FaultProxy, asyncio.AbstractEventLoop]]:
    """A network to the store that can be hurt."""
    proxy = FaultProxy(store.port)
    with running_proxy(proxy) as loop:
        yield proxy, loop


def test_reading_goes_on_after_a_cut(store: S3Store, line: tuple[FaultProxy, asyncio.AbstractEventLoop]) -> None:
    proxy, loop = line
    ours, name, whole = BucketStorage(place_of(store, port=proxy.port)), uuid4(), b"".join(noise(24 * MIB))
    ours.write(name, [whole])
    blocks = ours.read(name)
    got, connections = next(blocks), proxy.accepted
    loop.call_soon_threadsafe(proxy.cut)
    same = got + b"".join(blocks) == whole
    assert same
    assert proxy.accepted > connections


def test_reading_that_goes_on_may_be_cut_as_often_as_the_line_likes(
    store: S3Store, line: tuple[FaultProxy, asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cuts are not counted over a whole file, which may be large: only those that nothing came between."""
    monkeypatch.setattr(bucket, "FRUITLESS", 2)
    proxy, loop = line
    ours, name, whole = BucketStorage(place_of(store, port=proxy.port)), uuid4(), b"".join(noise(64 * MIB))
    ours.write(name, [whole])
    blocks, got = ours.read(name), bytearray()
    for _cut in range(4):
        got += next(blocks)
        before = proxy.accepted
        loop.call_soon_threadsafe(proxy.cut)
        while proxy.accepted == before:  # what was on its way still comes
            got += next(blocks)
    for block in blocks:
        got += block
    same = bytes(got) == whole
    assert same


def test_reading_that_nothing_comes_of_ends(
    store: S3Store, line: tuple[FaultProxy, asyncio.AbstractEventLoop]
) -> None:
    """The store answers each time, and not one byte more arrives."""
    proxy, _loop = line
    ours, name, asked = BucketStorage(place_of(store, port=proxy.port)), uuid4(), 0
    ours.write(name, noise(2 * MIB))

    def cut(_body: object) -> bytes:
        nonlocal asked
        asked += 1
        return b""

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ours, "_more", cut)
        with pytest.raises(StorageUnavailable):
            list(ours.read(name))
    assert asked == bucket.FRUITLESS


def test_reading_from_a_line_that_is_cut_for_good_is_an_error_and_never_a_shorter_file(
    store: S3Store, line: tuple[FaultProxy, asyncio.AbstractEventLoop]
) -> None:
    proxy, loop = line
    ours, name = BucketStorage(place_of(store, port=proxy.port)), uuid4()
    ours.write(name, noise(24 * MIB))
    blocks = ours.read(name)
    next(blocks)
    asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(300)
    with pytest.raises(StorageUnavailable):
        list(blocks)


def test_store_that_says_nothing_is_not_waited_for_long_nor_by_the_next(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("READ_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(bucket, name, 0.5)
    ours = BucketStorage(place_of(store))
    store.freeze()
    try:
        with pytest.raises(StorageUnavailable):
            ours.write(uuid4(), [b"noise"])
        monkeypatch.setattr(ours, "_client", None)  # nobody is asked
        with pytest.raises(StorageUnavailable):
            ours.remove(uuid4())
        assert not ours.answers()
    finally:
        store.thaw()
    monkeypatch.undo()

    def answers_again() -> bool:
        ours._rests_until = 0.0
        return ours.answers()

    wait_until(answers_again, what="a store that goes on")


def test_readiness_waits_for_no_store_that_says_nothing_and_makes_nobody_else_rest(
    store: S3Store, line: tuple[FaultProxy, asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, _loop = line
    monkeypatch.setattr(bucket, "LOOK_SECONDS", 0.5)
    ours = BucketStorage(place_of(store, port=proxy.port))
    store.freeze()
    try:
        assert not ours.answers()
        wait_until(lambda: proxy.accepted > 0, what="somebody who asked")
        assert proxy.accepted == 1
    finally:
        store.thaw()
    assert ours.write(uuid4(), [b"noise"]) == 5


@pytest.mark.parametrize("wrong", ["secret", "bucket", "port"])
def test_store_that_does_not_let_in_is_unavailable_and_the_log_says_why_without_a_secret(
    store: S3Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setattr(bucket, "ATTEMPTS", 1)
    false = store.credentials_file("false", "another-secret-of-forty-characters")
    place = {
        "secret": place_of(store, credentials=false),
        "bucket": place_of(store, name="nobodys-bucket"),
        "port": place_of(store, port=1),
    }[wrong]
    ours = BucketStorage(place)
    for act in (lambda: ours.write(uuid4(), [b"noise"]), lambda: list(ours.read(uuid4())), ours.try_out):
        ours._rests_until = 0.0
        with pytest.raises(StorageUnavailable):
            act()
    assert not ours.answers()
    words = [record.getMessage() for record in caplog.records if record.name == "cencomm.messaging"]
    told = {"secret": "403", "bucket": "403 (AccessDenied)", "port": "EndpointConnectionError"}[wrong]
    assert any(told in one for one in words), words
    everything = "\n".join(record.getMessage() for record in caplog.records)
    for secret in (store.secret, "another-secret", store.access):
        assert secret not in everything


@dataclass(frozen=True)
class Safe:
    """The way to the store over TLS, and whom one who asks there must believe."""

    proxy: FaultProxy
    authority: Path


@pytest.fixture
def safe(in_bucket: S3Store, settings: Settings, tmp_path: Path) -> Iterator[Safe]:
    made = make_certificate(tmp_path, "store")
    if isinstance(made, str):
        pytest.skip(made)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.file, made.key)
    proxy = FaultProxy(in_bucket.port, tls=context)
    with running_proxy(proxy):
        settings.CENCOMM_S3_URL = f"https://127.0.0.1:{proxy.port}/{BUCKET}/files"
        yield Safe(proxy, made.file)


def test_store_over_tls_is_believed_by_its_own_authority(safe: Safe, settings: Settings) -> None:
    settings.CENCOMM_S3_CA = str(safe.authority)
    name = uuid4()
    assert storage().write(name, noise(9 * MIB)) == 9 * MIB
    assert sum(len(block) for block in storage().read(name)) == 9 * MIB
    assert storage().answers()
    assert check_files().grade == "ok"
    assert check_file_storage(None) == []


@pytest.mark.parametrize("whom", ["nobody of ours", "somebody else", "a file that is gone"])
def test_store_that_another_vouches_for_gets_nothing(
    safe: Safe,
    in_bucket: S3Store,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    whom: str,
) -> None:
    monkeypatch.setattr(bucket, "ATTEMPTS", 1)
    other = make_certificate(tmp_path, "other")
    assert not isinstance(other, str)
    settings.CENCOMM_S3_CA = {"nobody of ours": "", "somebody else": str(other.file)}.get(whom, "/nonexistent")
    with pytest.raises(StorageUnavailable):
        storage().write(uuid4(), [b"noise"])
    storage()._rests_until = 0.0  # type: ignore[attr-defined]
    assert not storage().answers()
    assert check_files().grade == "WRONG"
    assert {key for key in in_bucket.names() if key.startswith("files/")} == set()
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "file storage: put_object was not answered" in told
    assert in_bucket.access not in told


# -- files of messages in it


@pytest.mark.django_db(transaction=True)
def test_file_goes_up_is_checked_and_comes_back_and_only_noise_is_stored(
    in_bucket: S3Store, api: Api, room: ClosedUserGroup, fatou: Officer
) -> None:
    word = b"lantern-" + uuid4().hex.encode()
    content, name = pdf(5 * MIB)[:20] + word + pdf(5 * MIB)[20:], uuid4()
    client = api(fatou)
    answer = begin(client, room, size=len(content), id=name, name="plan.pdf")
    for offset in range(0, len(content), answer.json()["piece"]):
        piece = content[offset : offset + answer.json()["piece"]]
        assert patch(client, name, offset, piece).status_code == 204
    assert len(in_bucket.names()) == 3
    check_attachment(name)
    attachment = Attachment.objects.get(pk=name)
    assert (attachment.state, attachment.reason) == ("ready", "")
    assert in_bucket.names() == {f"files/{attachment.content.hex[:2]}/{attachment.content.hex}"}  # type: ignore[union-attr]
    assert content_of(client.get(f"/api/v1/attachments/{name}")) == content
    stored = [path for path in in_bucket.folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in stored) > len(content)
    for path in stored:
        found = path.read_bytes()
        assert word not in found, path
        assert in_bucket.secret.encode() not in found or path.name in {"s3.json", "credentials"}
    assert client.delete(f"/api/v1/attachments/{name}").status_code == 204
    assert in_bucket.names() == set()


@pytest.mark.django_db(transaction=True)
def test_store_that_is_away_refuses_pieces_for_a_while_and_loses_nothing(
    in_bucket: S3Store, api: Api, room: ClosedUserGroup, fatou: Officer
) -> None:
    content, name, client = pdf(5 * MIB), uuid4(), api(fatou)
    step = begin(client, room, size=len(content), id=name, name="plan.pdf").json()["piece"]
    assert patch(client, name, 0, content[:step]).status_code == 204
    in_bucket.stop()
    for _ in range(2):
        answer = patch(client, name, step, content[step : 2 * step])
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert client.head(f"/api/v1/attachments/{name}").headers["Upload-Offset"] == str(step)
    assert not degraded.file_storage_answers()
    in_bucket.start()
    storage()._rests_until = 0.0  # type: ignore[attr-defined]
    for offset in range(step, len(content), step):
        assert patch(client, name, offset, content[offset : offset + step]).status_code == 204
    in_bucket.stop()
    for _ in range(ATTEMPTS + 1):
        check_attachment(name)
    attachment = Attachment.objects.get(pk=name)
    assert (attachment.state, attachment.attempts) == ("checking", 0)
    in_bucket.start()
    storage()._rests_until = 0.0  # type: ignore[attr-defined]
    check_attachment(name)
    assert content_of(client.get(f"/api/v1/attachments/{name}")) == content
    assert degraded.file_storage_answers()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("content", [picture(), docx(), b"text"], ids=["picture", "office", "text"])
def test_every_kind_of_file_lies_there(
    in_bucket: S3Store, member: Member, api: Api, fatou: Officer, content: bytes
) -> None:
    attachment = checked(member(fatou), content)
    assert attachment.state == "ready"
    for part in ["", "/preview"] if attachment.preview else [""]:
        assert content_of(api(fatou).get(f"/api/v1/attachments/{attachment.pk}{part}"))


@pytest.mark.django_db(transaction=True)
def test_what_no_row_names_is_removed_there_too(in_bucket: S3Store, member: Member, fatou: Officer) -> None:
    kept = uploaded(member(fatou), b"text", "a.txt")
    storage().write(uuid4(), [b"noise"])
    assert remove_orphans(older_than=time.time() + 3600) == 1
    [piece] = in_bucket.names()
    check_attachment(kept.pk)
    assert Attachment.objects.get(pk=kept.pk).state == "ready"
    assert piece not in in_bucket.names()


# -- how it is configured


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://s3.example.org/files", ("https://s3.example.org", "files", "")),
        ("https://s3.example.org:9000/files/", ("https://s3.example.org:9000", "files", "")),
        ("http://127.0.0.1:9000/files/a/b", ("http://127.0.0.1:9000", "files", "a/b/")),
    ],
)
def test_address_says_which_bucket(settings: Settings, url: str, wanted: tuple[str, str, str]) -> None:
    settings.CENCOMM_S3_URL = url
    assert configured()[:3] == wanted


@pytest.mark.parametrize(
    "url",
    ["files", "ftp://a/files", "https://a", "https://key:secret@a/files", "https://a/files?x=1", "https://a/UPPER",
     "https://a/files/../x y"],
)  # fmt: skip
def test_address_that_names_no_bucket_starts_nothing(settings: Settings, url: str) -> None:
    settings.CENCOMM_S3_URL = url
    [refused] = check_file_storage(None)
    assert (refused.id, "secret" in refused.msg) == ("cencomm.E022", False)
    with pytest.raises(StorageUnavailable):
        storage()


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (None, 0o600),
        ("", 0o600),
        ("[default]\naws_access_key_id = a\n", 0o600),
        ("secret-without-a-section", 0o600),
        ("[default]\naws_access_key_id = a\naws_secret_access_key = secret\n", 0o640),
        ("[default]\naws_access_key_id = a\naws_secret_access_key = secret\n", 0o604),
    ],
)
def test_access_key_that_is_missing_broken_or_for_all_to_read_starts_nothing(
    settings: Settings, tmp_path: Path, text: str | None, mode: int
) -> None:
    path = tmp_path / "credentials"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    settings.CENCOMM_S3_URL, settings.CENCOMM_S3_CREDENTIALS = "https://s3.example.org/files", str(path)
    [refused] = check_file_storage(None)
    assert (refused.id, "secret" in refused.msg.replace("aws_secret_access_key", "")) == ("cencomm.E023", False)
    with pytest.raises(BadPlace) as failure:
        access_keys(path)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__ or failure.value.__context__ is None
    with pytest.raises(StorageUnavailable):
        storage().write(uuid4(), [b"noise"])


def test_store_without_tls_over_a_network_is_warned_of(settings: Settings, store: S3Store) -> None:
    settings.CENCOMM_S3_CREDENTIALS = str(store.credentials)
    for url, told in ((store.url, []), ("http://s3.example.org/files", ["cencomm.W003"])):
        settings.CENCOMM_S3_URL = url
        assert [message.id for message in check_file_storage(None)] == told
    settings.CENCOMM_S3_URL = ""
    assert check_file_storage(None) == []


def test_doctor_tries_it_out(in_bucket: S3Store, settings: Settings) -> None:
    assert (check_files().grade, in_bucket.names()) == ("ok", set())
    settings.CENCOMM_S3_CREDENTIALS = str(in_bucket.credentials_file("false", "another-secret"))
    assert check_files().grade == "WRONG"
    settings.CENCOMM_S3_URL = ""
    assert check_files().grade == "ok"


def test_nobodys_own_settings_reach_it(store: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment and files of whoever starts us hold other keys, another address and a proxy."""
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:1\nregion = mars\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong", "AWS_SESSION_TOKEN": "wrong",
        "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1", "AWS_DEFAULT_REGION": "mars", "AWS_PROFILE": "nobody",
        "AWS_CA_BUNDLE": "/their/authorities", "REQUESTS_CA_BUNDLE": "/their/authorities",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    ours = BucketStorage(place_of(store))
    ours.try_out()
    assert ours._client()._endpoint.http_session._verify is True  # whom it believes over TLS
    monkeypatch.undo()  # the store's keeper is tidying up after this
