"""Files, a real server and a real worker: little memory, nothing in clear on a disk, kills that lose nothing."""

from __future__ import annotations

import errno
import http.client
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.attachments import confinement, pictures
from messaging.attachments.tending import waiting_attachments
from messaging.models import Attachment, AttachmentPiece
from tests.cencomm.ports import PATIENCE, wait_until
from tests.environment import cluster
from tests.messaging.conftest import wire
from tests.messaging.s3_store import S3Store
from tests.messaging.server import ROOT, Server, Talker, running_server
from tests.messaging.uploads import Member, pdf, picture, uploaded

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
MIB = 1024 * 1024
Token = Callable[..., str]


def ask(
    server: Server, method: str, path: str, token: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask over a connection of its own."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        line.request(method, f"/api/v1{path}", body, {"Authorization": f"Bearer {token}", **named})
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        line.close()


def send(server: Server, token: str, group: ClosedUserGroup, blocks: Iterator[bytes], size: int) -> UUID:
    """Upload what a generator yields: nobody holds it whole, this test neither."""
    name = uuid4()
    said = f'{{"id": "{name}", "name": "plan.pdf", "size": {size}}}'.encode()
    status, _headers, body = ask(
        server, "POST", f"/groups/{group.pk}/attachments", token, said, Content_Type="application/json"
    )
    assert status == 201, body
    offset = 0
    for block in blocks:
        status, headers, body = ask(
            server, "PATCH", f"/attachments/{name}", token, block,
            Content_Type="application/offset+octet-stream", Upload_Offset=str(offset),
        )  # fmt: skip
        assert status == 204, body
        offset += len(block)
        assert headers["upload-offset"] == str(offset)
    assert offset == size
    return name


def large(size: int, word: bytes) -> Iterator[bytes]:
    """Yield something like a PDF, with a word in each piece."""
    yield pdf()[:20] + word + b"%" * (2 * MIB - 20 - len(word))
    for _ in range(size // (2 * MIB) - 2):
        yield word + b"%" * (2 * MIB - len(word))
    yield b"%" * (2 * MIB - 7) + b"\n%%EOF\n"


CHECK = """
import sys
import django
django.setup()
from tests.memory import peak
from uuid import UUID
from messaging.attachments.checking import check_attachment
check_attachment(UUID(sys.argv[1]))  # everything is loaded once
before = peak()
check_attachment(UUID(sys.argv[2]))
print(peak() - before)
"""


def environment() -> dict[str, str]:
    """Return this process's environment with the databases of these tests, as the role that owns nothing."""
    call_command("grant_application_roles", stdout=StringIO())
    names = {alias: settings.DATABASES[alias]["NAME"] for alias in ("default", "cen")}
    return {
        **os.environ,
        "DATABASE_URL": cluster.addresses.url(names["default"], "cencomm_app"),
        "CEN_DATABASE_URL": cluster.addresses.url(names["cen"], "cen_app"),
        "DJANGO_SETTINGS_MODULE": "cencomm.settings",
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def place_for_files(where: str, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield the folder that files end up in, and the variables that say so."""
    if where == "folder":
        yield Path(settings.CENCOMM_ATTACHMENTS), {}
        return
    (tmp_path / "s3").mkdir()
    store = S3Store(tmp_path / "s3")
    try:
        store.start()
        yield store.folder / "data", store.settings
    finally:
        store.stop()


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_file_of_200_mib_is_never_whole_in_memory_nor_in_clear_on_a_disk(
    room: ClosedUserGroup, fatou: Officer, olga: Officer, token_for: Token, tmp_path: Path, where: str
) -> None:
    """Up through a real server, checked by a process of its own, down again: memory grows by a few pieces only."""
    word, size = b"lantern-" + secrets.token_hex(12).encode(), 200 * MIB
    spool = tmp_path / "spool"
    spool.mkdir()
    writer, reader = token_for(fatou), token_for(olga)
    with (
        place_for_files(where, tmp_path) as (folder, named),
        running_server(tmp_path, TMPDIR=str(spool), **named) as server,
    ):
        small = send(server, writer, room, iter([pdf()]), len(pdf()))  # everything is loaded once
        before = server.rss_kib
        name = send(server, writer, room, large(size, word), size)
        assert server.rss_kib - before < 48 * 1024
        done = subprocess.run(
            [sys.executable, "-c", CHECK, str(small), str(name)],
            env={**environment(), **named},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 64 * MIB  # a part of a store is 8 MiB
        attachment = Attachment.objects.get(pk=name)
        assert (attachment.state, attachment.reason) == ("ready", "")
        said = wire(attachments=[str(name)])
        status, message = server.request("POST", f"/groups/{room.pk}/messages", writer, said)
        assert (status, message["attachments"][0]["size"]) == (201, size)
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        line.request("GET", f"/api/v1/attachments/{name}", headers={"Authorization": f"Bearer {reader}"})
        answer, expected, got = line.getresponse(), large(size, word), 0
        rest = b""
        for block in expected:
            while len(rest) < len(block):
                rest += answer.read(MIB)
            assert rest.startswith(block)
            rest, got = rest[len(block) :], got + len(block)
        line.close()
        assert (got, rest) == (size, b"")
        assert server.rss_kib - before < 64 * 1024
    assert list(spool.iterdir()) == []
    stored = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in stored) > size
    for path in stored:
        with path.open("rb") as handle:
            assert word not in handle.read(4 * MIB)
    assert Attachment.objects.get(pk=small).state == "ready"
    assert not AttachmentPiece.objects.filter(attachment=name).exists()
    for path in stored if where == "folder" else []:
        path.unlink()


async def test_body_of_a_request_is_written_to_no_file() -> None:
    """The largest body that the server takes, and a form with a file: nobody opens anything for writing."""
    from cencomm.asgi import MAX_BODY, application

    opened: list[str] = []
    watching = [True]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if not watching[0] or threading.current_thread().name in {"metrics", "marks"}:  # they write by the clock
            return
        if event == "tempfile.mkstemp" or (event == "open" and _writes(arguments)):
            opened.append(f"{event} {arguments[0]}")

    sys.addaudithook(watch)
    try:
        (open)(os.devnull, "wb").close()  # the hook sees such a thing
        assert opened == [f"open {os.devnull}"]
        opened.clear()
        form = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
            + b"lantern " * 1_000_000
            + b"\r\n--b--\r\n"
        )
        for body, content_type in (
            (bytes(MAX_BODY), b"application/octet-stream"),
            (form, b"multipart/form-data; boundary=b"),
        ):
            scope = {
                "type": "http", "method": "POST", "path": "/sign-in/", "query_string": b"", "http_version": "1.1",
                "headers": [(b"host", b"localhost"), (b"content-type", content_type)], "scheme": "http",
                "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "asgi": {"version": "3.0"},
            }  # fmt: skip
            client = ApplicationCommunicator(application, scope)
            half = len(body) // 2
            await client.send_input({"type": "http.request", "body": body[:half], "more_body": True})
            await client.send_input({"type": "http.request", "body": body[half:], "more_body": False})
            assert (await client.receive_output(timeout=120))["status"] in {200, 403, 413}
            await client.wait(300)
        assert [one for one in opened if "log" not in one] == []
    finally:
        watching[0] = False


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


# -- the worker


@contextmanager
def running_worker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the product's own worker on the databases of these tests until the end of the block."""
    with (tmp_path / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cencomm", "manage", "work"],
            env=environment(), cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def state_of(attachment_id: UUID) -> str:
    return str(Attachment.objects.values_list("state", flat=True).get(pk=attachment_id))


def test_worker_checks_and_followers_are_told(
    room: ClosedUserGroup, fatou: Officer, olga: Officer, token_for: Token, tmp_path: Path
) -> None:
    content = picture()
    with running_server(tmp_path) as server, Talker(server.ws, token=token_for(olga)) as talker:
        talker.follow(room.pk)
        name = send(server, token_for(fatou), room, iter([content]), len(content))
        said = wire(attachments=[str(name)])
        assert server.request("POST", f"/groups/{room.pk}/messages", token_for(fatou), said)[0] == 201
        posted = talker.until(lambda item: item["op"] == "event" and item["event"]["type"] == "message")
        assert posted["event"]["message"]["attachments"][0]["state"] == "checking"
        with running_worker(tmp_path):
            told = talker.until(lambda item: item["op"] == "event" and item["event"]["type"] == "attachment")
        assert told["event"]["message"] == said["id"]
        assert told["event"]["attachment"].items() >= {"id": str(name), "state": "ready", "kind": "image"}.items()
        status, headers, body = ask(server, "GET", f"/attachments/{name}", token_for(olga))
        assert (status, headers["content-type"], body[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")


KILL = """
import os, signal, sys
import django
django.setup()
from uuid import UUID
from messaging.attachments import checking
def dying(*args, **values):
    os.kill(os.getpid(), signal.SIGKILL)
moment = sys.argv[2]
if moment == "while it looks":
    checking.recognised = dying
elif moment == "while it draws":
    checking.drawn_anew = dying
elif moment == "when it has stored":
    checking._conclude = dying
elif moment == "before the commit":
    checking.append_events = checking.audit.record = dying
checking.check_attachment(UUID(sys.argv[1]))
"""


@pytest.mark.parametrize("moment", ["while it looks", "while it draws", "when it has stored", "before the commit"])
def test_killed_check_loses_nothing(member: Member, room: ClosedUserGroup, fatou: Officer, moment: str) -> None:
    from messaging.attachments.checking import check_attachment

    attachment = uploaded(member(fatou), picture())
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(attachment.pk), moment],
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert state_of(attachment.pk) == "checking"
    assert waiting_attachments() == [attachment.pk]
    # The database may hold the lock of the one that was killed for a moment longer.
    wait_until(lambda: (check_attachment(attachment.pk), state_of(attachment.pk) == "ready")[1])


def test_one_file_is_checked_by_one_worker_at_a_time(member: Member, fatou: Officer) -> None:
    from messaging.attachments import checking

    attachment = uploaded(member(fatou), picture())
    held = connection.copy()
    try:
        with held.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(%s)", [int.from_bytes(attachment.pk.bytes[:8], "big", signed=True)]
            )
        checking.check_attachment(attachment.pk)
        attachment.refresh_from_db()
        assert (attachment.state, attachment.attempts) == ("checking", 0)
    finally:
        held.close()  # its holder is gone
    wait_until(lambda: (checking.check_attachment(attachment.pk), state_of(attachment.pk) == "ready")[1])


def test_sweep_finds_what_a_lost_job_left(member: Member, fatou: Officer, tmp_path: Path) -> None:
    attachment = uploaded(member(fatou), picture())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    with running_worker(tmp_path):
        wait_until(lambda: state_of(attachment.pk) == "ready")


def test_child_that_looks_is_held_by_the_kernel(tmp_path: Path) -> None:
    """It can neither write a file nor start a program nor grow: asked of the limits that it sets for itself."""
    code = (
        f"import resource, runpy\nlimit = runpy.run_path({confinement.__file__!r})['limit']\n"
        f"limit({pictures.MEMORY_BYTES}, 60, threads=False)\n"
        "print([resource.getrlimit(getattr(resource, f'RLIMIT_{n}')) for n in 'AS CPU FSIZE CORE NPROC'.split()])\n"
        "try:\n    open('x', 'wb').write(b'x' * 10000)\nexcept OSError as failure:\n    print(failure.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    limits = [(pictures.MEMORY_BYTES,) * 2, (60, 61), (0, 0), (0, 0), (0, 0)]  # a second between the signals
    assert done.stdout.splitlines() == [str(limits), str(errno.EFBIG)], done.stderr
