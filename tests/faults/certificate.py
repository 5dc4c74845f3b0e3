"""A certificate for the loopback address, made anew for each site, so that Redis is spoken to over TLS."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """It vouches for itself: `file` is also what a client trusts."""

    file: Path
    key: Path

    @property
    def redis_settings(self) -> list[str]:
        """What a redis-server needs beside its port."""
        return [
            "--tls-cert-file", str(self.file), "--tls-key-file", str(self.key),
            "--tls-ca-cert-file", str(self.file), "--tls-auth-clients", "no",
        ]  # fmt: skip


def make_certificate(folder: Path, name: str = "redis") -> Certificate | str:
    """Make one that is valid for a day; return it, or why there is none."""
    if not shutil.which("openssl"):
        return "openssl is not on this machine"
    if not _redis_speaks_tls():
        return "redis-server was built without TLS"
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-days", "1", "-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"]
    where = ["-keyout", str(made.key), "-out", str(made.file)]
    done = subprocess.run([*command, *named, *where], capture_output=True, text=True, check=False)
    return made if done.returncode == 0 else f"openssl: {done.stderr.strip()[-200:]}"


def _redis_speaks_tls() -> bool:
    """It reads its settings in their order, and names the first that it does not know."""
    command = [shutil.which("redis-server") or "redis-server", "--tls-port", "0", "--no-such-setting", "0"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return "no-such-setting" in said.stdout + said.stderr
