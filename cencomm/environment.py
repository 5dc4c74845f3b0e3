"""Makes `.venv` from the hashed requirements, and repeats that only when they changed.

Run by `bin/cencomm` with whatever Python it found, before any package is there: standard library only, and
nothing of this repository may be imported. Exit code 0 means that the environment is ready.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / ".cencomm"
KINDS = ("base", "dev")
CANNOT = 69  # EX_UNAVAILABLE: something outside is missing


def requirements(kind: str) -> Path:
    """Return the file of pinned, hashed requirements: `base` to run, `dev` to test."""
    return ROOT / "requirements" / f"{kind}.txt"


def wanted_stamp(kind: str) -> str:
    """Return what the stamp of a current environment says: it changes with the requirements and nothing else."""
    return hashlib.sha256(requirements("build").read_bytes() + requirements(kind).read_bytes()).hexdigest()


def is_current(kind: str) -> bool:
    """Whether the environment holds these requirements; `dev` holds those of `base` as well."""
    if not (VENV / "bin" / "python").exists():
        return False
    for candidate in {kind, "dev"}:
        stamp = STAMPS / candidate
        if stamp.exists() and stamp.read_text().strip() == wanted_stamp(candidate):
            return True
    return False


def say(text: str) -> None:
    """Tell the person who waits, on the error stream: the command's own output stays clean."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def make_venv() -> bool:
    """Make the environment's folder unless a usable one is there; say what is wrong and return False otherwise."""
    python = VENV / "bin" / "python"
    check = "import sys, pip; sys.exit(sys.version_info < (3, 12))"
    if python.exists() and subprocess.run([python, "-I", "-c", check], capture_output=True).returncode == 0:  # noqa: S603, PLW1510
        return True
    version = ".".join(map(str, sys.version_info[:3]))
    say(f"Making CENcomm's environment with Python {version} in {VENV} …")
    made = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        say((made.stderr or made.stdout).strip()[-1500:])
        say(f"CENcomm: the environment could not be made in {VENV}. Is the folder writable, the disk full?")
        return False
    return True


def install(kind: str) -> bool:
    """Install the hashed requirements with pip, showing how far it is; on failure show pip's last words."""
    file = requirements(kind)
    total = len(re.findall(r"^[A-Za-z0-9._-]+(?:\[[^]]*\])?==", file.read_text(), re.MULTILINE))
    say(f"Installing {total} pinned packages (requirements/{file.name}); the first time takes a minute …")
    started, last = time.monotonic(), deque[str](maxlen=25)
    # A package that comes as source only is built with pinned tools as well, not with whatever is newest.
    if not (run_pip(requirements("build"), total=0, last=last) and run_pip(file, total=total, last=last)):
        say("\n".join(last))
        say(
            "CENcomm: the packages could not be installed (pip's last words are above). "
            "Check the network and the free disk space, then run the same command again."
        )
        return False
    say(f"Environment ready ({time.monotonic() - started:.0f} s).")
    return True


def run_pip(file: Path, *, total: int, last: deque[str]) -> bool:
    """Install one file of requirements; keep pip's last words in `last`, show how many of `total` it found."""
    command = [
        str(VENV / "bin" / "python"), "-I", "-m", "pip", "install", "--require-hashes", "--no-build-isolation",
        "--no-input", "--disable-pip-version-check", "--no-compile", "--progress-bar", "off", "-r", str(file),
    ]  # fmt: skip
    environment = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    seen = 0
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as pip:
        for line in pip.stdout or ():
            last.append(line.rstrip())
            if not total:
                continue
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                seen += 1
                show_progress(f"  {seen} of {total} found", every=seen % 20 == 0)
            elif line.startswith("Installing collected packages"):
                show_progress("  all found, unpacking …", every=True)
    show_progress("", every=False)
    return pip.returncode == 0


def show_progress(text: str, *, every: bool) -> None:
    """Rewrite one line on a terminal; elsewhere write a line only now and then."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
    elif every:
        say(text)


def ensure(kind: str) -> int:
    """Bring the environment up to date, alone: a second start waits for the first."""
    if is_current(kind):
        return 0
    lock = os.open(ROOT / "requirements", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another start is preparing the environment; waiting for it …")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if is_current(kind):
            return 0
        if not (make_venv() and install(kind)):
            return CANNOT
        STAMPS.mkdir(exist_ok=True)
        (STAMPS / kind).write_text(wanted_stamp(kind) + "\n")
        return 0
    finally:
        os.close(lock)


def main(arguments: list[str]) -> int:
    """Ensure the environment of the kind that the launcher names."""
    kind = arguments[0] if arguments else "base"
    if kind not in KINDS:
        say(f"environment.py: {kind} is none of {', '.join(KINDS)}")
        return 64
    try:
        return ensure(kind)
    except OSError as error:
        say(f"CENcomm: the environment could not be prepared: {error.strerror} ({error.filename}).")
        return CANNOT
    except KeyboardInterrupt:
        say("\nStopped while preparing the environment; the next start goes on from here.")
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
