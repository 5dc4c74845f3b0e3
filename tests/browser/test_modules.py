"""The browser's modules, tested by node (tests/js/), and the vendored files against their checksums."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed here")
def test_modules_of_the_browser() -> None:
    tests = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    assert tests
    ran = subprocess.run(
        ["node", "--test", *tests],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]


def test_vendored_files_are_unchanged() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "refresh-vendor"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_every_vendored_package_names_its_licence_and_ships_it() -> None:
    manifest = json.loads((ROOT / "static" / "vendor" / "manifest.json").read_text())
    assert {package["name"] for package in manifest} >= {"@tabler/core", "htmx.org", "echarts", "world-atlas"}
    folders = {Path(name).parts[0] for package in manifest for name in package["files"]}
    for package in manifest:
        assert package["licence"]
    for folder in folders:
        assert (ROOT / "static" / "vendor" / folder / "LICENSE").exists(), folder
