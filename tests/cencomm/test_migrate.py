"""Migrations say everything that models say, for both databases, and let everybody work while they run."""

from __future__ import annotations

import io
import re
import threading
import time
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import CheckConstraint, Field, Q

from tests.cencomm.ports import PATIENCE

# Tables that grow with every message, sign-in or seizure: to read all of one takes minutes.
LARGE = {
    "default": (
        "messaging_message", "messaging_event", "messaging_acknowledgement", "messaging_statusmove",
        "messaging_lastseen", "messaging_attachment", "messaging_attachmentpiece", "audit_entry", "audit_leaf",
        "audit_node", "exports_transfer", "exports_resolution",
    ),
    "cen": ("cen_seizure",),
}  # fmt: skip
OURS = {"accounts", "audit", "cen", "cencomm", "exports", "groups", "messaging", "simplified_forms"}
# Of the time before the first release: nobody's tables were large then.
BEFORE = {
    ("audit", "0002_insert_only"),
    ("audit", "0003_tree"),
    ("messaging", "0002_open_questions"),
    ("messaging", "0003_reports"),
    ("messaging", "0004_lean_indexes"),
}


@pytest.mark.django_db(databases=["default", "cen"])
def test_no_migration_is_missing() -> None:
    output = io.StringIO()
    try:
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1, stdout=output, no_input=True)
    except SystemExit:
        pytest.fail(f"Run `bin/cencomm manage makemigrations`:\n{output.getvalue()}")


def words_of_constraints() -> dict[str, set[str]]:
    """Return, by constraint, the words that the model lets into a column of a fixed choice."""
    found = {}
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if not isinstance(constraint, CheckConstraint) or not isinstance(constraint.condition, Q):
                continue
            for condition in constraint.condition.children:
                if isinstance(condition, tuple) and condition[0].endswith("__in"):
                    field = model._meta.get_field(condition[0].removesuffix("__in"))
                    assert isinstance(field, Field)
                    found[constraint.name] = {str(word) for word, _label in field.flatchoices}
    return found


@pytest.mark.django_db
def test_the_database_lets_in_the_words_of_each_choice_and_no_other() -> None:
    words = words_of_constraints()
    assert {"group_kind", "event_type", "attachment_state", "message_status"} <= words.keys()
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'")
        held = {name: set(re.findall(r"'([^']*)'::", said)) for name, said in cursor.fetchall() if name in words}
    assert held == words


def burdens(statement: str, large: tuple[str, ...]) -> str:
    """Return why a statement keeps others from a large table for long; "" if it does not."""
    said = re.sub(r"\s+", " ", statement.strip().replace('"', "")).upper()
    tables = "|".join(name.upper() for name in large)
    on_large = rf"(ONLY )?(PUBLIC\.)?({tables})\b"
    if re.match(rf"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).* ON {on_large}", said):
        return "an index without CONCURRENTLY (AddIndexConcurrently, in a migration with atomic = False)"
    if re.match(rf"(UPDATE|DELETE FROM) {on_large}|WITH .*\b(UPDATE|DELETE FROM) {on_large}", said):
        return "all rows in one transaction (some at a time, after the release)"
    if not re.match(rf"ALTER TABLE {on_large}", said):
        return ""
    for found, why in {
        r" ADD CONSTRAINT (?!.*( NOT VALID| USING INDEX ))": "a constraint without NOT VALID",
        r" ADD COLUMN .*( REFERENCES | UNIQUE| GENERATED | CHECK |\(\))": "a column that all rows are read for",
        r" TYPE | SET NOT NULL| SET EXPRESSION": "a column that all rows are read for",
    }.items():
        if re.search(found, said):
            return why
    return ""


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ('CREATE INDEX "a" ON "messaging_message" ("group_id")', True),
        ('CREATE UNIQUE INDEX "a" ON "messaging_message" ("group_id")', True),
        ('CREATE INDEX CONCURRENTLY "a" ON "messaging_message" ("group_id")', False),
        ('CREATE INDEX "a" ON "groups_membership" ("group_id")', False),
        ('CREATE INDEX "a" ON "messaging_messages_of_another_kind" ("group_id")', False),
        ('ALTER TABLE "messaging_event" ADD CONSTRAINT "a" CHECK ("type" IN (\'message\'))', True),
        ('ALTER TABLE "messaging_event" ADD CONSTRAINT "a" CHECK ("type" IN (\'message\')) NOT VALID', False),
        ('ALTER TABLE "messaging_event" ADD CONSTRAINT "a" UNIQUE USING INDEX "b"', False),
        ('ALTER TABLE "messaging_event" VALIDATE CONSTRAINT "a"', False),
        ('ALTER TABLE "messaging_event" DROP CONSTRAINT "a"', False),
        ('ALTER TABLE "messaging_event" ADD COLUMN "a" boolean DEFAULT false NOT NULL', False),
        ('ALTER TABLE "messaging_event" ADD COLUMN "a" timestamptz DEFAULT now() NOT NULL', True),
        ('ALTER TABLE "messaging_event" ADD COLUMN "a" uuid NULL REFERENCES "messaging_message" ("id")', True),
        ('ALTER TABLE "messaging_event" ALTER COLUMN "a" TYPE bigint USING "a"::bigint', True),
        ('ALTER TABLE "messaging_event" ALTER COLUMN "a" SET NOT NULL', True),
        ("\nUPDATE messaging_message\n   SET unanswered = true", True),
        ("WITH a AS (SELECT 1)\nUPDATE messaging_message SET unanswered = true", True),
    ],
)
def test_what_keeps_others_from_a_table_is_known(statement: str, bad: bool) -> None:
    assert bool(burdens(statement, LARGE["default"])) is bad


