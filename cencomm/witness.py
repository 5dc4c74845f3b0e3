"""A witness: remembers how far another administration's log had got, and cosigns only what continues it.

Needs no database and nobody's trust: a folder with its own key and one line for each log. Source: C2SP
tlog-witness and tlog-cosignature. What must not live here: how requests travel.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from audit.checkpoints import Checkpoint, NotACheckpoint, read_checkpoint, read_request
from audit.merkle import is_consistent
from vault import NoteBroken, NoteSigner, VerifierKey, files, opened_note
from vault.notes import COSIGNATURE


class WitnessRefused(Exception):
    """The witness does not sign; the message says why."""


class Witness:
    """One witness in one folder: `witness.key`, and `logs.json` with the newest checkpoint of each log."""

    def __init__(self, folder: Path, *, name: str | None) -> None:
        """Open the folder, or make it and a key under `name`."""
        self._folder = folder
        self._signer = self._signer_of(name)

    @property
    def verifier_key(self) -> VerifierKey:
        """What others need to check its cosignatures."""
        return self._signer.verifier_key

    def cosign(self, request_text: str, *, key: str | None, at: int) -> str:
        """Return the checkpoint with the cosignature under it. Raises WitnessRefused.

        `key` is the log's public key: needed at its first request, and never replaced afterwards.
        """
        try:
            request = read_request(request_text)
            origin = read_checkpoint(request.note.partition("\n\n")[0] + "\n").origin
        except NotACheckpoint:
            message = "This is no request to a witness."
            raise WitnessRefused(message) from None
        logs = self._logs()
        known = logs.get(origin)
        if known is None and key is None:
            message = f"{origin} is a log that this witness does not know: give its public key, got by a safe way."
            raise WitnessRefused(message)
        if known is not None and key is not None and key.strip() != known["key"]:
            message = f"{origin} is known under another key."
            raise WitnessRefused(message)
        trusted = known["key"] if known else str(key).strip()
        state = self._state(request.note, trusted)
        old = Checkpoint(origin, int(known["size"]), base64.b64decode(known["root"])) if known else None
        self._check(old, request.old_size, request.proof, state)
        logs[origin] = {"key": trusted, "size": state.size, "root": base64.b64encode(state.root).decode()}
        files.replace(
            self._folder / "logs.json", json.dumps(logs, indent=1).encode()
        )  # before it signs: it never signs both sides
        return request.note + self._signer.cosign(request.note, at=at)

    def _state(self, note: str, key: str) -> Checkpoint:
        try:
            return read_checkpoint(opened_note(note, VerifierKey.parse(key)))
        except (NoteBroken, NotACheckpoint):
            message = "The checkpoint is not signed by the key of this log."
            raise WitnessRefused(message) from None

    def _check(self, old: Checkpoint | None, old_size: int, proof: list[bytes], state: Checkpoint) -> None:
        if old is None:
            return
        if old_size != old.size:
            message = f"This witness knows the log at {old.size} entries: let it ask with --since {old.size}."
            raise WitnessRefused(message)
        if state.size < old.size or not is_consistent(old.size, old.root, state.size, state.root, proof):
            message = (
                f"The log does not continue what it was at {old.size} entries: its past was changed. Keep both."
            )
            raise WitnessRefused(message)

    def _signer_of(self, name: str | None) -> NoteSigner:
        path = self._folder / "witness.key"
        if path.exists():
            known, _, seed = path.read_text().strip().partition(" ")
            if name not in {None, known}:
                message = f"This witness is called {known}."
                raise WitnessRefused(message)
            return NoteSigner(known, base64.b64decode(seed), sort=COSIGNATURE)
        if not name:
            message = "A new witness needs a name: --name witness.example.org"
            raise WitnessRefused(message)
        seed_bytes = os.urandom(32)
        try:
            signer = NoteSigner(name, seed_bytes, sort=COSIGNATURE)
        except ValueError as error:
            raise WitnessRefused(str(error)) from None
        files.make_folder(self._folder)
        files.replace(self._folder / "witness.key", f"{name} {base64.b64encode(seed_bytes).decode()}\n".encode())
        return signer

    def _logs(self) -> dict[str, dict[str, Any]]:
        path = self._folder / "logs.json"
        return json.loads(path.read_bytes()) if path.exists() else {}
