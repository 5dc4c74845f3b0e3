"""A witness cosigns what continues the log it knows, and nothing else; anybody checks the proof of one entry."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

import audit
from audit.models import Entry
from audit.queries import proof_of, witness_request
from cencomm import audit_trail
from cencomm.cli import main
from cencomm.witness import Witness, WitnessRefused
from vault import keystore, signers_of

pytestmark = pytest.mark.django_db(transaction=True)
AT = 1_700_000_000


@pytest.fixture(autouse=True)
def _checkpoints(tmp_path: Path, settings: object) -> None:
    settings.CENCOMM_AUDIT_CHECKPOINTS = tmp_path / "checkpoints.jsonl"  # type: ignore[attr-defined]
    keystore().platform_sealer(make=True)


@pytest.fixture
def key() -> str:
    return str(audit_trail.signer(1).verifier_key)


def grow(count: int) -> None:
    for _ in range(count):
        audit.record_now(audit.Action.OFFICER_SIGNED_IN, actor=None)
    audit_trail.seal_now()


def request(since: int) -> str:
    return witness_request(since) or pytest.fail("no request")


def test_witness_cosigns_a_log_as_it_grows(tmp_path: Path, key: str) -> None:
    witness = Witness(tmp_path / "witness", name="witness.example")
    grow(3)
    witness.cosign(request(0), key=key, at=AT)
    grow(4)
    note = Witness(tmp_path / "witness", name=None).cosign(request(3), key=None, at=AT)
    keys = [audit_trail.signer(1).verifier_key, witness.verifier_key]
    assert signers_of(note, keys) == keys
    assert (tmp_path / "witness" / "witness.key").stat().st_mode & 0o777 == 0o600


def test_witness_refuses_a_log_whose_past_was_changed(tmp_path: Path, key: str) -> None:
    witness = Witness(tmp_path / "witness", name="witness.example")
    grow(3)
    witness.cosign(request(0), key=key, at=AT)
    with connection.cursor() as cursor:  # all of it written anew, and signed by the right key
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("TRUNCATE audit_leaf, audit_node, audit_checkpoint")
        cursor.execute("UPDATE audit_entry SET actor = gen_random_uuid()")
        cursor.execute("SET session_replication_role = DEFAULT")
    audit_trail.anchors()._path.unlink()
    grow(2)
    with pytest.raises(WitnessRefused, match="past was changed"):
        witness.cosign(request(3), key=None, at=AT)


def test_witness_refuses_an_unknown_log_without_key_another_key_and_an_old_position(
    tmp_path: Path, key: str
) -> None:
    witness = Witness(tmp_path / "witness", name="witness.example")
    grow(2)
    with pytest.raises(WitnessRefused, match="does not know"):
        witness.cosign(request(0), key=None, at=AT)
    with pytest.raises(WitnessRefused, match="not signed"):
        witness.cosign(request(0), key=str(audit_trail.signer(2).verifier_key), at=AT)
    witness.cosign(request(0), key=key, at=AT)
    with pytest.raises(WitnessRefused, match="another key"):
        witness.cosign(request(2), key=str(audit_trail.signer(2).verifier_key), at=AT)
    grow(1)
    with pytest.raises(WitnessRefused, match="--since 2"):
        witness.cosign(request(0), key=None, at=AT)
    with pytest.raises(WitnessRefused, match="no request"):
        witness.cosign("nonsense", key=None, at=AT)


def test_witness_needs_a_name_once_and_keeps_it(tmp_path: Path) -> None:
    with pytest.raises(WitnessRefused, match="needs a name"):
        Witness(tmp_path / "witness", name=None)
    Witness(tmp_path / "witness", name="witness.example")
    with pytest.raises(WitnessRefused, match=r"called witness\.example"):
        Witness(tmp_path / "witness", name="other.example")


def test_proof_of_an_entry_is_checked_by_the_command(
    tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    grow(5)
    number = Entry.objects.order_by("id").values_list("id", flat=True)[2]
    file = tmp_path / "proof.txt"
    text = proof_of(number) or pytest.fail("no proof")
    file.write_text(text)
    assert main(["audit", "proof", str(file), "--key", key]) == 0
    assert "place 2 of the 5 entries" in capsys.readouterr().out
    file.write_text(text.replace("index 2", "index 3"))
    assert main(["audit", "proof", str(file), "--key", key]) == 2
    assert main(["audit", "proof", str(file), "--key", str(audit_trail.signer(2).verifier_key)]) == 2


def test_entry_that_is_not_sealed_has_no_proof() -> None:
    grow(1)
    audit.record_now(audit.Action.OFFICER_SIGNED_IN, actor=None)
    assert proof_of(Entry.objects.order_by("-id").values_list("id", flat=True)[0]) is None