@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
@pytest.mark.parametrize("alias", LARGE)
def test_no_migration_keeps_others_from_a_large_table(alias: str) -> None:
    found = {}
    loader = MigrationLoader(connections[alias], replace_migrations=False)
    assert loader.disk_migrations.keys() >= BEFORE
    for key, migration in loader.disk_migrations.items():
        if migration.initial or key in BEFORE or key[0] not in OURS:
            continue
        statements = loader.collect_sql([(migration, False)])
        new = {name for one in statements for name in re.findall(r'CREATE TABLE "(\w+)"', one)}
        large = tuple(name for name in LARGE[alias] if name not in new)
        found[key] = {why for one in statements if (why := burdens(one, large))}
        validates = [one for one in statements if " VALIDATE CONSTRAINT " in one]
        if migration.atomic and validates and len(validates) < sum(one.endswith(";") for one in statements):
            found[key].add("it validates under a lock that another statement of it has taken")
    assert {key: why for key, why in found.items() if why} == {}


@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_an_index_that_nobody_waits_for_waits_for_the_end_of_a_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    began, waited = threading.Event(), threading.Event()
    waiting = "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    def back_up() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM exports_transfer")
            began.set()
            with connections["cen"].cursor() as beside:
                until = time.monotonic() + PATIENCE
                while not waited.is_set() and time.monotonic() < until:
                    beside.execute(waiting)
                    if any("INDEX CONCURRENTLY" in query for (query,) in beside.fetchall()):
                        beside.execute("SELECT pg_sleep(0.5)")  # longer than others would wait
                        waited.set()
            cursor.execute("ROLLBACK")
        connections.close_all()

    def fail(_seconds: float) -> None:
        pytest.fail("it did not wait")

    monkeypatch.setattr("cencomm.management.commands.prepare_databases.time", SimpleNamespace(sleep=fail))
    MigrationRecorder(connection).record_unapplied("exports", "0002_queue_in_its_order")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    thread = threading.Thread(target=back_up)
    thread.start()
    began.wait(PATIENCE)
    try:
        call_command("prepare_databases", verbosity=0)
    finally:
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert waited.is_set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
        assert cursor.fetchall() == []


@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_who_uses_a_table_holds_up_migrations_but_not_everybody_behind_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held, waited, limits = threading.Event(), threading.Event(), []

    def hold() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE messaging_event IN SHARE MODE")
            held.set()
            waited.wait(300)
            cursor.execute("ROLLBACK")
        connections["default"].close()

    thread = threading.Thread(target=hold)

    def let_go(_seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            limits.append(cursor.fetchone())
        waited.set()
        thread.join()

    monkeypatch.setattr("cencomm.management.commands.prepare_databases.time", SimpleNamespace(sleep=let_go))
    MigrationRecorder(connection).record_unapplied("messaging", "0006_event_type_of_all")
    thread.start()
    held.wait(300)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")  # as the owner has it, only shorter
    try:
        call_command("prepare_databases", verbosity=0)
    finally:
        waited.set()
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert waited.is_set()
    assert ("100ms",) not in limits
    assert ("messaging", "0006_event_type_of_all") in MigrationRecorder(connection).applied_migrations()
