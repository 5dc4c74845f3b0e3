"""Every way in: pages from Django's URL map, operations from the API's routers, verbs from the socket's table.

What must not live here: what any of them should answer (`entries`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from cencomm.api import api
from messaging.delivery.conversation import _VERBS

PAGE_METHODS = ("GET", "POST")
_CONVERTER = re.compile(r"\{[a-z]+:([a-z_]+)\}")


@dataclass(frozen=True)
class Page:
    """A page of the URL map: its name, and the parts of its address."""

    name: str
    route: str
    parts: frozenset[str]
    pattern: URLPattern

    def address(self, values: Mapping[str, object]) -> str:
        """Return its address with these parts; a page without a name has none."""
        if self.pattern.name is None:
            return f"/{self.route}"
        return reverse(self.name, kwargs={part: values[part] for part in self.parts})


def pages() -> dict[str, Page]:
    """Return every page by its name; of the API only what is no operation of a router."""
    return {page.name: page for page in _pages(get_resolver(), "", ())}


def _pages(resolver: URLResolver, route: str, above: tuple[str, ...]) -> Iterator[Page]:
    operations = {path.strip("/") for _method, path in operations_of_api()}
    for entry in resolver.url_patterns:
        here = str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _pages(entry, route + here, (*above, entry.namespace) if entry.namespace else above)
        elif above[:1] != ("api",) or _as_path(here) not in operations:
            name = ":".join((*above, entry.name or here))
            yield Page(name, route + here, frozenset(entry.pattern.converters), entry)


def _as_path(route: str) -> str:
    return re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", route).strip("/")


def operations_of_api() -> list[tuple[str, str]]:
    """Return method and path of every operation, whether or not the API's document shows it."""
    return [
        (method, _CONVERTER.sub(r"{\1}", path))
        for _prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    ]


def verbs_of_socket() -> list[str]:
    """Return what a client may ask over a socket."""
    return list(_VERBS)
