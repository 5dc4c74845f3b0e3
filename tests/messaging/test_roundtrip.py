"""Lock and statement in one round trip, spoken straight to libpq: what one connection goes through."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection, transaction

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.actions import Posted
from messaging.actions.together import send_together
from messaging.delivery.reads import in_hub_thread
from messaging.models import Event, Message
from messaging.roundtrip import HELD, Statement, read_prepared, run_under_lock
from tests.environment import cluster
from tests.messaging.conftest import parcel

NAMED = f"UPDATE groups_closedusergroup g SET name = $1::text FROM {HELD} WHERE g.id = of_held.id"  # noqa: S608
RENAME = Statement(b"test_rename", f"{NAMED} RETURNING head + 1, name, stream_epoch".encode())
DIVIDE = Statement(b"test_divide", f"SELECT 1 / $1::integer FROM {HELD}".encode())  # noqa: S608
SLEEP = Statement(b"test_sleep", b"SELECT pg_sleep(60), $1::uuid")


def prepared(statement: Statement) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement = %s", [statement.text.decode()])
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.django_db(transaction=True)
def test_rows_come_as_python_knows_them_and_are_committed(room: ClosedUserGroup) -> None:
    for name in ("First", "Second"):
        assert run_under_lock(RENAME, [room.pk], (name,)) == [(1, name, room.stream_epoch)]
    room.refresh_from_db()
    assert room.name == "Second"
    assert len(prepared(RENAME)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_failure_leaves_nothing_behind_and_the_connection_as_it_was(room: ClosedUserGroup) -> None:
    for _ in range(2):
        with pytest.raises(DataError):
            run_under_lock(DIVIDE, [room.pk], ("0",))
    assert run_under_lock(DIVIDE, [room.pk], ("1",)) == [(1,)]
    assert len(prepared(DIVIDE)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


@pytest.mark.django_db(transaction=True)
def test_what_fails_only_at_the_end_is_told_too(room: ClosedUserGroup) -> None:
    """Foreign keys are looked at when the transaction ends: the rows were here by then."""
    forge = Statement(
        b"test_forge",
        b"INSERT INTO messaging_event (group_id, seq, type, at, message_id, data)"
        b" VALUES ($1::uuid, 1, 'message', now(), $2::uuid, '{}') RETURNING seq",
    )
    seen: list[Any] = []
    for _ in range(2):
        with pytest.raises(IntegrityError):
            run_under_lock(forge, [room.pk], (str(room.pk), str(uuid4())), meanwhile=seen.append)
    assert seen == [[(1,)]] * 2
    assert not Event.objects.filter(group=room).exists()
    assert run_under_lock(RENAME, [room.pk], ("After",))[0][1] == "After"


@pytest.mark.django_db(transaction=True)
def test_what_fails_meanwhile_leaves_the_connection_in_order(room: ClosedUserGroup) -> None:
    seen: list[Any] = []

    def look(rows: list[Any]) -> None:
        seen.append(rows)
        message = "what is done meanwhile may fail"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        run_under_lock(RENAME, [room.pk], ("Meanwhile",), meanwhile=look)
    assert [row[1] for [row] in seen] == ["Meanwhile"]
    room.refresh_from_db()
    assert room.name == "Meanwhile"  # what was under way has ended
    assert run_under_lock(RENAME, [room.pk], ("After",))[0][1] == "After"


@pytest.mark.django_db(transaction=True)
def test_a_group_that_is_not_there_holds_nobody_up() -> None:
    assert run_under_lock(RENAME, [uuid4()], ("Nowhere",)) == []


@pytest.mark.django_db(transaction=True)
def test_what_somebody_threw_away_is_prepared_anew(room: ClosedUserGroup) -> None:
    run_under_lock(RENAME, [room.pk], ("Before",))
    [name] = prepared(RENAME)
    with connection.cursor() as cursor:
        cursor.execute(f"DEALLOCATE {name}")
    assert run_under_lock(RENAME, [room.pk], ("After",))[0][1] == "After"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        assert run_under_lock(RENAME, [room.pk], ("Within",))[0][1] == "Within"
    assert ClosedUserGroup.objects.get(pk=room.pk).name == "Within"


@pytest.mark.django_db(transaction=True)
def test_a_server_that_goes_away_is_told_as_such(room: ClosedUserGroup) -> None:
    run_under_lock(RENAME, [room.pk], ("Before",))
    kill = Statement(b"test_kill", b"SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(OperationalError):
        run_under_lock(kill, [room.pk], ())
    connection.close()
    assert run_under_lock(RENAME, [room.pk], ("After",))[0][1] == "After"


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_is_larger_than_any_buffer_goes_through(
    room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["The lantern is lit. " * 400 for _ in range(64)]
    answers: list[Any] = send_together([parcel(fatou, room.pk, body={"text": text}) for text in texts])
    assert all(isinstance(one, Posted) and one.created for one in answers), answers
    assert Message.objects.filter(group=room).count() == 64


@pytest.mark.django_db(transaction=True)
def test_nothing_is_asked_meanwhile(room: ClosedUserGroup) -> None:
    """It would wait for itself for ever, and keep the group locked."""
    questions: list[Callable[[], object]] = [ClosedUserGroup.objects.count, transaction.atomic().__enter__]
    for ask in questions:
        with pytest.raises(ProgrammingError):
            run_under_lock(RENAME, [room.pk], ("Meanwhile",), meanwhile=partial(_ignoring, ask))
    assert ClosedUserGroup.objects.get(pk=room.pk).name == "Meanwhile"
    assert run_under_lock(RENAME, [room.pk], ("After",))[0][1] == "After"


def _ignoring(ask: Callable[[], object], _rows: list[Any]) -> object:
    return ask()


class Stopped(BaseException):
    """Somebody wants this to end now."""


@pytest.fixture
def meanwhile(room: ClosedUserGroup) -> Iterator[None]:
    """Interrupt whatever runs once the database sleeps for it, wherever it is."""
    interrupted, over = threading.Event(), threading.Event()

    def stop(*_signal: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise Stopped

    def watch() -> None:
        address = cluster.addresses.url(connection.settings_dict["NAME"], "postgres")
        asleep = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        with psycopg.connect(address, autocommit=True) as another:
            while not over.wait(0.02):
                if another.execute(asleep).fetchone() is not None and not interrupted.is_set():
                    signal.pthread_kill(main, signal.SIGALRM)

    before, main = signal.signal(signal.SIGALRM, stop), threading.get_ident()
    watching = threading.Thread(target=watch)
    watching.start()
    yield
    over.set()
    watching.join()
    signal.signal(signal.SIGALRM, before)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_left_in_the_middle_is_given_up(room: ClosedUserGroup, meanwhile: None) -> None:
    with pytest.raises(Stopped):
        run_under_lock(SLEEP, [room.pk], (str(room.pk),))
    assert connection.connection is None
    assert run_under_lock(RENAME, [room.pk], ("After",))[0][1] == "After"


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_left_in_the_middle_is_over(room: ClosedUserGroup, meanwhile: None) -> None:
    with pytest.raises(Stopped), transaction.atomic():
        ClosedUserGroup.objects.filter(pk=room.pk).update(name="Never")
        run_under_lock(SLEEP, [room.pk], (str(room.pk),))
    assert ClosedUserGroup.objects.get(pk=room.pk).name == room.name


@pytest.mark.django_db(transaction=True)
def test_what_another_program_prepared_under_that_name_is_not_run(room: ClosedUserGroup) -> None:
    """An earlier version of a statement has another text, and therefore another name."""
    run_under_lock(RENAME, [room.pk], ("Before",))
    older = RENAME._replace(text=RENAME.text.replace(b"$1::text", b"$1::text || '!'"))
    assert run_under_lock(older, [room.pk], ("Older",))[0][1] == "Older!"
    assert run_under_lock(RENAME, [room.pk], ("After",))[0][1] == "After"
    assert not set(prepared(RENAME)) & set(prepared(older))


@pytest.mark.django_db(transaction=True)
def test_what_was_prepared_for_a_table_that_has_changed_is_prepared_anew(room: ClosedUserGroup) -> None:
    """An update changes tables while processes of the earlier version run on."""
    look = Statement(b"test_look", b"SELECT word FROM test_changing WHERE $1::uuid IS NOT NULL")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE test_changing AS SELECT 'lamp'::varchar(20) AS word")
        assert read_prepared(look, (str(room.pk),)) == [("lamp",)]
        cursor.execute("ALTER TABLE test_changing ALTER word TYPE text[] USING ARRAY[word]")
        assert read_prepared(look, (str(room.pk),)) == [(["lamp"],)]
        cursor.execute("DROP TABLE test_changing")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "times"),
    [
        (b"SELECT pg_terminate_backend(pg_backend_pid()), $1::uuid", 2),  # a connection that died: once more
        (b"SELECT pg_sleep(5), set_config('a.b', $1::uuid::text, true)", 1),  # a database that does not keep up
    ],
)
def test_the_hub_reads_again_only_over_a_new_connection(
    room: ClosedUserGroup, statement: bytes, times: int
) -> None:
    asked: list[bytes] = []

    def read() -> list[Any]:
        asked.append(statement)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '200ms'")
        return read_prepared(Statement(b"test_read", statement), (str(room.pk),))

    with pytest.raises(OperationalError):
        asyncio.run(in_hub_thread(read))
    assert len(asked) == times
