"""The real product as a subprocess: `cencomm up` with its demo on a free port, and what it leaves behind.

No officer and no page here: those are in `officers.py`.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from cencomm.embedded import EmbeddedPostgres
from tests.cencomm.ports import PATIENCE, ask, free_port, processes_on, wait_until

# What a refusal leaves in the log, as Django writes it: no fault of the product, and no text of anybody's.
REFUSED = re.compile(
    r"WARNING (django\.request|django\.channels\.server) ((Not Found|Forbidden|Gone): |(403|404|409|410) [A-Z]+ )/"
)
# That the canary of a minute was not heard within ten seconds says how busy the machine is. One that was refused,
# or came back as something else, is a fault.
LATE = re.compile(r"cencomm\.canary the canary (does not arrive: (no_door|not_heard)|arrives again)$")
FAULTS = ("ERROR", "CRITICAL", "WARNING", "Traceback")


class Product:
    """One data folder with the demo, and the `up` that runs on it."""

    def __init__(self, path: Path) -> None:
        self.data = path / "data"
        self.home = path / "home"
        self.home.mkdir(mode=0o700)
        self.port = free_port()
        self.output = path / "output"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a newcomer's shell holds, and a heartbeat that a test can wait for."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "CENCOMM_HEARTBEAT": "5",
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "cencomm", *words, "--data", str(self.data)]

    def start(self) -> None:
        """Return when the product says that it is ready."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command("up", "--port", str(self.port)),
                env={**self.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
                cwd=self.home,
                stdout=output,
                stderr=output,
            )
        wait_until(lambda: self.is_ready() or self.process.poll() is not None, seconds=600, what=self.said())
        assert self.is_ready(), self.said()

    def is_ready(self) -> bool:
        try:
            return ask(self.port, "/health/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def said(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def code(self, email: str) -> tuple[str, bool]:
        """Return the current code of the officer's authenticator, and whether it still works."""
        done = subprocess.run(
            self.command("code", email),
            env={**self.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), "used already" not in done.stderr

    def stop(self) -> int:
        """Stop it as an init system does and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def remove(self) -> None:
        """Take everything away, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
            wait_until(lambda: not processes_on(self.data), what="everything gone")
        EmbeddedPostgres(self.data).remove()

    def faults(self) -> list[str]:
        """Every line of its logs that tells of something wrong."""
        lines = self.said().splitlines()
        for log in sorted((self.data / "logs").glob("*.log")):
            lines += log.read_text(errors="replace").splitlines()
        told = [line for line in lines if any(word in line for word in FAULTS)]
        return [line for line in told if not (REFUSED.search(line) or LATE.search(line))]
