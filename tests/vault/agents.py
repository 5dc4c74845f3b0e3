"""Key agents for tests: processes as the product starts them, and one inside the test where it must be bent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cencomm.key_agent import listen
from vault.agent.client import AgentKeyStore
from vault.agent.limits import Limits, Rates
from vault.agent.record import Record
from vault.agent.server import KeyAgent
from vault.keystore import KeyStore
from vault.roots import FileRootKeys

ROOT = Path(__file__).resolve().parents[2]


class Agent:
    """A key agent as a process, on a folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder = folder
        self.socket = folder / "agent" / "keys.sock"
        self.record = folder / "keys" / "record"
        self.root_file = folder / "keys" / "root.key"
        self.log = folder / "agent.log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "CENCOMM_DATA": str(folder),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start one, and return when it is ready."""
        ready, telling = os.pipe()
        command = [sys.executable, "-P", "-m", "cencomm", "keys", "agent", "--socket", str(self.socket)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--ready", str(telling), *words],
                env=self.environment, stdout=log, stderr=log, pass_fds=(telling,), cwd="/",
            )  # fmt: skip
        os.close(telling)
        with os.fdopen(ready, "rb") as pipe:
            said = pipe.read()
        if not said:
            self.process.wait(300)
        assert said, self.log.read_text()
        return self.process

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(300)

    def client(self) -> AgentKeyStore:
        """A key store as another process of the product would have it."""
        return AgentKeyStore(self.socket)

    def lines(self) -> list[str]:
        """What was recorded."""
        return [line for file in sorted(self.record.glob("*.jsonl")) for line in file.read_text().splitlines()]


@contextmanager
def agent_within(
    folder: Path, *, rates: Rates | None = None, allowed: int | None = None, store: KeyStore | None = None
) -> Iterator[KeyAgent]:
    """Run an agent in a thread of this process, listening at `folder/keys.sock`; its key store is there, too."""
    told = folder / "destroyed"
    told.touch()

    def tell() -> None:
        with told.open("ab") as handle:
            handle.write(b".")

    agent = KeyAgent(
        store or KeyStore(roots=FileRootKeys(folder / "root.key"), folder=folder / "store"),
        record=Record(folder / "record"),
        limits=Limits(rates or Rates()),
        allowed={os.geteuid() if allowed is None else allowed},
        tell_destroyed=tell,
    )
    stopping = threading.Event()
    with listen(folder / "keys.sock", 0o600) as listener:
        serving = threading.Thread(target=agent.serve, args=(listener, stopping))
        serving.start()
        try:
            yield agent
        finally:
            stopping.set()
            serving.join()
