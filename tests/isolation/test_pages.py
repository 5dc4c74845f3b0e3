"""Everybody × every page × objects of one's own group, of another, of none: as the rights table says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.isolation.asking import Answer, Asker, ask_page
from tests.isolation.conftest import EVERYBODY
from tests.isolation.entries import Administrator, Anybody, Entry, Member
from tests.isolation.entries_pages import PAGES
from tests.isolation.judging import (
    faults_of_administrator_entry,
    faults_of_member_entry,
    faults_of_open_entry,
    too_much,
)
from tests.isolation.routes import Page, pages
from tests.isolation.world import HERE, THERE, Pick, World, fingerprint, nowhere, own

pytestmark = pytest.mark.django_db(databases=["default", "cen"])


def faults(world: World, name: str, entry: Entry, ask: Callable[[Entry, Pick, bool], Answer]) -> Iterator[str]:
    """Say what is wrong with the answers that somebody gets here."""
    match entry.gate:
        case Member():
            yield from faults_of_member_entry(world, name, entry, ask)
        case Administrator():
            yield from faults_of_administrator_entry(world, name, entry, ask)
        case Anybody():
            return
        case _:
            yield from faults_of_open_entry(world, name, entry, ask)


def asking(asker: Asker, method: str, page: Page) -> Callable[[Entry, Pick, bool], Answer]:
    """Return a function that asks for this page."""
    return lambda entry, pick, keep: ask_page(asker, method, page, entry, pick, keep=keep)


@pytest.mark.parametrize("name", EVERYBODY)
def test_pages_answer_as_the_rights_table_says(world: World, by_session: Callable[[str], Asker], name: str) -> None:
    asker, found, before = by_session(name), pages(), fingerprint()
    wrong = [
        f"{method} {page}: {fault}"
        for (method, page), entries in PAGES.items()
        for entry in entries
        for fault in faults(world, name, entry, asking(asker, method, found[page]))
    ]
    assert not wrong, "\n".join(wrong)
    assert fingerprint() == before


@pytest.mark.parametrize(("name", "door"), [("anonymous", "/sign-in/"), ("half", "/sign-in/code/")])
def test_who_has_not_signed_in_is_shown_the_door(
    world: World, by_session: Callable[[str], Asker], name: str, door: str
) -> None:
    """A password without the second factor opens no more than none; nobody learns which groups there are."""
    asker, found, before, wrong = by_session(name), pages(), fingerprint(), []
    for (method, page), entries in PAGES.items():
        for entry in entries:
            ask = asking(asker, method, found[page])
            if isinstance(entry.gate, Anybody):
                continue
            answer, missing = ask(entry, own(world, HERE), True), ask(entry, nowhere(world), True)
            location = dict(answer.headers).get("Location", "")
            if answer.told != missing.told or answer.status != 302 or location.partition("?")[0] != door:
                wrong.append((method, page, answer.status, missing.status, location))
            if answer.wrote or list(too_much(world, name, entry, answer)):
                wrong.append((method, page, answer.wrote))
    assert wrong == []
    assert fingerprint() == before


def test_open_pages_tell_nothing(world: World, by_session: Callable[[str], Asker]) -> None:
    asker, found = by_session("anonymous"), pages()
    wrong = [
        f"{method} {page}: {fault}"
        for (method, page), entries in PAGES.items()
        for entry in entries
        if isinstance(entry.gate, Anybody)
        for fault in faults_of_open_entry(world, "anonymous", entry, asking(asker, method, found[page]))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["amina", "olga", "eve", "padma", "anonymous", "half"])
def test_head_tells_what_get_tells_without_the_page(
    world: World, by_session: Callable[[str], Asker], name: str
) -> None:
    """Of one's own group, of another, of none: the same gate stands before it, and nothing more is told."""
    asker, found, before, wrong = by_session(name), pages(), fingerprint(), []
    for (method, page), entries in PAGES.items():
        for entry in entries if method == "GET" else ():
            for pick in (own(world, HERE), own(world, THERE), nowhere(world)):
                whole = ask_page(asker, "GET", found[page], entry, pick, keep=False)
                head = ask_page(asker, "HEAD", found[page], entry, pick, keep=False)
                refused = {403, 405} if whole.status < 400 else {405}  # a download asks for a factor by a page
                if head.status not in {whole.status, *refused} or list(too_much(world, name, entry, head)):
                    wrong.append((page, whole.status, head.status))
                if head.body and head.status < 400:
                    wrong.append((page, head.body[:100]))
    assert wrong == []
    assert fingerprint() == before
