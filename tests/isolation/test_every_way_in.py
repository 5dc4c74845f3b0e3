"""Nothing is forgotten: each page, operation and verb has an entry that says what it needs, and none is stale."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.isolation.asking import Asker, ask_page
from tests.isolation.entries import Administrator, Entry, Member
from tests.isolation.entries_api import OPERATIONS, VERBS
from tests.isolation.entries_pages import PAGES
from tests.isolation.routes import PAGE_METHODS, operations_of_api, pages, verbs_of_socket
from tests.isolation.world import HERE, World, own

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

METHODS = (*PAGE_METHODS, "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# There is nothing at the API's own address, whatever the method.
ANY_METHOD = {"api:api-root"}


def test_every_page_has_an_entry() -> None:
    missing = sorted(set(pages()) - {name for _method, name in PAGES})
    assert not missing, (
        f"{missing}: new pages. Add an Entry for each of their methods to PAGES in"
        " tests/isolation/entries_pages.py: the gate (member(Right.…), own, administrator, anybody), which kinds of"
        " objects the address names, what a valid call sends; a new kind of object also to world.py there."
    )


def test_every_operation_has_an_entry() -> None:
    missing = sorted(set(operations_of_api()) - set(OPERATIONS))
    assert not missing, (
        f"{missing}: new operations. Add an Entry for each to OPERATIONS in tests/isolation/entries_api.py: the"
        " right and the scope that it needs, which kinds of objects it names, what a valid call sends; a new kind"
        " of object also to tests/isolation/world.py."
    )


def test_every_verb_of_the_socket_has_an_entry() -> None:
    missing = sorted(set(verbs_of_socket()) - set(VERBS))
    assert not missing, (
        f"{missing}: new verbs of the socket. Add an Entry for each to VERBS in tests/isolation/entries_api.py,"
        " and to DONE in tests/isolation/test_sockets.py what answers it."
    )


def test_no_entry_is_stale() -> None:
    gone = {name for _method, name in PAGES} - set(pages())
    assert (gone, set(OPERATIONS) - set(operations_of_api()), set(VERBS) - set(verbs_of_socket())) == (
        set(),
        set(),
        set(),
    )


def test_gate_of_a_page_is_the_one_in_its_entry() -> None:
    """What the view was made with and what stands in the entry are two independent statements."""
    found = pages()
    differing = [
        (method, name)
        for (method, name), entries in PAGES.items()
        for entry in entries
        if getattr(found[name].pattern.callback, "right", None)
        != (entry.gate.right if isinstance(entry.gate, Member) else None)
    ]
    assert differing == []


def test_page_of_a_group_has_the_gate_of_a_group() -> None:
    found = pages()
    bare = [
        name
        for (_method, name), entries in PAGES.items()
        if "group_id" in found[name].parts and not all(isinstance(entry.gate, Member) for entry in entries)
    ]
    assert bare == []


def test_method_without_an_entry_is_refused(world: World, by_session: Callable[[str], Asker]) -> None:
    """A page that takes a new method needs an entry for it: until then that method must answer 405."""
    answered = []
    for name, page in pages().items():
        [entry, *_] = next(PAGES[method, name] for method in METHODS if (method, name) in PAGES)
        asker = by_session("padma" if isinstance(entry.gate, Administrator) else "amina")
        bare = Entry(entry.gate, objects=entry.objects)
        for method in METHODS:
            if (method, name) not in PAGES and name not in ANY_METHOD:
                answer = ask_page(asker, method, page, bare, own(world, HERE), keep=False)
                if answer.status != 405:
                    answered.append((method, name, answer.status))
    assert answered == []
