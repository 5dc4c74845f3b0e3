"""`bin/cencomm test`: the tests, Python's and the browser's own, and what the machine needs for them."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from cencomm.orphans import die_with_parent

ROOT = Path(__file__).resolve().parent.parent
# What tests need beyond Python packages: a program's name, and the Debian package that brings it.
PROGRAMS = {
    "chromium": "chromium",
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "softhsm2-util": "softhsm2",
}
# All tests run in two halves side by side, each in an order that never changes: these folders, and all others. Both
# take about as long. Whatever drives browsers, measures or breaks things is in one half, so one after the other.
FIRST_HALF = (
    "accounts",
    "benchmarks",
    "browser",
    "cen",
    "exports",
    "faults",
    "isolation",
    "journeys",
    "realdata",
    "upgrade",
)
LOOK_SECONDS = 0.5  # between looks whether a half has ended that says nothing


def missing_programs() -> list[str]:
    """Return which programs the tests would be skipped without."""
    path = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def install_missing() -> None:
    """Install them where that is this process's to do: root on a Debian. Otherwise say what is skipped."""
    missing = missing_programs()
    if not missing:
        return
    names = ", ".join(missing)
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or shutil.which("apt-get") is None:
        print(f"Not on this machine: {names}. The tests that need them are skipped.", flush=True)
        return
    packages = [PROGRAMS[name] for name in missing]
    print(f"Installing for the tests: {' '.join(packages)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for command in (install, ["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0 and command is install:
            return
    print(f"They could not be installed; the tests that need them are skipped.\n{done.stderr[-800:]}", flush=True)


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest, then Node's test runner where Node is; return the first exit code that is not 0.

    Arguments go to pytest, and then only one pytest runs: somebody asked for something in particular.
    """
    install_missing()
    from cencomm.translations import compile_translations

    compile_translations()
    mine = ("CENCOMM_DATA", "DATABASE_URL", "CEN_DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    environment |= {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "cencomm.settings"}
    pytest = [sys.executable, "-P", "-m", "pytest"]
    if arguments:
        return subprocess.run([*pytest, *arguments], cwd=ROOT, env=environment, check=False).returncode  # noqa: S603
    first = [f"tests/{name}" for name in FIRST_HALF]
    code = side_by_side([[*pytest, *first], [*pytest, *(f"--ignore={name}" for name in first)]], environment)
    if code:
        return code
    scripts = sorted(str(file) for file in (ROOT / "tests" / "js").glob("**/*.test.*js"))
    if not scripts:
        return code
    node = shutil.which("node")
    if node is None:
        print("Node.js is not on this machine: the tests of the pages' scripts are skipped.", flush=True)
        return code
    return subprocess.run([node, "--test", *scripts], cwd=ROOT, check=False).returncode  # noqa: S603


def side_by_side(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> int:
    """Run them at the same time, print each line behind its command's number, and at the end once more what failed.

    Return the first exit code that is not 0.
    """
    failed: list[str] = []
    one_at_a_time = Lock()
    started = [
        subprocess.Popen(  # noqa: S603
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
        )
        for command in commands
    ]

    def follow(number: int, process: subprocess.Popen[bytes]) -> int:
        with process:
            for line in _lines_of(process):
                with one_at_a_time:
                    print(f"{number}| {line}", flush=True)
                if line.startswith(("FAILED ", "ERROR ")):
                    failed.append(line)
        if process.returncode:
            failed.append(f"Half {number} of the tests ended with exit code {process.returncode}.")
        return process.returncode

    with ThreadPoolExecutor(len(started)) as threads:
        codes = list(threads.map(follow, range(1, len(started) + 1), started))
    for line in failed:
        print(line, flush=True)
    return next((code for code in codes if code), 0)


def _lines_of(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield what a process says until it has ended: whoever is left behind may hold its output open for ever."""
    output, rest = process.stdout, b""
    while output is not None:
        ended = process.poll() is not None
        if select.select([output], [], [], 0 if ended else LOOK_SECONDS)[0]:
            more = os.read(output.fileno(), 65536)
            *lines, rest = (rest + more).split(b"\n")
            yield from (line.decode(errors="replace").rstrip() for line in lines)
            if not more:
                break
        elif ended:
            break
    if rest:
        yield rest.decode(errors="replace").rstrip()
