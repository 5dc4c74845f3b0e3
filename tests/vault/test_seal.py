"""A sealed value opens at its own place and nowhere else."""

from __future__ import annotations

import copy
import os
import pickle
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault import KeyDestroyed, Place, SealBroken, Sealer
from vault.primitives import length_prefixed

GROUP = UUID("11111111-1111-4111-8111-111111111111")
PLACE = Place("messaging.message", "content", "m1", "officer-1")
KEY = bytes(range(32))


def sealer(key: bytes = KEY, group: UUID = GROUP, epoch: int = 3) -> Sealer:
    return Sealer(key, group_id=group, epoch=epoch)


@given(plaintext=st.binary(max_size=2000), parts=st.tuples(*[st.text(max_size=30)] * 4))
def test_what_was_sealed_opens_at_its_place(plaintext: bytes, parts: tuple[str, str, str, str]) -> None:
    place = Place(*[part.encode("utf-8", "replace").decode() for part in parts])
    sealed = sealer().seal(plaintext, place)
    assert sealer().open(sealed, place) == plaintext
    assert sealer().open(memoryview(sealed), place) == plaintext


@pytest.mark.parametrize(
    "moved",
    [
        PLACE._replace(table="messaging.other"),
        PLACE._replace(field="reason"),
        PLACE._replace(record="m2"),
        PLACE._replace(sender="officer-2"),
        PLACE._replace(sender=""),
        # The same letters, shared out differently: what length prefixes are for.
        Place("messaging.messagecontent", "", "m1", "officer-1"),
        Place("messaging.message", "content", "m1officer-1", ""),
    ],
)
def test_a_value_moved_to_another_place_does_not_open(moved: Place) -> None:
    with pytest.raises(SealBroken):
        sealer().open(sealer().seal(b"text", PLACE), moved)


@pytest.mark.parametrize("other", [{"group": uuid4()}, {"epoch": 4}, {"key": bytes(32)}])
def test_a_value_moved_to_another_group_epoch_or_key_does_not_open(other: dict) -> None:
    with pytest.raises(SealBroken):
        sealer(**other).open(sealer().seal(b"text", PLACE), PLACE)


def test_one_who_opens_many_opens_what_open_does_and_nothing_else() -> None:
    one = sealer()
    open_one = one.opener(PLACE.table, PLACE.field)
    sealed = one.seal(b"text", PLACE)
    assert open_one(PLACE.record, PLACE.sender, sealed) == b"text" == one.open(sealed, PLACE)
    for record, sender, value in (
        ("m2", PLACE.sender, sealed),
        (PLACE.record, "", sealed),
        (PLACE.record + PLACE.sender[:1], PLACE.sender[1:], sealed),
        (PLACE.record, PLACE.sender, b"\x02" + sealed[1:]),
        (PLACE.record, PLACE.sender, sealed[:20]),
    ):
        with pytest.raises(SealBroken):
            open_one(record, sender, value)
    with pytest.raises(SealBroken):
        one.opener(PLACE.table, "reason")(PLACE.record, PLACE.sender, sealed)
    one.forget()
    with pytest.raises(KeyDestroyed):
        open_one(PLACE.record, PLACE.sender, sealed)


def test_no_single_changed_bit_goes_unnoticed() -> None:
    sealed = sealer().seal(b"1 240 000 tablets", PLACE)
    for position in range(len(sealed)):
        broken = bytearray(sealed)
        broken[position] ^= 1
        with pytest.raises(SealBroken):
            sealer().open(bytes(broken), PLACE)


@pytest.mark.parametrize("cut", [0, 1, 12, 28])
def test_a_shortened_value_does_not_open(cut: int) -> None:
    with pytest.raises(SealBroken):
        sealer().open(sealer().seal(b"text", PLACE)[:cut], PLACE)


def test_a_value_of_an_unknown_scheme_is_refused() -> None:
    sealed = sealer().seal(b"text", PLACE)
    assert sealed[0] == 1
    with pytest.raises(SealBroken):
        sealer().open(b"\x02" + sealed[1:], PLACE)


def test_the_same_text_never_gives_the_same_bytes() -> None:
    one = sealer()
    assert len({one.seal(b"nil", PLACE) for _ in range(1000)}) == 1000


def test_no_nonce_comes_twice_across_forks() -> None:
    """A child that inherited the parent's state must not draw the parent's nonces."""
    shared = sealer()
    shared.seal(b"warm", PLACE)
    pipes = []
    for _ in range(4):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(reader)
            with os.fdopen(writer, "wb") as out:
                out.writelines(shared.seal(b"x", PLACE)[1:13] for _ in range(2000))
            os._exit(0)
        os.close(writer)
        pipes.append(reader)
    nonces = [shared.seal(b"x", PLACE)[1:13] for _ in range(2000)]
    for reader in pipes:
        with os.fdopen(reader, "rb") as answer:
            data = answer.read()
        nonces += [data[i : i + 12] for i in range(0, len(data), 12)]
        os.wait()
    assert len(nonces) == len(set(nonces)) == 10_000


def test_a_digest_tells_same_from_other_and_needs_the_key() -> None:
    assert sealer().digest(b"a") == sealer().digest(b"a")
    assert sealer().digest(b"a") != sealer().digest(b"b")
    assert sealer().digest(b"a") != sealer(epoch=4).digest(b"a")
    assert sealer().digest(b"a") != sealer(key=bytes(32)).digest(b"a")


def test_keys_are_neither_shown_nor_serialised() -> None:
    one = sealer()
    assert repr(one) == str(one) == "<Sealer>"
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leak(one)


@given(a=st.lists(st.binary(max_size=5), max_size=4), b=st.lists(st.binary(max_size=5), max_size=4))
def test_two_lists_of_parts_never_join_to_the_same_bytes(a: list[bytes], b: list[bytes]) -> None:
    assert (length_prefixed(*a) == length_prefixed(*b)) == (a == b)
