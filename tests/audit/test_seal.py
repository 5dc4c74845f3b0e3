"""The sealer grows the tree and signs it; an owner of the tables who changes the past is found, the entry named."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction

import audit
from audit.anchors import AnchorFile
from audit.merkle import inclusion_proof, leaf_hash, root_by_inclusion
from audit.models import Checkpoint, Entry, Leaf
from audit.sealing import TrailBroken, newest_state, read_node, seal_entries
from audit.verification import Report
from cencomm import audit_trail
from cencomm.audit_trail import seal_now, sign_state, verify_now
from vault import keystore, opened_note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, settings: object) -> Path:
    path = tmp_path / "outside" / "checkpoints.jsonl"
    settings.CENCOMM_AUDIT_CHECKPOINTS = path  # type: ignore[attr-defined]
    keystore().platform_sealer(make=True)
    return path


def write(count: int) -> list[int]:
    """Record so many acts, each in a transaction of its own; return their numbers."""
    for number in range(count):
        audit.record_now(audit.Action.OFFICER_SIGNED_IN, actor=uuid4(), subject=f"session:{number}", factor="totp")
    return list(Entry.objects.order_by("-id").values_list("id", flat=True)[:count][::-1])


@contextmanager
def as_owner() -> Iterator[None]:
    """Act as whoever owns the tables and knows how to keep triggers quiet."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def tamper(statement: str, *values: int) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statement, values or None)


def go_back_to(size: int) -> None:
    """Leave of the database what an older backup of it held."""
    tamper("DELETE FROM audit_checkpoint WHERE size > %s", size)
    tamper("DELETE FROM audit_leaf WHERE position >= %s", size)
    tamper("DELETE FROM audit_node WHERE (position + 1) << level > %s", size)
    tamper("DELETE FROM audit_entry WHERE id NOT IN (SELECT entry_id FROM audit_leaf)")


def kinds(report: Report) -> set[str]:
    return set(report.counts)


def test_what_is_sealed_is_proven_and_signed() -> None:
    numbers = write(7)
    assert seal_now() == 7
    state, note = newest_state() or pytest.fail("nothing was signed")
    assert state.size == 7
    assert opened_note(note, audit_trail.signer(1).verifier_key) == state.body
    for position, number in enumerate(numbers):
        leaf = Leaf.objects.get(entry_id=number)
        assert leaf.position == position
        path = inclusion_proof(read_node, position, 7)
        assert root_by_inclusion(bytes(leaf.hash), position, 7, path) == state.root
    report = verify_now()
    assert report.is_sound
    assert (report.size, report.root, report.unsealed) == (7, state.root, 0)


def test_sealing_goes_on_where_it_was() -> None:
    for count in (1, 2, 5, 1, 8):
        write(count)
        assert seal_now() == count
    assert seal_now() == 0
    assert list(Checkpoint.objects.order_by("size").values_list("size", flat=True)) == [1, 3, 8, 9, 17]
    assert verify_now().is_sound


def test_many_entries_are_sealed_in_several_steps(checkpoints: Path) -> None:
    write(11)
    anchors = AnchorFile(checkpoints)
    assert [seal_entries(sign=sign_state, anchors=anchors, at_once=4) for _ in range(4)] == [4, 4, 3, 0]
    assert verify_now().is_sound


