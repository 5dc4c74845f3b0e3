"""`bin/cencomm test`: the tests, Python's and the browser's own, and what the machine needs for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What tests need beyond Python packages: a program's name, and the Debian package that brings it.
PROGRAMS = {
    "chromium": "chromium",
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "softhsm2-util": "softhsm2",
}


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

    Arguments go to pytest; with arguments, only pytest runs: somebody asked for something in particular.
    """
    install_missing()
    from cencomm.translations import compile_translations

    compile_translations()
    mine = ("CENCOMM_DATA", "DATABASE_URL", "CEN_DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    environment |= {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "cencomm.settings"}
    python = [sys.executable, "-P", "-m", "pytest", *arguments]
    code = subprocess.run(python, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603
    if code or arguments:
        return code
    scripts = sorted(str(file) for file in (ROOT / "tests" / "js").glob("**/*.test.*js"))
    if not scripts:
        return code
    node = shutil.which("node")
    if node is None:
        print("Node.js is not on this machine: the tests of the pages' scripts are skipped.", flush=True)
        return code
    return subprocess.run([node, "--test", *scripts], cwd=ROOT, check=False).returncode  # noqa: S603
