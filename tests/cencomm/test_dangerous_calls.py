"""What no module of the product may do with what somebody sent, looked for in all of its code.

Processes are started from lists and never by a shell; nothing reads pickles, XML or code; a pattern is made of our
own words, and none repeats what already repeats: such a one could search a text for hours.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
READ_BY_NOBODY = {"pickle", "marshal", "shelve", "dill", "xml", "lxml", "yaml", "jsonpickle", "telnetlib", "xmlrpc"}
STARTING = {"subprocess", "pty", "multiprocessing"}
# The one that works for what was sent: it looks at files in a walled child, whose command holds nothing of them.
FOR_WHAT_WAS_SENT = "messaging/attachments/walled.py"
GIVEN_TO_CHILDREN = {
    ("PROGRAM", "kind", "size", "MEMORY_BYTES", "CPU_SECONDS"),
    ("PROGRAM", "media_type", "pixels", "MEMORY_BYTES", "CPU_SECONDS"),
}
# Reads the XML of office files, piece by piece, and ends at a DOCTYPE: no entity can be declared.
READING_XML = "messaging/attachments/markup.py"
PATTERNS = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
MANY = 30  # repeated so often, it may as well have no end
# A repetition in a repetition that begins with a sign which the inner one does not take: one way to read each text.
ONE_WAY = (r"[^\W\d_]+(?:[-'’ʼ][^\W\d_]+)*", r"(?: ال\w+)*", r"(?:[A-Za-z0-9._-]+/)*")


def sources() -> dict[str, ast.Module]:
    """Return the product's modules by path."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of something in a module, as `subprocess.run`, or of a bare name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(tree: ast.AST) -> set[str]:
    """Return the packages that a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def starts(tree: ast.Module) -> bool:
    """Whether a module starts processes; one that only names their type does not."""
    by_name = any(isinstance(node, ast.ImportFrom) and node.module in STARTING for node in ast.walk(tree))
    return by_name or any(name.partition(".")[0] in STARTING for name, _call in calls(tree))


def test_processes_are_started_from_lists_and_never_by_a_shell() -> None:
    wrong, starting = [], set()
    for file, tree in sources().items():
        if starts(tree):
            starting.add(file)
        for name, call in calls(tree):
            shell = any(word.arg == "shell" for word in call.keywords)
            in_words = name.startswith("subprocess.") and call.args and isinstance(
                call.args[0], (ast.Constant, ast.JoinedStr, ast.BinOp)
            )  # fmt: skip
            if shell or in_words or name in {"os.system", "os.popen"} or "create_subprocess_shell" in name:
                wrong.append(f"{file}:{call.lineno} {name}")
    assert wrong == []
    assert {file for file in starting if not file.startswith("cencomm/")} == {FOR_WHAT_WAS_SENT}


def test_command_of_a_walled_child_holds_nothing_that_was_sent() -> None:
    """Program, kind and limits alone: the file goes through a pipe, its name nowhere."""
    [command] = [call.args[0] for name, call in calls(sources()[FOR_WHAT_WAS_SENT]) if name == "subprocess.Popen"]
    assert ast.unparse(command) == "[sys.executable, '-I', str(program), *map(str, arguments)]"
    given = {
        tuple(map(ast.unparse, call.args))
        for tree in sources().values()
        for name, call in calls(tree)
        if name.endswith("walled_child")
    }
    assert given == GIVEN_TO_CHILDREN


def test_nothing_turns_bytes_into_objects_or_code() -> None:
    wrong = []
    for file, tree in sources().items():
        refused = READ_BY_NOBODY - {"xml"} if file == READING_XML else READ_BY_NOBODY
        wrong += [f"{file}: {name}" for name in imported(tree) & refused]
        wrong += [
            f"{file}:{call.lineno} {name}" for name, call in calls(tree) if name in {"eval", "exec", "compile"}
        ]
    assert wrong == []
    attributes = {node.attr for node in ast.walk(sources()[READING_XML]) if isinstance(node, ast.Attribute)}
    assert "StartDoctypeDeclHandler" in attributes
    assert not attributes & {"ExternalEntityRefHandler", "SetParamEntityParsing", "UseForeignDTD"}


def made_while_running(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the patterns inside of functions that are no plain words."""
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for name, call in calls(function):
                made = name.startswith("re.") and name.removeprefix("re.") in PATTERNS and call.args
                if made and not isinstance(call.args[0], ast.Constant):
                    yield call


