"""The key store as web processes and workers have it: another process holds the keys, this one asks.

What was opened is kept as everywhere (`vault.sealers`), so an agent that is away is missed only by what opens anew.
What must not live here: files of keys.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from vault.agent.wire import MAX_GROUPS, BadFrame, decoded, encoded, packed, receive_by
from vault.at_hand import require_asking
from vault.errors import (
    KeyAgentAway,
    KeyDestroyed,
    KeyServiceAway,
    KeyStoreUnavailable,
    RootKeyFixed,
    SealBroken,
    TooManyOpenings,
)
from vault.notes import NoteSigner
from vault.sealers import SealerCache
from vault.sealing import Sealer, SealingKeys

SIGNAL = "destroyed"  # beside the socket; the agent touches it when a key is destroyed
PLATFORM = UUID(int=0)
LINES = 4  # connections of one process
ANSWER_SECONDS = 5.0  # for a connection, the question and the whole answer together
ROTATION_SECONDS = 600.0
PATIENCE_SECONDS = 3.0  # an agent that is started again is there within less
REST_SECONDS = 0.5  # one that stays away is asked again after so long
_REFUSALS = {
    kind.code: kind
    for kind in (KeyDestroyed, KeyServiceAway, KeyStoreUnavailable, RootKeyFixed, SealBroken, TooManyOpenings)
}


class AgentLine:
    """Asks one agent, from any thread of any process; connections are opened as they are needed."""

    def __init__(self, place: Path) -> None:
        self._place = str(place)
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._idle: list[socket.socket] = []
        self._slots = threading.BoundedSemaphore(LINES)
        self._away_until = 0.0
        self.was_reached = False

    @property
    def is_away(self) -> bool:
        """Whether the last question found nobody."""
        return self._away_until > 0

    def ask(self, do: str, *, seconds: float = ANSWER_SECONDS, **words: Any) -> dict[str, Any]:
        """Return the agent's answer. Raises KeyAgentAway, KeyNotAtHand, and what it refuses with.

        Every act may be asked twice: a question whose answer was lost is asked again of whoever took the place.
        """
        require_asking()
        if self._process != os.getpid():
            self._begin()  # after a fork the parent's connections are the parent's
        if time.monotonic() < self._away_until:
            raise KeyAgentAway
        until = time.monotonic() + (0.0 if self.is_away else PATIENCE_SECONDS)
        question = packed({"do": do, **words})
        while True:
            try:
                answer = self._ask_once(question, seconds)
                break
            except (OSError, BadFrame):
                if time.monotonic() >= until:
                    self._away_until = time.monotonic() + REST_SECONDS
                    raise KeyAgentAway from None
            time.sleep(0.05)
        self._away_until, self.was_reached = 0.0, True
        if refused := answer.get("refused"):
            raise _REFUSALS.get(str(refused), KeyStoreUnavailable)
        return answer

    def _ask_once(self, question: bytes, seconds: float) -> dict[str, Any]:
        until = time.monotonic() + seconds
        with self._connected(until) as line:
            line.settimeout(_left(until))
            line.sendall(question)
            return receive_by(line, until)

    @contextmanager
    def _connected(self, until: float) -> Iterator[socket.socket]:
        slots, idle = self._slots, self._idle
        if not slots.acquire(timeout=_left(until)):
            raise TimeoutError
        try:
            line = _one_of(idle) or self._connect(until)
            try:
                yield line
            except BaseException:
                line.close()
                raise
            idle.append(line)
        finally:
            slots.release()

    def _connect(self, until: float) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            line.settimeout(_left(until))
            line.connect(self._place)
        except BaseException:
            line.close()
            raise
        return line


def _left(until: float) -> float:
    """Return the seconds until then. Raises TimeoutError where there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _one_of(idle: list[socket.socket]) -> socket.socket | None:
    """Return a connection that the agent has not closed meanwhile."""
    while True:
        try:
            line = idle.pop()
        except IndexError:
            return None
        line.setblocking(False)
        try:
            line.recv(1)
        except BlockingIOError:
            return line
        except OSError:
            pass
        line.close()  # closed, or it says something that nobody asked for


