"""Finds the programmes of peers, and says which version was found. Nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass


class Missing(Exception):
    """This peer is not on this machine."""


@dataclass(frozen=True)
class Started:
    """A running peer: where it listens, its first process, its version."""

    port: int
    process_id: int
    version: str


def program(variable: str, name: str) -> str:
    """Return the path of a programme: what the variable names, or what is on PATH or where servers lie."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = os.environ.get(variable) or shutil.which(name, path=places)
    if not found:
        message = f"{name} is not installed"
        raise Missing(message)
    return found


def said_by(command: list[str]) -> str:
    """Return the first line that a command prints, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next(iter((done.stdout or done.stderr).strip().splitlines()), "")


def debian_version(package: str) -> str:
    """Return the version of an installed Debian package, or nothing."""
    return said_by(["dpkg-query", "-W", "-f", "${Version}", package]) if shutil.which("dpkg-query") else ""
