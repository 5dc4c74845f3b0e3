"""Signed notes open under the key that signed them, and under no other."""

import pytest

from vault import NoteBroken, NoteSigner, VerifierKey, opened_note, signers_of
from vault.notes import COSIGNATURE

# The published example of the format (C2SP signed-note, and Go's golang.org/x/mod/sumdb/note).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n"
SEED = bytes(range(32))


def test_published_note_opens() -> None:
    assert opened_note(NOTE, VerifierKey.parse(PETER)) == TEXT


def test_verifier_key_is_written_as_it_was_read() -> None:
    assert str(VerifierKey.parse(PETER)) == PETER


@pytest.mark.parametrize(
    "changed",
    [
        NOTE.replace("answer", "Answer"),
        NOTE.replace("x08go/ZJ", "x08go/ZK"),
        NOTE.replace("— PeterNeumann", "— PeterNeumonn"),
        NOTE.removesuffix("\n"),
        TEXT,
        "",
    ],
)
def test_changed_note_is_refused(changed: str) -> None:
    with pytest.raises(NoteBroken):
        opened_note(changed, VerifierKey.parse(PETER))


@pytest.mark.parametrize("text", ["", "a+b", PETER.replace("c74f20a3", "c74f20a4"), PETER + "AAAA", "x y" + PETER])
def test_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteBroken):
        VerifierKey.parse(text)


def test_signed_note_opens_with_its_own_key_only() -> None:
    signer, other = NoteSigner("log.example", SEED), NoteSigner("log.example", SEED[::-1])
    note = signer.sign("one\ntwo\n")
    assert opened_note(note, signer.verifier_key) == "one\ntwo\n"
    with pytest.raises(NoteBroken):
        opened_note(note, other.verifier_key)


def test_cosignature_stands_beside_the_signature() -> None:
    signer = NoteSigner("log.example", SEED)
    witness = NoteSigner("witness.example", SEED[::-1], sort=COSIGNATURE)
    note = signer.sign("state\n")
    both = note + witness.cosign(note, at=1_700_000_000)
    assert signers_of(both, [signer.verifier_key, witness.verifier_key]) == [
        signer.verifier_key, witness.verifier_key,
    ]  # fmt: skip
    with pytest.raises(NoteBroken):
        signers_of(both.replace("state", "State"), [witness.verifier_key])


def test_signer_tells_no_seed() -> None:
    assert repr(NoteSigner("log.example", SEED)) == "<NoteSigner log.example>"


@pytest.mark.parametrize("body", ["no end", "a\r\n", "\x00\n"])
def test_text_that_is_not_whole_lines_is_not_signed(body: str) -> None:
    with pytest.raises(ValueError, match="lines"):
        NoteSigner("log.example", SEED).sign(body)
