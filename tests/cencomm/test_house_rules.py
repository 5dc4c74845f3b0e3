"""Rules that no linter knows: nothing inline in pages, no text turned into markup, no address of ours in files."""

from __future__ import annotations

import re
import shutil
import subprocess
from enum import StrEnum
from pathlib import Path

import pytest

from audit.actions import Action
from groups.access import Right

ROOT = Path(__file__).resolve().parents[2]
GIT = shutil.which("git")


def tracked() -> list[Path]:
    """Every file of the repository, without what others wrote."""
    assert GIT
    listed = subprocess.run([GIT, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    names = [name for name in listed.decode().split("\0") if name and not name.startswith("static/vendor/")]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def lines_with(pattern: str, files: list[Path]) -> list[str]:
    """Return `file:line` of each line that the pattern is found in."""
    expression = re.compile(pattern, re.IGNORECASE)
    found = []
    for file in files:
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            if expression.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}")
    return found


def own_scripts() -> list[Path]:
    return [file for file in sorted((ROOT / "static").rglob("*.*js")) if "vendor" not in file.parts]


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


needs_git = pytest.mark.skipif(GIT is None or not (ROOT / ".git").exists(), reason="not a git repository")


@needs_git
@pytest.mark.parametrize(
    "pattern",
    [
        "py" + r"pi\.org",
        "python" + "hosted",
        "registry" + r"\.npm",
        r"(deb|security)\." + r"debian\.org",
        r"(^|[\s\"'=:(])/(work|root|opt/py)" + "/",
        "tmp/" + "team",
    ],
)
def test_no_file_names_a_registry_or_a_machine(pattern: str) -> None:
    assert lines_with(pattern, tracked()) == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"\.(inner|outer)HTML\b",
        r"\binsertAdjacentHTML\b",
        r"\bdocument\.write",
        r"\beval\(",
        r"\bnew Function\(",
        r"\bset(Timeout|Interval)\(\s*[\"'`]",
        r"\blocalStorage\b.*\b(body|content|text)\b",
    ],
)
def test_no_script_turns_text_into_markup_or_code(pattern: str) -> None:
    assert own_scripts()
    assert lines_with(pattern, own_scripts()) == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"\son(click|change|submit|load|input|key\w+|focus|blur|error|mouse\w+)\s*=",
        r"\sstyle\s*=",
        r"<style\b",
        r"javascript:",
        r"<script(?![^>]*\bsrc=)(?![^>]*application/json)",
        r"\bautoescape off\b",
        r"(src|href)=\"https?://",
    ],
)
def test_no_template_has_anything_inline_or_from_elsewhere(pattern: str) -> None:
    assert templates()
    assert lines_with(pattern, templates()) == []


@needs_git
@pytest.mark.parametrize("names", [Right, Action])
def test_every_right_and_every_audited_act_is_used(names: type[StrEnum]) -> None:
    """A table does not promise what no code asks for."""
    told = {"groups/access.py", "audit/actions.py", "audit/wording.py"}
    own = [
        file
        for file in tracked()
        if file.suffix == ".py"
        and file.relative_to(ROOT).parts[0] not in {"tests", "benchmarks"}
        and file.relative_to(ROOT).as_posix() not in told
    ]
    used = "\n".join(file.read_text() for file in own)
    assert [one.name for one in names if not re.search(rf"\b{names.__name__}\.{one.name}\b", used)] == []


@needs_git
def test_no_module_is_a_grab_bag() -> None:
    named = [
        f for f in tracked() if f.suffix == ".py" and f.stem in {"utils", "helpers", "signals", "admin", "common"}
    ]
    assert named == []


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not on this machine")
@pytest.mark.parametrize("script", own_scripts(), ids=lambda script: str(script.relative_to(ROOT / "static")))
def test_script_is_a_module_without_mistakes(script: Path) -> None:
    with script.open("rb") as source:
        command = ["node", "--input-type=module", "--check"]
        done = subprocess.run(command, stdin=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not (ROOT / "bin" / "refresh-vendor").exists(), reason="no vendored files")
def test_vendored_files_are_those_of_the_manifest() -> None:
    done = subprocess.run([ROOT / "bin" / "refresh-vendor", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