def test_no_pattern_is_made_of_what_was_sent() -> None:
    """Inside of functions only plain words; what is put together is put together once, while modules are loaded."""
    made = {(file, ast.unparse(call)) for file, tree in sources().items() for call in made_while_running(tree)}
    assert made == MADE_OF_OUR_OWN_WORDS
    lookups = [
        f"{file}:{node.lineno}"
        for file, tree in sources().items()
        if "migrations" not in file
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and (node.arg or "").endswith(("regex", "iregex"))
    ]
    assert len(lookups) == 2, lookups  # constraints of tables, by a pattern that stands there


MADE_OF_OUR_OWN_WORDS = set()


def ambiguous(pattern: Any, flags: int, *, inside: bool = False) -> bool:
    """Whether a repetition holds a repetition or a choice, so that a text may be read in ever more ways."""
    tree = parser.parse(pattern, flags) if isinstance(pattern, (str, bytes)) else pattern
    for kind, value in tree:
        parts: list[tuple[Any, bool]] = []
        match kind:
            case constants.MAX_REPEAT | constants.MIN_REPEAT:
                least, most, part = value
                many = most >= MANY and least != most
                if inside and many:
                    return True
                parts = [(part, inside or many)]
            case constants.POSSESSIVE_REPEAT:
                parts = [(value[2], False)]
            case constants.ATOMIC_GROUP:
                parts = [(value, False)]
            case constants.SUBPATTERN:
                parts = [(value[3], inside)]
            case constants.BRANCH if inside:
                return True
            case constants.BRANCH:
                parts = [(part, False) for part in value[1]]
            case constants.ASSERT | constants.ASSERT_NOT:
                parts = [(value[1], False)]
        if any(ambiguous(part, flags, inside=within) for part, within in parts):
            return True
    return False


def patterns() -> Iterator[tuple[str, str | bytes, int]]:
    """Yield every pattern of the product with its module: those made when modules are loaded, and plain words."""
    for package in PACKAGES:
        top = importlib.import_module(package)
        for found in pkgutil.walk_packages(top.__path__, f"{package}."):
            if "__main__" in found.name or ".migrations" in found.name or ".management." in found.name:
                continue
            for value in vars(importlib.import_module(found.name)).values():
                yield from ((found.name, one.pattern, one.flags) for one in _patterns_in(value))
    for file, tree in sources().items():
        for name, call in calls(tree):
            if name.startswith("re.") and call.args and isinstance(call.args[0], ast.Constant):
                yield file, call.args[0].value, 0


def _patterns_in(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _patterns_in(one, depth - 1)
    elif depth and isinstance(value, dict):
        for key, one in value.items():
            yield from _patterns_in((key, one), depth - 1)


def without_one_way(pattern: str | bytes) -> str | bytes:
    """Return a pattern without the parts that somebody has looked at."""
    for part in ONE_WAY if isinstance(pattern, str) else ():
        pattern = str(pattern).replace(part, "")
    return pattern


def test_no_pattern_repeats_what_already_repeats() -> None:
    found = set(patterns())
    assert len(found) > 100
    wrong = [
        (module, pattern)
        for module, pattern, flags in found
        if ambiguous(without_one_way(pattern), flags & ~re.UNICODE)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"(?:a|ab)*c", r"(?:\w+\s?)*!", r"(?:[a-z]{1,40}){1,}x", r"((a*)b?)*"]
)
def test_a_pattern_without_end_would_be_found(pattern: str) -> None:
    assert ambiguous(pattern, 0)


LITERAL = re.compile(
    r"(?<=[=(,:!&|?\[ ])/(?![/*])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+)/[dgimsuvy]*(?=[.,;)\s])"
)


def test_patterns_of_the_scripts_are_plain_words_too() -> None:
    found = []
    for file in sorted((ROOT / "static").rglob("*.js")):
        if "vendor" in file.parts:
            continue
        text = file.read_text()
        assert "new RegExp(" not in text, file
        for pattern in LITERAL.findall(text):
            found.append(pattern)
            assert not ambiguous(re.sub(r"\\[pP]\{\w+\}", r"\\w", pattern), 0), (file, pattern)
    assert len(found) > 15