def test_what_is_written_meanwhile_is_sealed_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy site is signed once a second, not as often as it writes."""
    written: list[int] = []

    def sign(generation: int, size: int, root: bytes) -> str:
        if len(written) < 3:
            written.extend(write(1))
        return sign_state(generation, size, root)

    monkeypatch.setattr(audit_trail, "sign_state", sign)
    write(5)
    assert seal_now() == 5
    assert list(Checkpoint.objects.values_list("size", flat=True)) == [5]
    assert seal_now() == 1
    assert verify_now().is_sound


def test_entry_of_a_running_transaction_waits_and_is_not_passed_over() -> None:
    write(1)
    seal_now()
    begun, go_on = threading.Event(), threading.Event()

    def act_slowly() -> None:
        with transaction.atomic():
            audit.record(audit.Action.OFFICER_SIGNED_OUT, actor=uuid4())
            begun.set()
            go_on.wait(300)
        connection.close()

    slow = threading.Thread(target=act_slowly)
    slow.start()
    assert begun.wait(300)
    write(2)  # later transactions, committed earlier
    assert seal_now() == 0
    assert verify_now().unsealed == 2
    go_on.set()
    slow.join()
    assert seal_now() == 3
    report = verify_now()
    assert report.is_sound
    assert report.size == 4


def test_changed_entry_is_named() -> None:
    numbers = write(5)
    seal_now()
    tamper("UPDATE audit_entry SET actor = gen_random_uuid() WHERE id = %s", numbers[2])
    report = verify_now()
    assert [finding.entries for finding in report.findings] == [(numbers[2],)]
    assert kinds(report) == {"changed"}


def test_removed_entry_is_named() -> None:
    numbers = write(5)
    seal_now()
    tamper("DELETE FROM audit_entry WHERE id = %s", numbers[1])
    report = verify_now()
    assert [(one.kind, one.entries) for one in report.findings] == [("removed", (numbers[1],))]


def test_entry_put_in_among_the_past_is_named() -> None:
    write(3)
    seal_now()
    tamper(
        "INSERT INTO audit_entry (transaction, action, subject, details) "
        "SELECT transaction, 'account:session:started', '', '{}' FROM audit_entry ORDER BY id LIMIT 1"
    )
    late = Entry.objects.order_by("-id").values_list("id", flat=True)[0]
    assert seal_now() == 0  # not sealed behind the others
    report = verify_now()
    assert [(one.kind, one.entries) for one in report.findings] == [("inserted", (late,))]


def test_entry_with_a_time_long_past_is_named() -> None:
    write(2)
    seal_now()
    tamper(
        "INSERT INTO audit_entry (at, action, subject, details) VALUES (now() - interval '2 days', 'a', '', '{}')"
    )
    assert seal_now() == 1
    assert kinds(verify_now()) == {"dated_back"}


def test_truncated_trail_is_found_and_no_more_sealed() -> None:
    write(4)
    seal_now()
    tamper("TRUNCATE audit_entry, audit_leaf, audit_node, audit_checkpoint")
    report = verify_now()
    assert kinds(report) == {"rolled_back"}
    assert "4 entries" in report.findings[0].text
    write(9)
    with pytest.raises(TrailBroken):
        seal_now()


def test_database_that_went_back_is_found() -> None:
    write(4)
    seal_now()
    write(3)
    seal_now()
    go_back_to(4)
    report = verify_now()
    assert kinds(report) == {"rolled_back"}
    with pytest.raises(TrailBroken):
        seal_now()


def test_history_written_anew_with_its_tree_is_found_by_what_was_signed(checkpoints: Path) -> None:
    numbers = write(4)
    seal_now()
    write(4)
    seal_now()
    kept = checkpoints.read_bytes()
    tamper("UPDATE audit_entry SET subject = 'session:other' WHERE id = %s", numbers[1])
    tamper("TRUNCATE audit_leaf, audit_node, audit_checkpoint")
    checkpoints.unlink()
    assert seal_now() == 8  # even the sealer itself was made to sign the other past
    checkpoints.write_bytes(kept)
    report = verify_now()
    assert kinds(report) == {"rewritten", "forked"}
    write(1)
    with pytest.raises(TrailBroken):
        seal_now()


def test_changed_leaf_node_or_checkpoint_is_found() -> None:
    write(8)
    seal_now()
    tamper("UPDATE audit_leaf SET hash = sha256('x') WHERE position = 3")
    assert {"changed", "rewritten"} <= kinds(verify_now())
    tamper("UPDATE audit_node SET hash = sha256('x') WHERE level = 2")
    assert "node_changed" in kinds(verify_now())
    tamper("UPDATE audit_checkpoint SET note = 'nothing'")
    assert "checkpoint_changed" in kinds(verify_now())


def test_leaf_put_in_by_hand_stops_the_sealer() -> None:
    write(2)
    seal_now()
    [number] = write(1)
    tamper("INSERT INTO audit_leaf VALUES (2, %s, sha256('x'))", number + 1000)
    with pytest.raises(TrailBroken):
        seal_now()
    assert "removed" in kinds(verify_now())


def test_checkpoint_that_did_not_reach_the_file_is_shipped_next_time(checkpoints: Path) -> None:
    write(2)
    seal_now()
    lost = checkpoints.read_bytes()
    write(1)
    seal_now()
    checkpoints.write_bytes(lost + b'{"at": "20')  # as if the power had gone while it was written
    assert seal_now() == 0
    sizes = [line.checkpoint.size for line in AnchorFile(checkpoints).lines() if line.checkpoint]
    assert sizes == [2, 3]
    assert kinds(verify_now()) == {"checkpoint_unreadable"}


SHIPPING = """
import sys, django
from pathlib import Path
django.setup()
from audit.anchors import AnchorFile
AnchorFile(Path(sys.argv[1])).append(sys.argv[2])
"""


def test_signed_state_reaches_the_log_of_another_machine(checkpoints: Path, tmp_path: Path) -> None:
    """Over syslog, as the product itself sets it up: whole, as it stands in the file."""
    write(3)
    seal_now()
    [line] = AnchorFile(checkpoints).lines()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(300)
        more = {
            "DJANGO_SETTINGS_MODULE": "cencomm.settings",
            "CENCOMM_AUDIT_SYSLOG": f"127.0.0.1:{receiver.getsockname()[1]}",
        }
        command = [sys.executable, "-c", SHIPPING, str(tmp_path / "shipped.jsonl"), line.note]
        subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=True)
        told = receiver.recv(65_536).decode().strip("\0\n ")
    assert base64.b64decode(told.rpartition(" ")[2]).decode() == line.note


def test_declared_restore_begins_a_log_of_another_name(checkpoints: Path) -> None:
    write(4)
    seal_now()
    write(3)
    seal_now()
    go_back_to(4)
    AnchorFile(checkpoints).declare_restored(4)
    write(1)
    assert seal_now() == 1
    report = verify_now()
    assert report.is_sound
    assert len(report.notices) == 1
    names = [line.checkpoint.origin for line in AnchorFile(checkpoints).lines() if line.checkpoint]
    assert names == [audit_trail.signer(1).name] * 2 + [audit_trail.signer(2).name]
    assert len(set(names)) == 2


def test_leaf_is_the_entry_to_the_letter() -> None:
    actor, group = uuid4(), uuid4()
    audit.record_now(
        audit.Action.MESSAGE_POSTED, actor=actor, group=group, subject="message:1", kind="note", count=2
    )
    seal_now()
    entry, leaf = Entry.objects.get(), Leaf.objects.get()
    text = json.dumps(
        {
            "action": "message:message:posted", "actor": str(actor),
            "at": entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "details": {"count": 2, "kind": "note"}, "group": str(group), "id": entry.pk, "subject": "message:1",
            "transaction": str(entry.transaction),
        },
        separators=(",", ":"),
    )  # fmt: skip
    assert bytes(leaf.hash) == leaf_hash(text.encode())
