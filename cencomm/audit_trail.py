"""The audit trail of this installation: whose key signs its tree, where its checkpoints go, who seals it.

Brings `audit` (the tree) and `vault` (the key) together, which do not know each other. The sealer runs as a thread
of the worker, about once a second. What must not live here: the tree itself, the command line.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from django.conf import settings
from django.db import connection

from audit.anchors import AnchorFile
from audit.checkpoints import Checkpoint
from audit.sealing import AT_ONCE, TrailBroken, seal_entries
from audit.verification import Report, verify_trail
from vault import NoteBroken, NoteSigner, VerifierKey, keystore, opened_note

logger = logging.getLogger("cencomm.audit")
PURPOSE = "cencomm-audit"
SECONDS = 1.0
LONGEST_PAUSE = 60.0


def anchors() -> AnchorFile:
    """Return the file of checkpoints, as the settings place it."""
    return AnchorFile(Path(settings.CENCOMM_AUDIT_CHECKPOINTS))


def signer(generation: int) -> NoteSigner:
    """Return what signs the tree: another after each declared restore, for a log never goes back."""
    return keystore().note_signer(PURPOSE, generation, make=True)


def sign_state(generation: int, size: int, root: bytes) -> str:
    """Return the signed checkpoint of a tree."""
    one = signer(generation)
    return one.sign(Checkpoint(one.name, size, root).body)


def verifier_keys(generations: int) -> list[VerifierKey]:
    """Return the public keys of this log and of those before it, oldest first."""
    return [signer(number).verifier_key for number in range(1, generations + 1)]


def seal_now(known: AnchorFile | None = None) -> int:
    """Seal everything that can be sealed now; return how many entries. Raises TrailBroken.

    What is written meanwhile is for the next time: a busy site would be sealed, and signed, ten times a second.
    """
    known = known or anchors()
    count, step = 0, AT_ONCE
    while step == AT_ONCE:
        count += (step := seal_entries(sign=sign_state, anchors=known))
    return count


def verify_now(further: list[AnchorFile] | None = None) -> Report:
    """Verify the trail against its own file of checkpoints, and copies of it that others kept."""
    own = anchors()
    keys = {key.name: key for key in verifier_keys(own.generation)}

    def is_signed(note: str) -> bool:
        key = keys.get(note.partition("\n")[0])
        try:
            return key is not None and bool(opened_note(note, key))
        except NoteBroken:
            return False

    restores = own.restores
    kept = [min(restores[number:], default=None) for number in range(own.generation)]
    return verify_trail(
        shipped=(line for one in [own, *(further or [])] for line in one.lines()),
        is_signed=is_signed,
        logs=dict(zip(keys, kept, strict=True)),
    )


class Sealer(threading.Thread):
    """Seals about once a second until it is stopped; what fails is tried again, less and less often."""

    def __init__(self) -> None:
        super().__init__(name="audit-sealer", daemon=True)
        self._stopping = threading.Event()
        self._anchors = anchors()

    def run(self) -> None:
        """Work until `stop`."""
        pause, told = SECONDS, ""
        while not self._stopping.wait(pause):
            try:
                seal_now(self._anchors)
            except TrailBroken as broken:
                if str(broken) != told:
                    logger.critical("the audit trail is not what was signed, sealing stops: %s", broken)
                pause, told = LONGEST_PAUSE, str(broken)
            except Exception as error:  # noqa: BLE001
                logger.error("the audit trail cannot be sealed now: %s", type(error).__name__)
                connection.close()
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                pause, told = SECONDS, ""

    def stop(self) -> None:
        """Seal what is left, and end."""
        self._stopping.set()
        self.join(timeout=10)
