"""Every use of cryptography in the code is in docs/cryptography.md, and nothing else is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from groups.keys import EPOCH_LIFE, EPOCH_STEPS
from vault.backups import KEPT_SECONDS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "problems", "cencomm", "accounts", "vault", "audit", "nomenclature", "groups", "simplified_forms", "messaging",
    "exports", "cen",
)  # fmt: skip
# What hashes, seals, signs, compares secrets, draws random numbers or speaks TLS. (`uuid` names things, no secret.)
SOURCES = {
    "hashlib", "hmac", "secrets", "ssl", "random", "crypt", "cryptography", "argon2", "webauthn", "pkcs11",
    "botocore", "boto3", "django.utils.crypto", "django.core.signing", "django.contrib.auth.hashers",
    "django_otp.oath",
}  # fmt: skip
SCRIPTS = re.compile(r"\bcrypto\s*\??\.\s*(subtle|getRandomValues|randomUUID)")


def imported(file: Path) -> set[str]:
    """Which of these a module imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if isinstance(node, ast.Attribute) and node.attr == "urandom":
            found.add("os.urandom")
        found |= {name for name in names for source in SOURCES if name == source or name.startswith(f"{source}.")}
    return found


def used() -> set[str]:
    modules = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if "migrations" not in file.parts and imported(file)
    }
    scripts = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "static").rglob("*.js")
        if "vendor" not in file.parts and SCRIPTS.search(file.read_text())
    }
    return modules | scripts


def listed() -> set[str]:
    table = (ROOT / "docs" / "cryptography.md").read_text().partition("## Where")[2].partition("\n## ")[0]
    return {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }


def test_every_use_is_in_the_inventory_and_nothing_else() -> None:
    assert used() == listed()


def test_a_use_that_nobody_listed_would_be_found(tmp_path: Path) -> None:
    for text in ("import hashlib", "from hmac import digest", "from cryptography.x import y", "os.urandom(16)"):
        (tmp_path / "new.py").write_text(f"def late() -> None:\n    {text}\n")
        assert imported(tmp_path / "new.py"), text
    (tmp_path / "new.py").write_text("import json\nfrom accounts.secrets import hash_of\n")
    assert not imported(tmp_path / "new.py")
    assert SCRIPTS.search("await globalThis.crypto?.subtle.digest()")


PHASES = [
    "before use", "in use", "how long", "renewed", "backup", "archived", "destroyed", "compromised",
    "who answers for it",
]  # fmt: skip


def table_below(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its first two rows."""
    text = (ROOT / "docs" / "cryptography.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_life_of_every_key_is_written() -> None:
    """Each phase of SP 800-57, who makes, holds and ends each key; the numbers are those of the code."""
    life = dict(table_below("How keys live"))
    assert list(life) == PHASES
    assert all(life.values())
    assert f"seal {EPOCH_LIFE.days} days at most (2²⁸ records)" in life["how long"]
    assert EPOCH_STEPS < 2**28
    assert f"{KEPT_SECONDS // 86400} days" in life["backup"]
    keys = table_below("Keys")
    assert len(keys) > 10
    assert [cells[0] for cells in keys if len(cells) != 6 or not all(cells)] == []
    named = " ".join(cells[0] for cells in keys)
    for kind in ("root key", "group key", "epoch key", "file key", "platform's key", "signing key", "secret key"):
        assert kind in named, kind
