"""The agent's side of the socket: who asks is what the kernel says, what is done is counted, limited and recorded.

A thread for each connection, a bounded number of them; a question must be complete within seconds. What must not
live here: how the process gives up its rights, how keys are kept (`vault.keystore`).
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from problems import Refusal
from vault.agent.limits import Limits
from vault.agent.record import Record
from vault.agent.wire import BadFrame, Question, encoded, packed, question_of, receive
from vault.errors import KeyStoreUnavailable, TooManyOpenings
from vault.keystore import KeyStore
from vault.primitives import digest
from vault.sealing import SealingKeys

logger = logging.getLogger("cencomm.vault")
MAX_CONNECTIONS = 256
IDLE_SECONDS = 300.0  # then a connection is closed; a client that comes again opens another
FRAME_SECONDS = 5.0
PATIENCE_SECONDS = 1.0  # so long a question waits for its turn before it is refused


class Peer(NamedTuple):
    """Who is at the other end of a connection, as the kernel says (0 for a process of another container)."""

    pid: int
    uid: int
    gid: int

    @classmethod
    def of(cls, line: socket.socket) -> Peer:
        """Ask the kernel."""
        size = struct.calcsize("3i")
        return cls(*struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)))


@dataclass(slots=True)
class Counts:
    """What this agent has done since it started."""

    opened: int = 0
    refused: int = 0
    limited_at: float = 0.0


class KeyAgent:
    """Answers questions about keys with one key store."""

    def __init__(
        self,
        store: KeyStore,
        *,
        record: Record,
        limits: Limits,
        allowed: Collection[int],
        tell_destroyed: Callable[[], None],
    ) -> None:
        self._store, self._record, self._limits = store, record, limits
        self._allowed = frozenset(allowed)
        self._tell_destroyed = tell_destroyed
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._counts = Counts()
        self._acts: dict[str, Callable[[Question, Peer], dict[str, Any]]] = {
            "open": self._open,
            "platform": self._platform,
            "new_epoch": self._new_epoch,
            "create": self._create,
            "destroy": self._destroy,
            "has": lambda q, _peer: {"has": self._store.has_group_key(q.group)},
            "gone": lambda q, _peer: {"groups": [g.hex for g in q.groups if self._store.is_destroyed(g)]},
            "signer": self._signer,
            "sign": self._sign,
            "check": self._check,
            "rotate": self._rotate,
            "roots": lambda _q, _peer: {"roots": {i.hex(): n for i, n in self._store.root_keys().items()}},
            "state": self._state,
        }

    def serve(self, listener: socket.socket, stopping: threading.Event) -> None:
        """Answer whoever connects, until told to stop; what is being answered then is answered to its end."""
        listener.settimeout(0.25)
        while not stopping.is_set():
            try:
                line, _address = listener.accept()
            except TimeoutError:
                continue
            except OSError as error:  # out of descriptors, say
                logger.error("the key agent cannot accept: %s", type(error).__name__)
                time.sleep(0.25)
                continue
            if not self._slots.acquire(blocking=False):
                logger.error("the key agent has %d connections and takes no more", MAX_CONNECTIONS)
                line.close()
                continue
            threading.Thread(target=self._attend, args=(line,), daemon=True).start()

    def _attend(self, line: socket.socket) -> None:
        try:
            with line:
                peer = Peer.of(line)
                if peer.uid not in self._allowed:
                    self._note_refusal("connect", "uid", peer)
                    return
                while self._answer_next(line, peer):
                    pass
        except OSError:
            pass  # it went away, or is too slow
        finally:
            self._slots.release()

    def _answer_next(self, line: socket.socket, peer: Peer) -> bool:
        try:
            document = receive(line, idle_seconds=IDLE_SECONDS, seconds=FRAME_SECONDS)
            if document is None:
                return False
            question = question_of(document)
        except BadFrame:
            self._note_refusal("question", "bad_frame", peer)
            line.settimeout(FRAME_SECONDS)
            line.sendall(packed({"refused": "bad_frame"}))
            return False
        answer = packed(self.answer(question, peer))
        line.settimeout(FRAME_SECONDS)
        line.sendall(answer)
        return True

    def answer(self, question: Question, peer: Peer) -> dict[str, Any]:
        """Return the answer to a question; a refusal is an answer too."""
        try:
            return self._acts[question.do](question, peer)
        except Refusal as refusal:
            self._note_refusal(question.do, refusal.code, peer, group=question.group.hex)
            return {"refused": refusal.code}
        except Exception as error:  # noqa: BLE001 - the agent stays; what failed is named without what it held
            logger.error("the key agent could not %s: %s", question.do, type(error).__name__)
            return {"refused": KeyStoreUnavailable.code}

    def _open(self, question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("open", peer)
        keys = self._store.epoch_keys(question.group, question.epoch, question.wrapped)
        self._write("open", peer, group=question.group.hex, epoch=question.epoch)
        return self._handed_out(keys)

    def _platform(self, question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("open", peer)
        keys = self._store.platform_keys(make=question.make)
        self._write("platform", peer)
        return self._handed_out(keys)

    def _handed_out(self, keys: SealingKeys) -> dict[str, Any]:
        self._counts.opened += 1
        return {"seal": encoded(keys.seal), "digest": encoded(keys.digest)}

    def _new_epoch(self, question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("new_epoch", peer)
        wrapped = self._store.new_epoch_key(question.group, question.epoch)
        self._write("new-epoch", peer, group=question.group.hex, epoch=question.epoch)
        return {"wrapped": encoded(wrapped)}

    def _create(self, question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("create", peer)
        self._store.create_group_key(question.group)
        self._write("create", peer, group=question.group.hex)
        return {}

    def _destroy(self, question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("destroy", peer)
        self._write("destroy", peer, group=question.group.hex)  # before: it cannot be undone when it fails
        self._store.destroy_group_key(question.group)
        self._tell_destroyed()
        return {}

    def _signer(self, question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("sign", peer)
        signer = self._store.note_signer(question.purpose, question.generation, make=question.make)
        self._write("signer", peer, signer=signer.name)
        return {"name": signer.name, "public": encoded(signer.verifier_key.public)}

    def _sign(self, question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("sign", peer)
        signer, text = self._store.note_signer(question.purpose, question.generation), question.text.encode()
        # With its digest, each signed state of the audit trail is known here too: a fork of it would show.
        self._write("sign", peer, signer=signer.name, sha256=digest(text).hex())
        return {"signature": encoded(signer.signature(text))}

    def _check(self, _question: Question, _peer: Peer) -> dict[str, Any]:
        self._store.check()
        return {}

    def _rotate(self, _question: Question, peer: Peer) -> dict[str, Any]:
        self._wait_for_turn("rotate", peer)
        self._write("rotate", peer)
        root, count = self._store.rotate_root_key()
        return {"root": root.hex(), "count": count}

    def _state(self, _question: Question, peer: Peer) -> dict[str, Any]:
        counts = self._counts
        ago = time.monotonic() - counts.limited_at if counts.limited_at else -1.0
        return {
            "opened": counts.opened,
            "refusals": counts.refused,
            "limited_ago": ago,
            "apart": os.geteuid() != peer.uid,
            "root": self._store.where,
        }

    def _wait_for_turn(self, act: str, peer: Peer) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while wait := self._limits.ask(act, (peer.uid, peer.pid)):
            if time.monotonic() + wait > until:
                self._counts.limited_at = time.monotonic()
                raise TooManyOpenings
            time.sleep(wait)

    def _write(self, what: str, peer: Peer, **details: str | int) -> None:
        try:
            self._record.write(what, uid=peer.uid, pid=peer.pid, **details)
        except OSError:
            logger.error("the key agent cannot write its record: nothing is opened")
            raise KeyStoreUnavailable from None

    def _note_refusal(self, what: str, reason: str, peer: Peer, **details: str) -> None:
        self._counts.refused += 1
        try:
            self._record.write_refusal(what, reason, uid=peer.uid, pid=peer.pid, **details)
        except OSError:
            logger.error("the key agent cannot write its record")
