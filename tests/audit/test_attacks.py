"""The owner of the tables against the trail, and what `bin/cencomm audit verify` says of it.

The owner switches the triggers off, as he may, and does what he likes; the command runs as the application, in a
process of its own, with the file of signed states that lies outside of the database.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db import connection

import audit
from audit.models import Entry, Leaf
from audit.queries import witness_request
from cencomm import audit_trail
from cencomm.witness import Witness, WitnessRefused
from tests.environment import cluster
from vault import keystore

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
TABLES = ("audit_entry", "audit_leaf", "audit_node", "audit_checkpoint")
OWNER = "cencomm_owner"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: object) -> Path:
    """The file of signed states; the tables belong to their owner, and to the application what it is granted."""
    path = tmp_path / "checkpoints.jsonl"
    settings.CENCOMM_AUDIT_CHECKPOINTS = path  # type: ignore[attr-defined]
    keystore().platform_sealer(make=True)
    call_command("grant_application_roles", stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} OWNER TO {OWNER}")
    return path


def write(count: int) -> list[int]:
    """Record so many acts and seal them; return the numbers of their entries."""
    for number in range(count):
        audit.record_now(audit.Action.OFFICER_SIGNED_IN, actor=uuid4(), subject=f"session:{number}")
    audit_trail.seal_now()
    return list(Entry.objects.order_by("-id").values_list("id", flat=True)[:count][::-1])


def as_owner(*statements: str) -> None:
    """Do this as the owner of the tables, without their triggers."""
    address = cluster.addresses.url(configured.DATABASES["default"]["NAME"], OWNER)
    with psycopg.connect(address, autocommit=True) as line:
        for table in TABLES:
            line.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            for statement in statements:
                line.execute(statement)
        finally:
            for table in TABLES:
                line.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def verify(file: Path, *copies: Path) -> tuple[int, str]:
    """Run the command as the application; return its exit code and what it says."""
    names = {alias: configured.DATABASES[alias]["NAME"] for alias in ("default", "cen")}
    done = subprocess.run(
        [sys.executable, "-m", "cencomm", "audit", "verify", *(f"--checkpoints={copy}" for copy in copies)],
        env={
            **os.environ,
            "DATABASE_URL": cluster.addresses.url(names["default"], "cencomm_app"),
            "CEN_DATABASE_URL": cluster.addresses.url(names["cen"], "cen_app"),
            "CENCOMM_AUDIT_CHECKPOINTS": str(file),
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 2}, done.stderr
    return done.returncode, done.stdout


BACK_TO_FIVE = (
    "DELETE FROM audit_checkpoint WHERE size > 5",
    "DELETE FROM audit_leaf WHERE position >= 5",
    "DELETE FROM audit_node WHERE (position + 1) << level > 5",
    "DELETE FROM audit_entry WHERE id NOT IN (SELECT entry_id FROM audit_leaf)",
)


def write_past_anew(file: Path, numbers: list[int]) -> None:
    """Change an entry and grow another tree over it, which the installation itself is made to sign."""
    kept = file.read_bytes()
    statement = "UPDATE audit_entry SET subject = 'session:other' WHERE id = {6}"
    as_owner(filled(statement, numbers), "TRUNCATE audit_leaf, audit_node, audit_checkpoint")
    file.unlink()
    audit_trail.seal_now()
    file.write_bytes(kept)


def put_in_with_an_old_date(_file: Path, _numbers: list[int]) -> None:
    """Put an entry in, and let it be sealed."""
    as_owner(f"{INSERT} (pg_current_xact_id(), now() - interval '2 days', 'a', '', '{{}}')")
    audit_trail.seal_now()


def change_a_signature_in_the_file(file: Path, _numbers: list[int]) -> None:
    """Put the signature of the last state under the first."""
    first, last = (json.loads(line) for line in file.read_text().splitlines())
    first["checkpoint"] = first["checkpoint"].partition("—")[0] + "—" + last["checkpoint"].partition("—")[2]
    file.write_text("".join(json.dumps(line) + "\n" for line in (first, last)))


def filled(text: str, numbers: list[int]) -> str:
    """Return a text with the numbers of entries in place of `{0}`, `{1}`, …"""
    for place, number in enumerate(numbers):
        text = text.replace(f"{{{place}}}", str(number))
    return text


PAST = "(SELECT transaction FROM audit_entry ORDER BY id LIMIT 1)"
LATER = "(pg_current_xact_id()::text::bigint + 1000000)::text::xid8"
INSERT = "INSERT INTO audit_entry (transaction, at, action, subject, details) VALUES"
# What the owner does, and what must be said of it. `{n}`: the entry at that place; `{}`: the newest one.
ATTACKS: dict[str, tuple[tuple[str, ...] | Callable[[Path, list[int]], None], str]] = {
    "update": (
        ("UPDATE audit_entry SET actor = gen_random_uuid() WHERE id = {2}",),
        r"^CHANGED: Entry {2} was changed",
    ),
    "update of a time": (
        ("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE id = {4}",),
        r"^CHANGED: Entry {4} was changed",
    ),
    "delete": (("DELETE FROM audit_entry WHERE id = {1}",), r"^REMOVED: Entry {1} was removed"),
    "delete with its leaf": (
        ("DELETE FROM audit_entry WHERE id = {1}", "DELETE FROM audit_leaf WHERE entry_id = {1}"),
        r"^LEAF_MISSING: The tree lacks its leaves 1 to 1",
    ),
    "exchange of two": (
        (
            "UPDATE audit_entry SET id = -1 WHERE id = {1}",
            "UPDATE audit_entry SET id = {1} WHERE id = {3}",
            "UPDATE audit_entry SET id = {3} WHERE id = -1",
        ),
        r"^CHANGED: Entry {1} was changed",
    ),
    "insert into the past": (
        (f"{INSERT} ({PAST}, now(), 'a', '', '{{}}')",),
        r"^INSERTED: Entry {} was put in among",
    ),
    "insert that is never sealed": (
        (f"{INSERT} ({LATER}, now(), 'a', '', '{{}}')",),
        r"^INSERTED: Entry {} bears a transaction that has not been yet",
    ),
    "insert with an old date": (put_in_with_an_old_date, r"^DATED_BACK: Entry {} bears the time"),
    "truncate": (
        ("TRUNCATE audit_entry, audit_leaf, audit_node, audit_checkpoint",),
        r"^ROLLED_BACK: A tree of 8 entries was signed \(file\), but only 0 are there",
    ),
    "roll back": (
        BACK_TO_FIVE,
        r"^ROLLED_BACK: A tree of 8 entries was signed \(file\), but only 5 are there: .* places 5 to 7 are gone",
    ),
    "fork": (
        write_past_anew,
        r"^(FORKED: Two different trees of 8 entries were signed|REWRITTEN: .* between the places 5 and 7 )",
    ),
    "leaf": (
        ("UPDATE audit_leaf SET hash = sha256('x') WHERE position = 6",),
        r"^CHANGED: Entry {6} was changed",
    ),
    "node": (("DELETE FROM audit_node WHERE level = 1 AND position = 2",), r"^NODE_CHANGED: Node 2 of level 1"),
    "state": (
        ("UPDATE audit_checkpoint SET note = replace(note, chr(10) || '5' || chr(10), '6')",),
        r"^CHECKPOINT_CHANGED: The database's checkpoint of size 5",
    ),
    "signature of a state that is right": (
        (
            "UPDATE audit_checkpoint a SET note = split_part(a.note, '—', 1) || '—' || split_part(b.note, '—', 2) "
            "FROM audit_checkpoint b WHERE a.size = 5 AND b.size = 8",
        ),
        r"^CHECKPOINT_CHANGED: The database's checkpoint of size 5 is not signed by us",
    ),
    "signature taken away": (
        ("UPDATE audit_checkpoint SET note = split_part(note, '—', 1) WHERE size = 8",),
        r"^CHECKPOINT_CHANGED: The database's checkpoint of size 8 is not signed by us",
    ),
    "signature in the file": (
        change_a_signature_in_the_file,
        r"^CHECKPOINT_CHANGED: The file's checkpoint of size 5 is not signed by us",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_owner_does_is_found_and_named(file: Path, attack: str) -> None:
    numbers = [*write(5), *write(3)]
    code, said = verify(file)
    assert (code, "The trail is sound." in said) == (0, True), said
    act, expected = ATTACKS[attack]
    if callable(act):
        act(file, numbers)
    else:
        as_owner(*(filled(statement, numbers) for statement in act))
    newest = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    code, said = verify(file)
    assert re.search(filled(expected, numbers).replace("{}", str(newest)), said, re.MULTILINE), said
    assert code == 2
    assert "NOT sound" in said


def test_file_that_went_back_with_the_database_is_found_by_a_copy_and_by_a_witness(
    file: Path, tmp_path: Path
) -> None:
    """Database and file are of one past; whoever saw more knows."""
    write(5)
    early = file.read_bytes()
    write(3)
    copy = tmp_path / "copy.jsonl"
    shutil.copy(file, copy)
    witness = Witness(tmp_path / "witness", name="witness.example")
    key = str(audit_trail.signer(1).verifier_key)
    witness.cosign(witness_request(0) or "", key=key, at=1_700_000_000)
    as_owner(*BACK_TO_FIVE)
    file.write_bytes(early)
    code, said = verify(file)
    assert (code, "The trail is sound" in said) == (0, True)  # by itself it cannot know
    code, said = verify(file, copy)
    assert code == 2
    assert "ROLLED_BACK: A tree of 8 entries was signed (file), but only 5 are there" in said
    assert witness_request(8) is None  # which the witness asks for
    for _ in range(4):  # and who grows the other past beyond what it saw cannot prove that it goes on from there
        audit.record_now(audit.Action.OFFICER_SIGNED_OUT, actor=uuid4())
    audit_trail.seal_now()
    with pytest.raises(WitnessRefused, match="past was changed"):
        witness.cosign(witness_request(8) or "", key=None, at=1_700_000_001)


def test_without_a_file_the_command_says_what_it_did_not_compare(file: Path) -> None:
    write(5)
    file.unlink()
    code, said = verify(file)
    assert code == 0
    assert "No state that was signed was found outside of the database" in said


def test_the_application_itself_can_do_none_of_it(file: Path) -> None:
    write(3)
    address = cluster.addresses.url(configured.DATABASES["default"]["NAME"], "cencomm_app")
    statements = [
        "UPDATE audit_entry SET subject = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER USER",
        "SET session_replication_role = replica",
        "UPDATE audit_leaf SET position = 9 WHERE position = 0",
        "DELETE FROM audit_checkpoint",
        "DROP TABLE audit_entry",
    ]
    for statement in statements:
        with psycopg.connect(address) as line, pytest.raises(psycopg.errors.InsufficientPrivilege):
            line.execute(statement)
    assert Leaf.objects.count() == 3
    assert verify(file)[0] == 0
