"""What the manual lists, held against what there is: data by table, risky components, dangerous modules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.apps import apps

from accounts.actions.tokens import USUAL_LIFE
from groups.keys import EPOCH_LIFE
from tests.cencomm.test_dangerous_calls import imported, sources

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"sealed", "secret", "confidential", "shared", "technical"}
DANGEROUS = {"bz2", "ctypes", "gzip", "lzma", "mmap", "PIL", "pi_heif", "python_calamine", "subprocess", "tarfile"}
DANGEROUS |= {"xml", "zipfile", "zlib"}


def rows(page: str, heading: str = "") -> list[list[str]]:
    """Return the cells of the tables below a heading of a page, without their first rows."""
    text = (ROOT / "docs" / page).read_text()
    if heading:
        _, found, text = text.partition(f"\n## {heading}\n")
        assert found, heading
        text = text.partition("\n## ")[0]
    return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|") and "---" not in line]


def test_every_table_has_its_level_of_protection() -> None:
    told = {name: cells[1] for cells in rows("data.md") for name in re.findall(r"`(\w+\.\w+)`", cells[0])}
    named = [name for cells in rows("data.md") for name in re.findall(r"`(\w+\.\w+)`", cells[0])]
    assert len(named) == len(set(named))
    models = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert set(told) == {label for label in models if not label.startswith("tests.")}
    for name, level in told.items():
        assert set(re.findall(r"\w+", level)) & LEVELS, name
    described = {found for cells in rows("data.md") for found in re.findall(r"^ \*\*(\w+)\*\* $", cells[0])}
    assert described == LEVELS


def test_every_sealed_field_lies_in_a_table_that_is_said_to_be_sealed() -> None:
    """A column that holds sealed bytes of a group is in a row of the level that says how they are protected."""
    told = {name: cells[1] for cells in rows("data.md") for name in re.findall(r"`(\w+\.\w+)`", cells[0])}
    sealed = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.name.startswith("sealed") and model._meta.app_label in {"messaging", "exports", "groups"}
    }
    assert sealed, "no table has a sealed column any more"
    assert {name for name in sealed if not re.search("sealed|secret", told[name])} == set()


def test_every_risky_component_is_one_that_we_ship() -> None:
    parts = json.loads((ROOT / "docs" / "sbom.cdx.json").read_text())["components"]
    told = {
        name
        for cells in rows("components.md", "Which deserve care")
        for name in re.findall(r"`([\w.-]+)`", cells[0])
    }
    assert len(told) > 10
    assert told <= {part["name"] for part in parts}


def test_every_dangerous_module_is_named_and_no_other() -> None:
    told = {
        name
        for cells in rows("components.md", "Where our code is dangerous")
        for name in re.findall(r"`([\w/]+\.py)`", cells[0])
    }
    assert told == {file for file, tree in sources().items() if imported(tree) & DANGEROUS}


def test_times_to_mend_are_written() -> None:
    """Each kind of fault has two times, and who is installed is never asked to wait longer than for the release."""
    times = [
        [int(found[0]) for cell in cells[1:3] if (found := re.findall(r"(\d+) days", cell))]
        for cells in rows("components.md", "How soon")
        if re.search(r"CVSS|faults? ", cells[0])
    ]
    assert [pair for pair in times if len(pair) == 2] == [[2, 3], [7, 14], [30, 60]]


# Which row of "When to replace what" says when each secret of an installation is replaced.
REPLACED = {
    "secret-key": "secret key",
    "metrics-token": "metrics token",
    "postgres-password": "databases",
    "owner-password": "databases",
    "application-password": "databases",
    "cen-owner-password": "databases",
    "cen-application-password": "databases",
    "owner-database-url": "databases",
    "database-url": "databases",
    "cen-owner-database-url": "databases",
    "cen-database-url": "databases",
    "redis-url": "Redis",
    "redis-configuration": "Redis",
    "certificate.pem": "certificate of the site",
    "certificate-key.pem": "certificate of the site",
}
# And those that are made elsewhere: by the product, by an HSM, a key service, a store, a witness.
MADE_ELSEWHERE = {
    "root key", "key service: secret id", "HSM: PIN", "group's epochs", "S3 store: access key",
    "tokens of programs", "witness's key",
}  # fmt: skip


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
def test_every_secret_has_its_time(tmp_path: Path) -> None:
    made = tmp_path / "secrets"
    subprocess.run([ROOT / "deploy" / "make-secrets", made], check=True, capture_output=True)
    assert {file.name for file in made.iterdir()} == set(REPLACED)
    text = (ROOT / "docs" / "operations.md").read_text().partition("\n### When to replace what\n")[2]
    table = [line.strip("|").split("|") for line in text.partition("\n## ")[0].splitlines() if line[:1] == "|"][2:]
    every = {cells[0].strip(): cells[1].strip() for cells in table}
    assert {name.partition(":")[0] for name in every if name not in MADE_ELSEWHERE} == set(REPLACED.values())
    assert set(every) >= MADE_ELSEWHERE
    assert all(every.values())
    assert every["group's epochs"] == f"{EPOCH_LIFE.days} days"
    assert every["tokens of programs"].startswith(f"{USUAL_LIFE.days} days")
