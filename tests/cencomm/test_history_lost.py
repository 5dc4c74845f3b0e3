"""A restored or promoted database: a group that lost events begins anew, others go on, nobody is misled."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from cencomm.embedded import ROLES
from messaging import marks as marks_module
from messaging.marks import Mark, Marks, MarksFolder, Standing, lost_groups
from tests.cencomm.ports import PATIENCE, ended_after, free_port, has_ended, wait_until
from tests.cencomm.site import Site
from tests.messaging.conftest import wire
from tests.messaging.server import Server, Talker

ROOT = Path(__file__).resolve().parents[2]
BOUND = PATIENCE
slow = pytest.mark.slow


@dataclass
class Operation:
    """Two groups of one officer, on a prepared product."""

    site: Site
    groups: list[str]
    token: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def marks(self) -> MarksFolder:
        return MarksFolder(self.site.folder.path / "marks")

    def run(self, *words: str) -> str:
        return self.site.manage(*words).stdout

    @contextmanager
    def web(self, folder: Path) -> Iterator[Server]:
        """A web process on the product."""
        port, log = free_port(), folder / f"web-{uuid4().hex[:6]}.log"
        environment = {
            **self.site.environment(),
            "CENCOMM_HEARTBEAT": "1",
            "CENCOMM_POSTS_PER_MINUTE": "100000",
            **self.variables,
        }
        with log.open("wb") as out:
            command = [sys.executable, "-P", "-m", "cencomm", "serve", "--port", str(port)]
            process = subprocess.Popen(command, env=environment, cwd="/", stdout=out, stderr=out)
        server = Server(port, process, log)
        with ended_after(process):
            wait_until(lambda: is_ready(server), seconds=BOUND, what="ready")
            yield server

    def epochs(self, server: Server) -> dict[str, str]:
        status, answer = server.request("GET", "/groups", self.token)
        assert status == 200, answer
        return {one["id"]: one["epoch"] for one in answer["groups"]}

    def post(self, server: Server, group: str, message: dict[str, Any]) -> int:
        """Send a message; return its number."""
        status, answer = server.request("POST", f"/groups/{group}/messages", self.token, message)
        assert status in {200, 201}, answer
        return int(answer["seq"])

    def wait_for_mark(self, group: str, head: int) -> None:
        """Wait until the mark of a group is on the disk."""

        def marked() -> bool:
            found = self.marks.load()
            mark = found.groups.get(UUID(group)) if found else None
            return mark is not None and mark.head >= head

        wait_until(marked, seconds=BOUND, what="a mark")


def is_ready(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        return server.request("GET", "/me", "none")[0] == 401
    except (OSError, ValueError):
        return False


@pytest.fixture
def operation(site: Site) -> Operation:
    """A new operation on the product of these tests."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.cencomm.operation"],
        env=site.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return Operation(site, **json.loads(made.stdout))


def state_of(server: Server, operation: Operation, group: str, after: int, epoch: str) -> Talker:
    """Follow from a position; the caller looks at what came."""
    talker = Talker(server.ws, token=operation.token)
    talker.follow(group, after, epoch, wait=False)
    talker.until(lambda item: item["op"] in {"restart", "caught_up"} and item["group"] == group, timeout=BOUND)
    return talker


