"""The tree over the trail: hashes, growth, and proofs, after RFC 6962 (section 2.1) and RFC 9162. Pure.

A tree of n leaves is kept as its complete subtrees: node (level k, position p) covers the leaves p·2^k to
(p+1)·2^k − 1; level 0 are the leaves' own hashes. What must not live here: the database, signatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

type ReadNode = Callable[[int, int], bytes]  # (level, position) -> hash of that complete subtree


class Node(NamedTuple):
    """One complete subtree and its hash of 32 bytes."""

    level: int
    position: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of a zero byte and the data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of a one byte and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def parts_of(size: int) -> list[tuple[int, int]]:
    """Return (level, position) of the complete subtrees that a tree of `size` leaves is made of, largest first."""
    return [(level, (size >> level) - 1) for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]


class Frontier:
    """A tree that grows at its end: holds only the complete subtrees that its root is made of."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Begin at a tree of `size` leaves with the hashes of `parts_of(size)`."""
        if len(hashes) != size.bit_count():
            message = "one hash is needed for each complete subtree"
            raise ValueError(message)
        self.size = size
        self._parts = [Node(*place, hash_) for place, hash_ in zip(parts_of(size), hashes, strict=True)]

    def append(self, hash_: bytes) -> list[Node]:
        """Add a leaf by its hash; return the inner nodes that became complete, lowest first."""
        grown: list[Node] = []
        node = Node(0, self.size, hash_)
        while self._parts and self._parts[-1].level == node.level:
            left = self._parts.pop()
            node = Node(node.level + 1, node.position >> 1, node_hash(left.hash, node.hash))
            grown.append(node)
        self._parts.append(node)
        self.size += 1
        return grown

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self._parts:
            return EMPTY_ROOT
        root = self._parts[-1].hash
        for part in reversed(self._parts[:-1]):
            root = node_hash(part.hash, root)
        return root


def root_of(read: ReadNode, begin: int, end: int) -> bytes:
    """Return the hash of the subtree over the leaves `begin` to `end` − 1, as the tree cuts them."""
    width = end - begin
    if width == 0:
        return EMPTY_ROOT
    if width & (width - 1) == 0 and begin % width == 0:
        return read(width.bit_length() - 1, begin // width)
    middle = begin + _split(width)
    return node_hash(root_of(read, begin, middle), root_of(read, middle, end))


def inclusion_proof(read: ReadNode, position: int, size: int) -> list[bytes]:
    """Return the audit path of the leaf at `position` in a tree of `size` leaves, lowest first."""
    if not 0 <= position < size:
        message = "the leaf lies outside the tree"
        raise ValueError(message)
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if position < middle:
            path.append(root_of(read, middle, end))
            end = middle
        else:
            path.append(root_of(read, begin, middle))
            begin = middle
    return path[::-1]


def root_by_inclusion(hash_: bytes, position: int, size: int, path: Iterable[bytes]) -> bytes | None:
    """Return the root that an audit path leads to, None if it has the wrong length (RFC 9162, 2.1.3.2)."""
    if not 0 <= position < size:
        return None
    at, last, found = position, size - 1, hash_
    for other in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node_hash(other, found)
            while at & 1 == 0 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, other)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def consistency_proof(read: ReadNode, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of `new` leaves begins with the tree of `old` leaves."""
    if not 0 <= old <= new:
        message = "the older tree is the smaller one"
        raise ValueError(message)
    if old in {0, new}:
        return []
    path: list[bytes] = []
    begin, end, whole = 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(root_of(read, middle, end))
            end = middle
        else:
            path.append(root_of(read, begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append(root_of(read, begin, end))
    return path[::-1]


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the newer tree begins with the older one (RFC 9162, 2.1.4.2)."""
    if old == 0 or old >= new:
        roots_agree = old_root == (EMPTY_ROOT if old == 0 else new_root)
        return old <= new and not proof and roots_agree
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while at & 1 == 0 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, other)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(width: int) -> int:
    """Return the largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1
