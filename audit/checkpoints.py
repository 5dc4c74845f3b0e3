"""What is said of the tree to the world: checkpoints, proofs and requests to witnesses, as text. Pure.

Sources: C2SP tlog-checkpoint, tlog-proof and tlog-witness. Signatures are another's: a checkpoint is the body of a
signed note. What must not live here: keys, the database.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

from audit.merkle import HASH_BYTES

_PROOF_HEAD = "c2sp.org/tlog-proof@v1"


class NotACheckpoint(Exception):
    """A text is no checkpoint, proof or request: it lacks its lines, or they are out of form."""


class Checkpoint(NamedTuple):
    """The state of a log: its name, how many leaves it has, the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Proof(NamedTuple):
    """That one entry stands in the log: its bytes, its place, the path to the root of a signed checkpoint."""

    leaf: bytes
    position: int
    path: list[bytes]
    note: str


class WitnessRequest(NamedTuple):
    """What a witness is asked: to cosign a checkpoint, with the proof that it begins with an older one."""

    old_size: int
    proof: list[bytes]
    note: str


def read_checkpoint(body: str) -> Checkpoint:
    """Return what a checkpoint says; lines after the third are left alone. Raises NotACheckpoint."""
    lines = body.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise NotACheckpoint
    return Checkpoint(lines[0], _number(lines[1]), _hash(lines[2]))


def written_proof(proof: Proof) -> str:
    """Return a proof as text; the entry's own bytes travel in its `extra` line."""
    hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof.path)
    extra = base64.b64encode(proof.leaf).decode()
    return f"{_PROOF_HEAD}\nextra {extra}\nindex {proof.position}\n{hashes}\n{proof.note}"


def read_proof(text: str) -> Proof:
    """Return the proof that a text holds. Raises NotACheckpoint."""
    head, middle, note = text.partition("\n\n")
    lines = head.split("\n")
    if not middle or len(lines) < 3 or lines[0] != _PROOF_HEAD:
        raise NotACheckpoint
    extra, index = lines[1].split(" "), lines[2].split(" ")
    if len(extra) != 2 or len(index) != 2 or extra[0] != "extra" or index[0] != "index":
        raise NotACheckpoint
    return Proof(_decoded(extra[1]), _number(index[1]), [_hash(line) for line in lines[3:]], note)


def written_request(old_size: int, proof: Sequence[bytes], note: str) -> str:
    """Return a request to a witness as text."""
    hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
    return f"old {old_size}\n{hashes}\n{note}"


def read_request(text: str) -> WitnessRequest:
    """Return the request that a text holds. Raises NotACheckpoint."""
    head, middle, note = text.partition("\n\n")
    lines = head.split("\n")
    if not middle or not lines[0].startswith("old "):
        raise NotACheckpoint
    return WitnessRequest(_number(lines[0].removeprefix("old ")), [_hash(line) for line in lines[1:]], note)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or (text != "0" and text.startswith("0")):
        raise NotACheckpoint
    return int(text)


def _hash(text: str) -> bytes:
    data = _decoded(text)
    if len(data) != HASH_BYTES:
        raise NotACheckpoint
    return data


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotACheckpoint from None