def copy(source: Path, target: Path) -> None:
    """Copy a cluster with owners and modes, as an operator does."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


@slow
def test_after_a_restore_only_the_groups_that_lost_events_begin_anew(operation: Operation, tmp_path: Path) -> None:
    site, (torn, whole) = operation.site, operation.groups
    cluster, backup = site.postgres.cluster, site.postgres.cluster.with_name("backup")
    with operation.web(tmp_path) as server:
        for group in (torn, whole):
            operation.post(server, group, wire())
        before = operation.epochs(server)
    site.postgres.stop()
    copy(cluster, backup)
    try:
        site.postgres.start()
        lost = [wire(), wire()]
        with operation.web(tmp_path) as server:
            assert operation.epochs(server) == before  # stopped and started: nothing was lost
            numbers = [operation.post(server, torn, message) for message in lost]
            kept = server.request("GET", f"/groups/{whole}", operation.token)[1]["head"]
            operation.wait_for_mark(torn, numbers[-1])
            server.process.kill()  # no time for a last word
        site.postgres.stop(mode="immediate")
        shutil.rmtree(cluster)
        copy(backup, cluster)
        site.postgres.start()
        with operation.web(tmp_path) as server:
            after = operation.epochs(server)
            assert after[torn] != before[torn]
            assert after[whole] == before[whole]
            check_clients(operation, server, numbers, kept, before)
            # What a client sent and still has is sent again, under its own id.
            with Talker(server.ws, token=operation.token) as talker:
                for message in lost:
                    talker.say(op="post", group=torn, message=message)
                    answer = talker.until(lambda item, m=message: item.get("id") == m["id"])
                    assert (answer["op"], answer["created"]) == ("posted", True)
        with operation.web(tmp_path) as server:
            assert operation.epochs(server) == after  # told once
    finally:
        shutil.rmtree(backup, ignore_errors=True)
    address = site.addresses.superuser.replace("/postgres?", "/cencomm?")
    with psycopg.connect(address) as connection:
        found = connection.execute(
            'SELECT "group" FROM audit_entry WHERE action = %s AND "group" = ANY(%s)',
            ["group:stream:renewed", [torn, whole]],
        ).fetchall()
    assert found == [(UUID(torn),)]


def check_clients(
    operation: Operation, server: Server, numbers: list[int], kept: int, before: dict[str, str]
) -> None:
    """Who held lost numbers starts afresh and ends equal to a fresh reading; who lost nothing goes on."""
    torn, whole = operation.groups
    with state_of(server, operation, whole, kept, before[whole]) as talker:
        assert talker.items[-1]["op"] == "caught_up"
        assert talker.seqs() == []
    with state_of(server, operation, torn, numbers[-1], before[torn]) as talker:
        assert talker.items[-1]["op"] == "restart"
        fresh_epoch = talker.items[-1]["epoch"]
        talker.items.clear()
        talker.follow(torn)
        events = [item for item in talker.items if item["op"] == "event"]
        assert talker.items[-1]["epoch"] == fresh_epoch
    _status, page = server.request("GET", f"/groups/{torn}/events", operation.token)
    assert events == page["events"]
    assert page["head"] < numbers[0]


@slow
def test_marks_that_came_back_with_the_database_prove_nothing(operation: Operation, tmp_path: Path) -> None:
    site, (group, _other) = operation.site, operation.groups
    cluster, backup = site.postgres.cluster, site.postgres.cluster.with_name("backup")
    marks = operation.marks.path
    site.postgres.stop()
    copy(cluster, backup)
    copy(marks, marks.with_name("marks-backup"))
    try:
        site.postgres.start()
        with operation.web(tmp_path) as server:
            before = operation.epochs(server)
            operation.post(server, group, wire())
        site.postgres.stop()
        shutil.rmtree(cluster)
        shutil.rmtree(marks)
        copy(backup, cluster)
        copy(marks.with_name("marks-backup"), marks)
        site.postgres.start()
        with operation.web(tmp_path) as server:
            after = operation.epochs(server)
            assert after[group] != before[group]
            # A second process finds its marks gone while this one vouches for the database.
            elsewhere = str(tmp_path / "elsewhere")
            operation.variables["CENCOMM_MARKS"] = elsewhere
            with operation.web(tmp_path) as second:
                assert operation.epochs(second) == after
            del operation.variables["CENCOMM_MARKS"]
    finally:
        shutil.rmtree(backup, ignore_errors=True)
        shutil.rmtree(marks.with_name("marks-backup"), ignore_errors=True)


class Standby:
    """A streaming copy of the product's cluster, on a socket of its own."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.postgres = site, site.postgres
        self.folder = self.postgres.cluster.with_name(f"standby-{uuid4().hex[:6]}")
        self.sockets = Path(f"/tmp/cencomm-standby-{uuid4().hex[:8]}")  # noqa: S108
        self.log = self.postgres.cluster.with_name("standby.log")

    def make(self) -> None:
        copy_from = ("-h", str(self.postgres.socket_folder), "-U", "postgres")
        self.postgres.run_binary(
            "pg_basebackup", *copy_from, "-D", str(self.folder), "-R", "-X", "stream", "-c", "fast", "--no-sync"
        )
        self.sockets.mkdir(mode=0o700)
        shutil.chown(self.sockets, self.folder.owner(), self.folder.group())
        options = f"-c unix_socket_directories={self.sockets} -c cluster_name=standby"
        self.postgres.run_binary(
            "pg_ctl", "start", "-w", "-D", str(self.folder), "-l", str(self.log), "-o", options
        )

    def execute(self, statement: str) -> Any:
        address = f"postgresql:///postgres?host={self.sockets}&user=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone() if cursor.description else None

    def promote(self) -> None:
        assert self.execute("SELECT pg_promote(true, 60)") == (True,)

    def remove(self) -> None:
        self.postgres.run_binary("pg_ctl", "stop", "-m", "immediate", "-D", str(self.folder), check=False)
        for folder in (self.folder, self.sockets):
            shutil.rmtree(folder, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    def addresses(self) -> dict[str, str]:
        """The application's addresses of both servers; whoever takes writes is meant."""
        hosts = f"host={self.postgres.socket_folder},{self.sockets}&target_session_attrs=read-write"
        return {
            "DATABASE_URL": f"postgresql:///cencomm?user={ROLES[1]}&{hosts}",
            "CEN_DATABASE_URL": f"postgresql:///cen?user={ROLES[3]}&{hosts}",
        }


def on_primary(site: Site, *statements: str) -> Any:
    with psycopg.connect(site.addresses.superuser, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def kill_primary(site: Site) -> None:
    number = int((site.postgres.cluster / "postmaster.pid").read_text().splitlines()[0])
    os.kill(number, signal.SIGKILL)
    wait_until(lambda: has_ended(number), what="a dead primary")


@pytest.fixture
def standby(operation: Operation, tmp_path: Path) -> Iterator[Standby]:
    """A standby in step with the product; the product is put back on its own cluster afterwards."""
    site = operation.site
    made = Standby(site, tmp_path)
    try:
        made.make()
        operation.variables = made.addresses()
        wait_until(lambda: on_primary(site, "SELECT count(*) FROM pg_stat_replication") == (1,), what="replication")
        yield made
    finally:
        made.remove()
        site.postgres.start()
        on_primary(site, "ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")


class Writer(threading.Thread):
    """Posts one message after the other, each again under its id until it is answered."""

    def __init__(self, operation: Operation, server: Server) -> None:
        super().__init__(daemon=True)
        self.operation, self.server = operation, server
        self.stopping = threading.Event()
        self.answered: dict[str, int] = {}
        self.failures = 0

    def run(self) -> None:
        message = wire()
        while not self.stopping.is_set():
            try:
                self.answered[message["id"]] = self.operation.post(self.server, self.operation.groups[0], message)
                message = wire()
            except (AssertionError, OSError):
                self.failures += 1


@slow
def test_writers_come_back_by_themselves_to_a_promoted_standby(
    operation: Operation, standby: Standby, tmp_path: Path
) -> None:
    site, (group, _other) = operation.site, operation.groups
    on_primary(
        site,
        "ALTER SYSTEM SET synchronous_standby_names = '*'",
        "ALTER SYSTEM SET synchronous_commit = 'on'",
        "SELECT pg_reload_conf()",
    )
    wait_until(
        lambda: on_primary(site, "SELECT sync_state FROM pg_stat_replication") == ("sync",),
        what="a synchronous standby",
    )
    with operation.web(tmp_path) as server, Talker(server.ws, token=operation.token) as talker:
        talker.follow(group)
        before = operation.epochs(server)
        writer = Writer(operation, server)
        writer.start()
        wait_until(lambda: len(writer.answered) > 10, seconds=BOUND, what="posts")
        kill_primary(site)
        answered = dict(writer.answered)
        standby.promote()
        wait_until(lambda: len(writer.answered) > len(answered) + 10, seconds=BOUND, what="posts again")
        writer.stopping.set()
        writer.join(BOUND)
        last = max(writer.answered.values())
        talker.event(last, timeout=BOUND)  # the socket was never closed
        assert talker.seqs() == list(range(talker.seqs()[0], talker.seqs()[0] + len(talker.seqs())))
        told = {item["event"]["message"]["id"]: item["seq"] for item in talker.items if item["op"] == "event"
                and item["event"]["type"] == "message"}  # fmt: skip
        assert {key: told[key] for key in writer.answered} == writer.answered  # nothing acknowledged is gone
        assert operation.epochs(server) == before
        assert server.request("GET", f"/groups/{group}", operation.token)[1]["head"] >= last


@slow
def test_a_standby_that_lacked_commits_begins_those_groups_anew(
    operation: Operation, standby: Standby, tmp_path: Path
) -> None:
    site, (torn, whole) = operation.site, operation.groups
    with operation.web(tmp_path) as server, Talker(server.ws, token=operation.token) as talker:
        for group in (torn, whole):
            operation.post(server, group, wire())
            talker.follow(group)
        before = operation.epochs(server)
        position = on_primary(site, "SELECT pg_current_wal_insert_lsn()")[0]
        wait_until(
            lambda: standby.execute(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == (True,), what="in step"
        )
        standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
        standby.execute("SELECT pg_reload_conf()")
        wait_until(
            lambda: standby.execute("SELECT count(*) FROM pg_stat_wal_receiver") == (0,), what="a standby alone"
        )
        operation.post(server, torn, wire())  # committed, told, and known to nobody but the primary
        kill_primary(site)
        standby.promote()

        def epochs() -> dict[str, str]:
            try:
                return operation.epochs(server)
            except (AssertionError, OSError):
                return before

        wait_until(lambda: epochs() != before, seconds=BOUND, what="a new epoch")
        wait_until(lambda: is_ready(server), seconds=BOUND, what="answers")
        after = operation.epochs(server)
        assert (after[torn] != before[torn], after[whole] == before[whole]) == (True, True)
        told = talker.until(lambda item: item["op"] == "restart", timeout=BOUND)
        assert (told["group"], told["epoch"]) == (torn, after[torn])
        talker.items.clear()
        talker.follow(torn)
        number = operation.post(server, torn, wire())
        talker.event(number, timeout=BOUND)


# -- marks by themselves


def test_a_group_is_lost_when_it_is_behind_or_another_history() -> None:
    group, epoch, other = uuid4(), uuid4(), uuid4()
    mark = {group: Mark(epoch, 7, "seventh")}

    def lost(now: Standing, proof: str = "seventh", told: int = 0, known: UUID | None = None, **more: Any) -> bool:
        marks = Marks(mark, tuple(more.get("retired", ())))
        found = lost_groups(marks, {group: now}, {group: proof}, {group: told}, {group: known} if known else {})
        return found == {group}

    assert not lost(Standing(epoch, 7))
    assert not lost(Standing(epoch, 9))
    assert lost(Standing(epoch, 6))  # behind
    assert lost(Standing(epoch, 9), proof="another seventh")  # other events took the numbers
    assert lost(Standing(epoch, 9), told=10)  # committed by this process a moment ago
    assert not lost(Standing(other, 3))  # another process has renewed it
    assert not lost(Standing(other, 3), told=9, known=epoch)
    assert lost(Standing(other, 30), retired=[other])  # an epoch that was over before
    assert lost_groups(Marks(mark), {}, {}, {}, {}) == set()  # deleted


def test_of_too_many_ended_epochs_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_module, "MOST_RETIRED", 3)
    ended = [uuid4() for _ in range(5)]
    marks = Marks()
    for epoch in ended:
        marks = marks.merged({}, [epoch])
    assert marks.merged({}, [ended[2]]).retired == tuple(ended[2:])


def test_a_mark_that_comes_late_hides_no_newer_epoch() -> None:
    """Of two processes one reads a mark, the other begins a new epoch, the first writes what it has read."""
    group, ended, begun = uuid4(), uuid4(), uuid4()
    now = Mark(begun, 4, "fourth")
    marks = Marks({group: Mark(ended, 9, "ninth")}).merged({}, [ended]).merged({group: now})
    assert marks.groups == {group: now}
    for late in (Mark(ended, 9, "ninth"), Mark(ended, 3, "third")):
        assert marks.merged({group: late}).groups == {group: now}
    assert marks.merged({group: Mark(uuid4(), 1, "first")}).groups != {group: now}  # of a database put in its place


def test_marks_are_believed_only_where_they_were_written(tmp_path: Path) -> None:
    folder, group = MarksFolder(tmp_path / "marks"), uuid4()
    epoch, next_epoch = uuid4(), uuid4()
    assert folder.load() is None
    folder.add({group: Mark(epoch, 3, "c")})
    copy(folder.path, tmp_path / "old")
    folder.add({group: Mark(epoch, 5, "e")})
    folder.add({group: Mark(epoch, 4, "d")})  # late: the higher one stays
    found = folder.load()
    assert found is not None
    assert found.groups == {group: Mark(epoch, 5, "e")}
    folder.add({group: Mark(next_epoch, 1, "a")}, (epoch,))
    found = folder.load()
    assert found == Marks({group: Mark(next_epoch, 1, "a")}, (epoch,))

    for file in (tmp_path / "old").glob("marks-*"):  # put back beside: the newest counts
        shutil.copy2(file, folder.path)
    assert folder.load() == found
    assert MarksFolder(tmp_path / "old").load() is None  # a copy
    assert sum(1 for _ in folder.path.glob("marks-*.json")) == 2
    folder.add({})
    assert sum(1 for _ in folder.path.glob("marks-*.json")) == 1
    assert folder.path.stat().st_mode & 0o077 == 0


def test_many_processes_write_marks_together(tmp_path: Path) -> None:
    groups = [uuid4() for _ in range(8)]
    epoch = uuid4()

    def write(group: UUID) -> Callable[[], None]:
        def run() -> None:
            for head in range(1, 11):
                MarksFolder(tmp_path / "marks").add({group: Mark(epoch, head, str(head))})

        return run

    threads = [threading.Thread(target=write(group)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = MarksFolder(tmp_path / "marks").load()
    assert found is not None
    assert found.groups == {group: Mark(epoch, 10, "10") for group in groups}
