"""The whole matrix role × page, read from the URL map and the rights table: no group-scoped page without a gate.

A page of any app whose address carries `group_id` must have been made by `member_view`, which leaves its right on
the view. Every role and every stranger is tried on every one of them, by GET and by an empty POST.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Officer
from groups.access import RIGHTS, Right
from groups.models import ClosedUserGroup, Role
from tests.groups.conftest import BY_ROLE, STRANGERS

Person = Callable[[str], Officer]
NOTHING = UUID("00000000-0000-4000-8000-000000000000")
NO_SUCH_METHOD = 405  # said of any group alike, before the gate
# Fillers of the other parts of an address: valid in form, naming nothing.
OTHERS: dict[str, Any] = {"country": "GH", "kind": "seizure", "mode": "simplified"}


def patterns(resolver: URLResolver, above: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern, set[str]]]:
    """Yield (name, pattern, names of its parts) of every page below a resolver, the API left out."""
    for entry in resolver.url_patterns:
        namespaces = above
        if isinstance(entry, URLResolver):
            if entry.namespace:
                namespaces = (*above, entry.namespace)
            if entry.app_name != "ninja" and namespaces[:1] != ("api",):
                yield from patterns(entry, namespaces)
        else:
            yield ":".join((*above, entry.name or "?")), entry, set(entry.pattern.converters)


def group_pages() -> dict[str, tuple[URLPattern, set[str]]]:
    return {name: (pattern, parts) for name, pattern, parts in patterns(get_resolver()) if "group_id" in parts}


def right_of(pattern: URLPattern) -> Right | None:
    return getattr(pattern.callback, "right", None)


def address(name: str, group: UUID) -> str:
    _pattern, parts = group_pages()[name]
    fillers = {
        part: OTHERS.get(part, uuid4() if part.endswith("_id") else 1) for part in parts if part != "group_id"
    }
    return reverse(name, kwargs={"group_id": group, **fillers})


def test_the_map_is_read() -> None:
    assert {"groups:members", "groups:phases", "groups:settings", "groups:add_member"} <= set(group_pages())
    assert "groups:mine" not in group_pages()


def test_every_page_of_a_group_has_a_gate() -> None:
    bare = sorted(name for name, (pattern, _parts) in group_pages().items() if right_of(pattern) is None)
    assert bare == []


def test_every_page_of_a_group_has_a_name() -> None:
    assert [name for name in group_pages() if name.endswith("?")] == []


@pytest.mark.parametrize("role", BY_ROLE)
def test_what_a_role_may_open(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: Role
) -> None:
    """Without the right it is 403 by every method there is; with it the page answers in its own way, never 403.

    Empty posts change nothing: whatever ends or moves something asks for a confirmation.
    """
    sign_in(client, person(role))
    client.raise_request_exception = False
    wrong = []
    for name, (pattern, _parts) in group_pages().items():
        right = right_of(pattern)
        got = {getattr(client, method)(address(name, group.pk)).status_code for method in ("get", "post")}
        allowed = right in RIGHTS[role]
        fits = max(got) < 500 and 403 not in got if allowed else 403 in got and got <= {403, NO_SUCH_METHOD}
        if not fits:
            wrong.append((name, str(right), got))
    assert wrong == []


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_is_told_what_is_told_of_a_group_that_never_was(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, name: str
) -> None:
    sign_in(client, person(name))
    wrong = []
    for page in group_pages():
        there = [getattr(client, method)(address(page, group.pk)).status_code for method in ("get", "post")]
        nowhere = [getattr(client, method)(address(page, NOTHING)).status_code for method in ("get", "post")]
        if there != nowhere or 404 not in there or not set(there) <= {404, NO_SUCH_METHOD}:
            wrong.append((page, there, nowhere))
    assert wrong == []


def test_nobody_who_is_not_signed_in_gets_past_the_door(client: Client, group: ClosedUserGroup) -> None:
    wrong = [page for page in group_pages() if client.get(address(page, group.pk)).status_code != 302]
    assert wrong == []


def group_operations() -> Iterator[tuple[str, str]]:
    """Yield (method, path) of every operation of the API that names a group in its path."""
    from cencomm.api import api

    for path, item in api.get_openapi_schema()["paths"].items():
        if "{group_id}" in path:
            for method in item:
                yield method, path


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_over_the_api(group: ClosedUserGroup, person: Person, token_for: Any, name: str) -> None:
    """With a body that does not fit it may be 422 before the gate, but then for every group alike."""
    client = Client(headers={"authorization": f"Bearer {token_for(person(name))}"})
    wrong = []
    for method, path in group_operations():
        answers = []
        for group_id in (group.pk, NOTHING):
            filled = path.replace("{group_id}", str(group_id))
            answers.append(client.generic(method.upper(), filled, b"{}", content_type="application/json"))
        there, nowhere = answers
        told = (there.status_code, there.content.replace(str(group.pk).encode(), str(NOTHING).encode()))
        if there.status_code not in {404, 422} or told != (nowhere.status_code, nowhere.content):
            wrong.append((method, path, there.status_code, nowhere.status_code))
    assert wrong == []


def test_the_api_names_groups_in_some_paths() -> None:
    assert ("get", "/api/v1/groups/{group_id}") in set(group_operations())
