"""Everybody × every operation of the API, by tokens and by sessions; each scope alone; tokens that open nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Token
from cen.actions import take_in
from cen.statistics import BY
from groups.access import Right
from tests.cast import SCOPES, token_for
from tests.isolation.asking import Answer, Asker, ask_operation
from tests.isolation.conftest import EVERYBODY
from tests.isolation.entries import Entry, Feeder, Member, Of, Owner, Verified
from tests.isolation.entries_api import NOTE, OPERATIONS, WRITE, member, message
from tests.isolation.judging import (
    allowed,
    faults_of_member_entry,
    faults_of_open_entry,
    faults_of_owner_entry,
    too_much,
)
from tests.isolation.world import (
    HERE,
    NAMED,
    SAID,
    THERE,
    Pick,
    World,
    fingerprint,
    nowhere,
    other_or_never,
    own,
)

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

# A seizure that another system delivered.
GOOD_RECORD = {
    "source_reference": "R-1", "seized_on": "2026-01-01", "country": "NG", "commodity": "DRG.cocaine",
    "quantity": "12.5", "unit": "KGM",
}  # fmt: skip

type Ask = Callable[[Entry, Pick, bool], Answer]


def asking(asker: Asker, method: str, path: str) -> Ask:
    """Return a function that asks for this operation."""
    return lambda entry, pick, keep: ask_operation(asker, method, path, entry, pick, keep=keep)


def ways() -> Iterator[tuple[str, str, Entry]]:
    """Yield every entry with its method and path."""
    for (method, path), entries in OPERATIONS.items():
        for entry in entries:
            yield method, path, entry


def faults(world: World, asker: Asker, entry: Entry, ask: Ask) -> Iterator[str]:
    """Say what is wrong with the answers that somebody gets here."""
    if isinstance(entry.gate, Member):
        yield from faults_of_member_entry(world, asker.name, entry, ask)
    elif isinstance(entry.gate, Owner):
        yield from faults_of_owner_entry(world, asker.name, entry, ask)
    elif isinstance(entry.gate, Feeder) and not asker.token:
        answer = ask(entry, own(world, HERE), True)
        if answer.status != 403 or answer.wrote:
            yield f"a session feeds CEN: {answer.status}, wrote {answer.wrote}"
    else:
        yield from faults_of_open_entry(world, asker.name, entry, ask)


def all_faults(world: World, asker: Asker) -> list[str]:
    """Return what is wrong with the whole API for somebody."""
    return [
        f"{method} {path} ({entry.scope}): {fault}"
        for method, path, entry in ways()
        for fault in faults(world, asker, entry, asking(asker, method, path))
    ]


@pytest.mark.parametrize("name", EVERYBODY)
def test_operations_answer_tokens_as_the_rights_table_says(
    world: World, by_token: Callable[..., Asker], name: str
) -> None:
    asker, before = by_token(name), fingerprint()
    wrong = all_faults(world, asker)
    assert not wrong, "\n".join(wrong)
    assert fingerprint() == before


@pytest.mark.parametrize("name", ["amina", "audrey", "eve", "padma"])
def test_operations_answer_sessions_the_same(world: World, by_session: Callable[[str], Asker], name: str) -> None:
    asker, before = by_session(name), fingerprint()
    wrong = all_faults(world, asker)
    assert not wrong, "\n".join(wrong)
    assert fingerprint() == before


@pytest.mark.parametrize("scope", SCOPES)
def test_token_does_what_its_scope_says_and_nothing_else(
    world: World, by_token: Callable[..., Asker], scope: str
) -> None:
    """A coordinator, who may do everything: without the scope it is 403, for any group alike."""
    asker, before, wrong = by_token("amina", scope), fingerprint(), []
    for method, path, entry in ways():
        ask = asking(asker, method, path)
        if entry.scope in {"", scope}:
            answer = ask(entry, own(world, HERE), False)
            if not allowed(entry, answer) and not isinstance(entry.gate, Owner):
                wrong.append((method, path, answer.status))
            continue
        answer, missing = ask(entry, own(world, HERE), True), ask(entry, nowhere(world), True)
        same = (answer.told, answer.wrote) == (missing.told, ())
        if answer.status != 403 or not same or (method != "HEAD" and "scope_missing" not in answer.body):
            wrong.append((method, path, answer.status, answer.wrote))
    assert wrong == []
    assert fingerprint() == before


@pytest.mark.parametrize("scope", ["cen:read", "cen:write"])
def test_client_system_reaches_cen_only(world: World, scope: str) -> None:
    _token, secret = accounts.create_token(client_system="feed", name="test", scopes=[scope])
    asker, wrong = Asker("feed", token=secret), []
    for method, path, entry in ways():
        answer = asking(asker, method, path)(entry, own(world, HERE), False)
        fits = entry.scope in {"", scope}
        if answer.status not in (entry.answers if fits else {403}) or (answer.wrote and not fits):
            wrong.append((method, path, answer.status, answer.wrote))
        wrong += [(method, path, fault) for fault in too_much(world, "feed", entry, answer)]
    assert wrong == []


@pytest.mark.parametrize("why", ["none", "nonsense", "revoked", "expired", "shut", "half"])
def test_who_is_not_signed_in_gets_one_answer(
    world: World, by_session: Callable[[str], Asker], by_token: Callable[..., Asker], why: str
) -> None:
    if why == "half":
        asker = by_session("half")
    else:
        token, secret = accounts.create_token(officer=world.people["amina"], name="test", scopes=SCOPES)
        tokens = Token.objects.filter(pk=token.pk)
        if why == "revoked":
            accounts.revoke_token(token.pk, officer=world.people["amina"])
        if why == "expired":
            tokens.update(expires_at=timezone.now() - timedelta(seconds=1))
        if why == "shut":
            gone = accounts.create_officer(
                email="gone@demo.invalid", name="Gone", administration=world.people["amina"].administration
            )
            tokens.update(officer=gone)
            accounts.deactivate_officer(gone.pk, actor=world.people["padma"])
            tokens.update(revoked_at=None)
        asker = Asker(why, token={"none": "", "nonsense": "cen_nonsense"}.get(why, secret))
    before, told, told_body = fingerprint(), set(), ""
    for method, path, entry in ways():
        ask = asking(asker, method, path)
        for pick in (own(world, HERE), nowhere(world)):
            answer = ask(entry, pick, True)
            told.add((*answer.told[:2], answer.body if method != "HEAD" else told_body, answer.wrote))
            told_body = answer.body or told_body
    assert len(told) == 1, told
    assert {status for status, *_more in told} == {401}
    assert fingerprint() == before


@pytest.mark.parametrize("name", ["amina", "eve", "nobody"])
def test_methods_that_an_operation_has_not_tell_nothing(
    world: World, by_token: Callable[..., Asker], name: str
) -> None:
    """One answer for what is one's own, another's, nobody's."""
    asker = Asker(name) if name == "nobody" else by_token(name)
    before, wrong = fingerprint(), []
    for path in {path for _method, path in OPERATIONS}:
        [entry, *_] = next(entries for (_method, one), entries in OPERATIONS.items() if one == path)
        bare = Entry(entry.gate, objects=entry.objects)
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            if (method, path) in OPERATIONS:
                continue
            ask = asking(asker, method, path)
            told = {(answer := ask(bare, pick, True)).told for pick in (own(world, HERE), own(world, THERE))}
            told.add(ask(bare, nowhere(world), True).told)
            if len(told) != 1 or answer.status != 405 or answer.wrote:
                wrong.append((method, path, told))
    assert wrong == []
    assert fingerprint() == before


