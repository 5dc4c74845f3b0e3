"""Collects every sentence that a user can read from the sources, and keeps the translators' .po files in step.

What lives here: where the sentences are (calls of gettext in Python, templates and the pages' scripts; docstrings
of refusals) and what a complete translation is. What must not: a translation; those are in locale/. Babel reads and
writes all of it, so that no program beside Python is needed. Compiling is in `cencomm.translations`.

`bin/refresh-translations` writes the sentences of today into locale/*/LC_MESSAGES/*.po: new ones without
translation, gone ones dropped, order and header unchanged. With `--check` it writes nothing and fails where one is
incomplete.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract, extract_python
from babel.messages.pofile import read_po, write_po

from cencomm.translations import ROOT

PACKAGES = (
    "problems",
    "nomenclature",
    "vault",
    "audit",
    "accounts",
    "groups",
    "simplified_forms",
    "messaging",
    "exports",
    "cen",
    "cencomm",
)
DOMAINS = ("django", "djangojs")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
HEADER = r"""# Written by translators, kept in step by bin/refresh-translations. Words: docs/glossary.md.
msgid ""
msgstr ""
"Project-Id-Version: CENcomm\n"
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plurals}\n"

"""
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
TAG = re.compile(r"</?[a-z]\w*|https?://[^\s\"<]+", re.IGNORECASE)


def present_sentences(domain: str, root: Path | None = None) -> Catalog:
    """Return all sentences of the sources: `django` is Python and templates, `djangojs` the pages' scripts."""
    root = root or ROOT
    catalog = Catalog(domain=domain)
    for path in _sources(domain, root):
        where = path.relative_to(root).as_posix()
        for line, sentence, comments, context in _sentences(path):
            catalog.add(
                sentence, locations=[(where, line)], auto_comments=comments, context=context, flags=_flags(sentence)
            )
    if domain == "django":
        for where, line, docstring in _refusals(root):
            catalog.add(docstring, locations=[(where, line)])
    return catalog


def read_catalog(path: Path) -> Catalog:
    """Return what translators have written; an empty catalogue of the folder's language where there is no file."""
    language = path.parent.parent.name
    if not path.exists():
        return Catalog(locale=language, domain=path.stem, project="CENcomm", fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=language, domain=path.stem)


def refresh(path: Path, root: Path | None = None) -> Catalog:
    """Return the catalogue of this file with exactly the present sentences; no translation is guessed."""
    catalog = read_catalog(path)
    catalog.update(present_sentences(path.stem, root), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def faults(catalog: Catalog) -> list[str]:
    """Return a line for each sentence that is not translated, doubtful, or whose placeholders or tags differ."""
    return [f"{fault}: {message.id!r}" for message in catalog if message.id and (fault := _fault(message))]


def write_catalog(path: Path, catalog: Catalog) -> None:
    """Write a .po file whose differences are those of its sentences: no line numbers, no dates."""
    content = BytesIO()
    write_po(content, catalog, width=110, include_lineno=False, ignore_obsolete=True, omit_header=True)
    head = HEADER.format(language=path.parent.parent.name, plurals=catalog.plural_forms)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.encode() + content.getvalue())


def _fault(message: Message) -> str:
    ids, strings = _forms(message.id), _forms(message.string or "")
    if message.fuzzy:
        return "doubtful"
    if not all(strings):
        return "not translated"
    for pattern, what in ((PLACEHOLDER, "other placeholders"), (TAG, "other tags")):
        found = [sorted(pattern.findall(string)) for string in strings]
        wanted = [sorted(pattern.findall(text)) for text in ids]
        # A singular may speak of one thing without its number; the last form is said of all other numbers.
        if found[-1] != wanted[-1] or any(one not in wanted for one in found):
            return what
    if any((ids[-1][edge] == "\n") != (string[edge] == "\n") for string in strings for edge in (0, -1)):
        return "other line ends"
    return ""


def _forms(text: str | Sequence[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def _flags(sentence: str | tuple[str, ...]) -> tuple[str, ...]:
    return ("python-format",) if "%(" in "".join(sentence) else ()


def _sources(domain: str, root: Path) -> Iterator[Path]:
    if domain == "djangojs":
        scripts = sorted((root / "static").glob("**/*.js"))
        yield from (path for path in scripts if "vendor" not in path.relative_to(root).parts)
        return
    for package in PACKAGES:
        yield from sorted((root / package).glob("**/*.py"))
    yield from sorted(path for path in (root / "templates").glob("**/*") if path.suffix in {".html", ".txt"})


def _sentences(path: Path) -> Iterable[tuple[int, Any, list[str], str | None]]:
    method: Any = {".py": "python", ".js": "javascript"}.get(path.suffix, _extract_template)
    # Calls within `${…}` of a template string count in scripts.
    options = {"jsx": False, "parse_template_string": True}
    content = BytesIO(path.read_bytes())
    return extract(method, content, keywords=KEYWORDS, comment_tags=("Translators",), options=options)


def _extract_template(
    source: BytesIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    """Extract from a Django template: Django makes calls of its tags; brackets make them one expression."""
    from django.utils.translation.template import templatize

    calls = templatize(source.read().decode())
    return extract_python(BytesIO(f"({calls}\n)".encode()), keywords, comment_tags, options)


def _refusals(root: Path) -> list[tuple[str, int, str]]:
    """Return file, line and docstring of each refusal: `problems.Refusal.title` translates the docstring.

    Read from the sources: a class is one when it is based on a class of that name, directly or through another.
    """
    found: list[tuple[str, ast.ClassDef]] = []
    for path in _sources("django", root):
        if path.suffix == ".py":
            tree = ast.parse(path.read_bytes())
            where = path.relative_to(root).as_posix()
            found += [(where, node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names = {"Refusal"}
    while more := {node.name for _, node in found if names & set(map(_last_name, node.bases))} - names:
        names |= more
    documented = [(where, node, ast.get_docstring(node)) for where, node in found if node.name in names]
    return [(where, node.lineno, " ".join(inspect.cleandoc(doc).split())) for where, node, doc in documented if doc]


def _last_name(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh or check the catalogues of each language in locale/; return 1 when a sentence is incomplete."""
    parser = argparse.ArgumentParser(prog="bin/refresh-translations", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a sentence is incomplete")
    only_check = parser.parse_args(arguments).check
    incomplete = 0
    for folder in sorted((ROOT / "locale").glob("*/LC_MESSAGES")):
        for domain in DOMAINS:
            path = folder / f"{domain}.po"
            catalog = refresh(path)
            found = faults(catalog)
            if not only_check:
                write_catalog(path, catalog)
            incomplete += len(found)
            sys.stdout.write(f"{folder.parent.name} {domain}: {len(catalog)} sentences, {len(found)} incomplete\n")
            sys.stdout.writelines(f"  {line}\n" for line in found)
    return 1 if incomplete else 0


if __name__ == "__main__":
    raise SystemExit(main())
