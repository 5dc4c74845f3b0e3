"""What the documentation names exists: links, files, commands, refusal codes. Prose is for people to check."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from cencomm.api import api
from cencomm.cli import build_parser
from cencomm.cli_bench import BENCHMARKS
from problems import Refusal

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
PROTOCOL = ROOT / "docs" / "protocol.md"
PACKAGES = [
    *("cencomm", "accounts", "vault", "audit", "nomenclature"),
    *("groups", "simplified_forms", "messaging", "exports", "cen"),
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```", re.DOTALL)
FILE = re.compile(r"`([\w.-]+/[\w./*-]*\.(?:py|md|js|toml|css|html|conf|sh|yml|template))`")
COMMAND = re.compile(r"bin/cencomm ([a-z]+)((?: (?:--data \S+ )?[a-z][a-z_-]*)?)((?: \[?--[a-z-]+[^`\n|]*)?)")
# `| `code` | 409 | when |` in the tables of refusals, and `409 `code`` in a sentence or after a command.
ROW = re.compile(r"^\| `([a-z_]+)` \| (\d{3}) \|", re.MULTILINE)
NAMED = re.compile(r"\b([45]\d\d) `?([a-z]+_[a-z_]+)\b")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        yield one
        yield from refusals(one)


@pytest.fixture(scope="module")
def codes() -> dict[str, set[int]]:
    """Every code that the product refuses with, and its statuses."""
    for package in PACKAGES:
        folder = importlib.import_module(package)
        for module in pkgutil.walk_packages(folder.__path__, f"{package}."):
            if not re.search(r"\.(migrations|management|__main__|asgi)\b", module.name):
                importlib.import_module(module.name)
    found: dict[str, set[int]] = {}
    for refusal in refusals():
        if refusal.__module__.split(".")[0] in PACKAGES:
            found.setdefault(refusal.code, set()).add(refusal.status)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(CODE.sub("", page.read_text())):
        assert not target.startswith("/"), f"{target} is no relative link"
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(linked), f"{target} names no heading of {name_of(linked)}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page: Path) -> None:
    for named in FILE.findall(page.read_text()):
        assert list(ROOT.glob(named)), f"{named} does not exist"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_named_exists(page: Path) -> None:
    commands = subcommands(build_parser())
    for command, second, options in COMMAND.findall(page.read_text()):
        assert command in commands, f"there is no command {command}"
        word = second.split(" ")[-1]
        if command == "manage" and word:
            assert word in get_commands(), f"there is no management command {word}"
        parser = commands[command]
        if parts := subcommands(parser):
            assert word in parts, f"there is no command {command} {word}"
            parser = parts[word]
        if command not in {"manage", "test"}:
            known = {string for action in parser._actions for string in action.option_strings}
            if command == "bench" and word:
                assert word in BENCHMARKS, f"there is no benchmark {word}"
                known |= options_of_benchmark(word)
            unknown = set(re.findall(r"--[a-z-]+", options)) - known
            assert not unknown, f"{command} takes no {unknown}"


def options_of_benchmark(name: str) -> set[str]:
    """Return the options that a benchmark reads, and those that it shares with others."""
    folder = ROOT / "benchmarks"
    sources = [ROOT / f"{BENCHMARKS[name][0].replace('.', '/')}.py", folder / "peers" / "starting.py"]
    text = "".join(source.read_text() for source in [*sources, *(folder / "live").glob("*.py")])
    return set(re.findall(r'"(--[a-z-]+)"', text))


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(action.choices)
    return found


def test_every_command_is_in_the_manual() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for command in subcommands(build_parser()):
        assert re.search(rf"(bin/cencomm|python -m cencomm|cencomm) {command}\b|`{command}\b", text), command


def test_every_refusal_stands_in_the_protocol(codes: dict[str, set[int]]) -> None:
    documented = {(code, int(status)) for code, status in ROW.findall(PROTOCOL.read_text())}
    product = {(code, status) for code, statuses in codes.items() for status in statuses}
    assert product - documented == set(), "not in the tables of refusals"
    assert documented - product == set(), "in the tables, but nothing refuses so"


def test_every_endpoint_stands_in_the_protocol() -> None:
    row = r"^\| `(GET|HEAD|PUT|POST|PATCH|DELETE) (/[\w/{}.…]*)` \|"
    rows = re.findall(row, PROTOCOL.read_text(), re.MULTILINE)
    paths = api.get_openapi_schema(path_prefix="")["paths"]
    served = {(method.upper(), re.sub(r"{\w+}", "{id}", path)) for path, ways in paths.items() for method in ways}
    assert set(rows) == served


def test_every_variable_of_the_manual_is_read_somewhere() -> None:
    names = set(re.findall(r"\bC(?:ENCOMM|EN)_[A-Z_]+\b", (ROOT / "docs" / "operations.md").read_text()))
    assert len(names) > 10
    sources = [*(ROOT / "cencomm").rglob("*.py"), ROOT / "docker-compose.yml", ROOT / "bin" / "cencomm"]
    sources += [file for file in (ROOT / "deploy").rglob("*") if file.is_file() and "secrets" not in file.parts]
    text = "".join(file.read_text() for file in sources)
    assert [name for name in sorted(names) if name not in text] == []


def test_refusals_in_sentences_are_real(codes: dict[str, set[int]]) -> None:
    named = NAMED.findall(PROTOCOL.read_text())
    assert len(named) > 3
    for status, code in named:
        assert int(status) in codes.get(code, set()), f"{status} {code}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_machine_or_a_registry(page: Path) -> None:
    text = page.read_text()
    for pattern in (r"/(work|root|home/\w+)/", r"/tm" + r"p/\w", "py" + r"pi\.", r"registry\.", r"\blocalhost:\d"):
        assert not re.search(pattern, text), pattern


def test_the_index_leads_to_every_page() -> None:
    reached, waiting = set(), [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in LINK.findall(page.read_text()):
            linked = (page.parent / target.partition("#")[0]).resolve()
            if linked.suffix == ".md" and linked.exists():
                waiting.append(linked)
    assert {name_of(page) for page in (ROOT / "docs").rglob("*.md")} <= {name_of(page) for page in reached}