class AgentKeyStore(SealerCache):
    """What `vault.keystore.KeyStore` is, with the keys in another process. Safe to share between threads."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self._line = AgentLine(place)
        self._signal = place.parent / SIGNAL
        self._looked: int | None = None
        self._signers: dict[tuple[str, int], NoteSigner] = {}

    @property
    def was_reached(self) -> bool:
        """Whether this process has ever had an answer of the agent."""
        return self._line.was_reached

    @property
    def where(self) -> str:
        """Where the root key lies, for operators."""
        return str(self.state().get("root", "a place that this agent does not tell"))  # an older one, in a restart

    def create_group_key(self, group_id: UUID) -> None:
        """Have the group's key made; one that exists stays. Raises KeyDestroyed, TooManyOpenings, KeyAgentAway."""
        self._line.ask("create", group=group_id.hex)

    def destroy_group_key(self, group_id: UUID) -> None:
        """Have the group's key destroyed for good, and let go of it here; other processes do within a second."""
        self._line.ask("destroy", group=group_id.hex)
        self._forget(group_id)

    def has_group_key(self, group_id: UUID) -> bool:
        """Whether the group's key exists and was not destroyed."""
        return bool(self._line.ask("has", group=group_id.hex)["has"])

    def new_epoch_key(self, group_id: UUID, epoch: int) -> bytes:
        """Return a fresh epoch key, wrapped by the group's key, to be stored in the database."""
        return _bytes(self._line.ask("new_epoch", group=group_id.hex, epoch=epoch), "wrapped")

    def group_sealer(self, group_id: UUID, epoch: int, wrapped: bytes | memoryview) -> Sealer:
        """Return what seals and opens under an epoch key.

        Raises KeyDestroyed, SealBroken, KeyAgentAway (never for what is open), TooManyOpenings.
        """
        self._watch()
        given = bytes(wrapped)
        known = self._cached(group_id, epoch, given)
        if known is not None:
            return known
        answer = self._line.ask("open", group=group_id.hex, epoch=epoch, wrapped=encoded(given))
        return self._opened(answer, group_id, epoch, given)

    def platform_sealer(self, *, make: bool = False) -> Sealer:
        """Return what seals the secrets that belong to no group. Only who seals has its key made."""
        self._watch()
        known = self._cached(PLATFORM, 0, b"")
        if known is not None:
            return known
        return self._opened(self._line.ask("platform", make=make), PLATFORM, 0, b"")

    def note_signer(self, purpose: str, generation: int = 1, *, make: bool = False) -> NoteSigner:
        """Return what signs for this installation; the agent holds the seed and gives signatures."""
        known = self._signers.get((purpose, generation))
        if known is not None:
            return known
        answer = self._line.ask("signer", purpose=purpose, generation=generation, make=make)

        def sign(text: bytes) -> bytes:
            told = self._line.ask("sign", purpose=purpose, generation=generation, text=text.decode())
            return _bytes(told, "signature")

        signer = NoteSigner.elsewhere(str(answer["name"]), _bytes(answer, "public"), sign)
        self._signers[purpose, generation] = signer
        return signer

    def check(self) -> None:
        """Raise KeyAgentAway, or KeyStoreUnavailable where the agent cannot read root key or folder."""
        self._line.ask("check")

    def rotate_root_key(self) -> tuple[bytes, int]:
        """Have the root key replaced; return its id and how many keys were wrapped anew."""
        answer = self._line.ask("rotate", seconds=ROTATION_SECONDS)
        return bytes.fromhex(answer["root"]), int(answer["count"])

    def root_keys(self) -> dict[bytes, int]:
        """Return the ids of the root keys, each with how many keys it wraps."""
        return {bytes.fromhex(name): int(count) for name, count in self._line.ask("roots")["roots"].items()}

    def state(self) -> dict[str, Any]:
        """Return what the agent counts, `root`: where the root key lies, `apart`: whether another user runs it."""
        return self._line.ask("state")

    def _opened(self, answer: dict[str, Any], group_id: UUID, epoch: int, wrapped: bytes) -> Sealer:
        keys = SealingKeys(_bytes(answer, "seal"), _bytes(answer, "digest"))
        sealer = self._remember(Sealer(keys, group_id=group_id, epoch=epoch), wrapped)
        if self._signalled() != self._looked:  # destroyed between the answer and now, perhaps
            self._look()
        return sealer

    def _look(self) -> None:
        now = self._signalled()
        if now == self._looked:
            return
        with suppress(KeyStoreUnavailable):
            for group_id in self._gone(self._held() - {PLATFORM}):
                self._forget(group_id)
            self._looked = now

    def _gone(self, groups: Iterable[UUID]) -> Iterator[UUID]:
        names = [group_id.hex for group_id in groups]
        for start in range(0, len(names), MAX_GROUPS):
            for name in self._line.ask("gone", groups=names[start : start + MAX_GROUPS])["groups"]:
                yield UUID(hex=name)

    def _signalled(self) -> int | None:
        """Return a number that is another one after each destruction."""
        try:
            return os.stat(self._signal).st_size
        except OSError:
            return None

    def __repr__(self) -> str:
        return "<AgentKeyStore>"


def _bytes(answer: dict[str, Any], name: str) -> bytes:
    try:
        return decoded(answer.get(name))
    except BadFrame:
        raise KeyStoreUnavailable from None
