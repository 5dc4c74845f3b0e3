"""The tree agrees with the definition of RFC 6962, written out; proofs prove what is so, and nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    parts_of,
    root_by_inclusion,
)  # fmt: skip

LEAVES = [leaf_hash(str(number).encode()) for number in range(200)]
SIZES = st.integers(0, len(LEAVES))


def defined_root(hashes: list[bytes]) -> bytes:
    """Return the root by RFC 6962, section 2.1, to the letter."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    cut = 1
    while cut * 2 < len(hashes):
        cut *= 2
    return hashlib.sha256(b"\x01" + defined_root(hashes[:cut]) + defined_root(hashes[cut:])).digest()


def read(level: int, position: int) -> bytes:
    return defined_root(LEAVES[position << level : (position + 1) << level])


# Of the known tests of Certificate Transparency: seven leaves, and the root over them.
KNOWN = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]


@pytest.mark.parametrize(
    ("size", "root"),
    [
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_root_is_the_published_one(size: int, root: str) -> None:
    tree = Frontier()
    for leaf in KNOWN[:size]:
        tree.append(leaf_hash(bytes.fromhex(leaf)))
    assert tree.root.hex() == root


@given(SIZES)
def test_growing_tree_has_the_defined_root(size: int) -> None:
    tree = Frontier()
    for leaf in LEAVES[:size]:
        for node in tree.append(leaf):
            assert node.hash == read(node.level, node.position)
    assert tree.root == defined_root(LEAVES[:size])
    assert Frontier(size, [read(*place) for place in parts_of(size)]).root == tree.root


@given(st.data())
def test_inclusion_is_proven(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    position = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(read, position, size)
    assert root_by_inclusion(LEAVES[position], position, size, path) == defined_root(LEAVES[:size])
    assert root_by_inclusion(leaf_hash(b"other"), position, size, path) != defined_root(LEAVES[:size])
    assert root_by_inclusion(LEAVES[position], position, size, [*path, bytes(32)]) is None
    assert root_by_inclusion(LEAVES[position], size, size, path) is None


@given(SIZES, SIZES)
def test_consistency_is_proven(one: int, two: int) -> None:
    old, new = sorted((one, two))
    proof = consistency_proof(read, old, new)
    old_root, new_root = defined_root(LEAVES[:old]), defined_root(LEAVES[:new])
    assert is_consistent(old, old_root, new, new_root, proof)
    assert not is_consistent(old, old_root, new, new_root, [*proof, bytes(32)])
    if 0 < old < new:
        forked = defined_root([leaf_hash(b"forked"), *LEAVES[1:new]])
        assert not is_consistent(old, old_root, new, forked, proof)
        assert not is_consistent(old, EMPTY_ROOT, new, new_root, proof)
    assert not is_consistent(new + 1, new_root, new, new_root, [])