@pytest.mark.parametrize("kind", ["upload", "officer"])
def test_what_a_message_names_and_is_not_its_authors_never_was(
    world: World, by_token: Callable[..., Asker], kind: str
) -> None:
    """Another member's file that was not sent yet; an officer of the platform who is no member."""
    asker = by_token("bruno")
    named = {"attachments": [Of(kind)]} if kind == "upload" else {"addressed_to": {"officers": [Of(kind)]}}
    entry = member(Right.POST, WRITE, send=message("note", NOTE, **named))
    ask = asking(asker, "POST", "/groups/{group_id}/messages")
    there = ask(entry, own(world, HERE), True)
    missing = ask(entry, other_or_never(world, HERE, never_was=True), True)
    assert there.status in {404, 409, 422}, there.body
    assert (there.told, there.wrote) == (missing.told, ())


def test_cen_tells_everybody_the_same_and_nothing_that_was_not_transferred(
    world: World, by_token: Callable[..., Asker]
) -> None:
    """One seizure is in CEN; those that wait in two groups count nowhere, for their own coordinator neither."""
    records = [dict(GOOD_RECORD)]
    with transaction.atomic(using="cen"):
        [receipt] = take_in(records, source="test", actor=None)
        assert receipt.outcome == "accepted", receipt
        told: dict[str, set[str]] = {}
        for name in (*EVERYBODY, "vera"):
            asker = by_token(name) if name != "vera" else Asker(name, token=token_for(world.people[name]))
            for by in BY:
                entry = Entry(Verified(), query={"by": by})
                answer = asking(asker, "GET", "/cen/statistics")(entry, own(world, HERE), False)
                assert answer.status == 200, answer.body
                assert sum(row["seizures"] for row in json.loads(answer.body)["rows"]) <= 1, (name, by, answer.body)
                told.setdefault(by, set()).add(answer.body)
            answer = asking(asker, "GET", "/cen/seizures")(Entry(Verified()), own(world, HERE), False)
            assert [one["cen_reference"] for one in json.loads(answer.body)["seizures"]] == [receipt.cen_reference]
            assert not any(word in answer.text for word in (*SAID.values(), *NAMED.values()))
        assert {by for by, bodies in told.items() if len(bodies) != 1} == set()
        assert '"seizures":1' in next(iter(told["country"]))
        transaction.set_rollback(True, using="cen")
