"""Every address of the product, read from the URL map, with something in each part of it. No test lives here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver

_PART = re.compile(r"<(?:\w+:)?(\w+)>|\{(?:\w+:)?(\w+)\}")
NOTHING = UUID("00000000-0000-4000-8000-000000000000")
WORDS = {"country": "GH", "kind": "seizure", "mode": "simplified", "reference": "CEN-2026-1", "secret": "s" * 43}


def patterns(resolver: URLResolver | None = None, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, route) of every address, those of the API with it."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            yield from patterns(one, above + _route(one))
        elif isinstance(one, URLPattern):
            yield str(one.name or ""), above + _route(one)


def _route(one: URLPattern | URLResolver) -> str:
    return str(getattr(one.pattern, "_route", ""))


def addresses(values: Mapping[str, Any] = {}, *, word: str = "") -> list[str]:
    """Return every address once, its parts filled by name: from `values`, with what fits, or with `word`."""

    def fill(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if word and (name in WORDS or name not in values):
            return word
        fallback = WORDS.get(name, NOTHING if name.endswith("_id") else 1)
        return str(values.get(name, fallback))

    return sorted({"/" + _PART.sub(fill, route) for _name, route in patterns()})
