"""What the tests of messaging share: forms in force, drafts, members by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Officer
from groups.models import ClosedUserGroup, GroupCountry, Membership, Role
from messaging import limits, redis_wakeups
from messaging.actions import Parcel, Posted, post_message, said_by
from messaging.drafts import Draft
from messaging.models import Event
from simplified_forms.actions import create_starting_templates
from tests.cast import membership_of
from tests.cencomm.ports import PATIENCE

# A day of the operation of the cast, whenever the tests run and whatever midnight passes.
DAY = datetime.now(UTC).date() - timedelta(days=1)
BODIES: dict[str, dict[str, Any]] = {
    "note": {"text": "The lantern is lit."},
    "warning": {"target": "CTN", "requested_action": ["INS"], "text": "Container from Lagos, look inside."},
    "feedback": {"outcome": "NTH"},
    "request": {"question": "Who has seen this seal?"},
    "reply": {"answer": "Nobody here."},
    "nil": {"day": DAY.isoformat()},
    "sitrep": {"day": DAY.isoformat(), "narrative": "Quiet night."},
    "bulletin": {"modus_operandi": "Inside frozen fish."},
    "administrative": {"text": "Shift changes at six."},
}


@pytest.fixture(autouse=True)
def _fresh_pace() -> Iterator[None]:
    """Nobody's posts count against another test."""
    limits._pace.cache_clear()
    yield
    limits._pace.cache_clear()


@pytest.fixture
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may send again meanwhile, however long the test takes."""
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: 1000.0))


@pytest.fixture
def room(group: ClosedUserGroup) -> ClosedUserGroup:
    """The operation of the cast, with its forms in force and an empty stream."""
    create_starting_templates(group)
    Event.objects.filter(group=group).delete()
    ClosedUserGroup.objects.filter(pk=group.pk).update(head=0)
    group.refresh_from_db()
    return group


@pytest.fixture
def member(room: ClosedUserGroup) -> Callable[[Officer], Membership]:
    """A present member of the operation, as the gate gives it."""
    return lambda officer: membership_of(officer, room)


def draft(
    kind: str = "note", *, id: UUID | None = None, body: dict[str, Any] | None = None, **values: Any
) -> Draft:
    """Return a draft that can be sent."""
    return Draft(id=id or uuid4(), kind=kind, body=body if body is not None else BODIES[kind], **values)


def parcel(officer: Officer, group_id: UUID, kind: str = "note", **values: Any) -> Parcel:
    """A draft on its way, of an officer who has only been signed in."""
    one = draft(kind, **values)
    return Parcel(officer=officer, group_id=group_id, draft=one, said=said_by(one), language="en")


def seizure_body(**values: Any) -> dict[str, Any]:
    """Return a complete simplified seizure."""
    return {
        "date": DAY.isoformat(),
        "country": "GH",
        "conveyance": "SEA",
        "commodity": "DRG.tramadol",
        "quantity": {"value": "1240", "unit": "H87"},
        "departure_country": "IN",
        "destination_country": "NE",
        **values,
    }


@pytest.fixture
def post(member: Callable[[Officer], Membership]) -> Callable[..., Posted]:
    """Send a message of an officer into the operation, through the ordinary action."""

    def post(officer: Officer, kind: str = "note", **values: Any) -> Posted:
        if kind == "seizure":
            values.setdefault("body", seizure_body())
        return post_message(member(officer), draft=draft(kind, **values))

    return post


@pytest.fixture
def api(token_for: Callable[..., str]) -> Callable[..., Client]:
    """A client that carries a token of an officer."""

    def client(officer: Officer, *scopes: str) -> Client:
        return Client(headers={"Authorization": f"Bearer {token_for(officer, *scopes)}"})

    return client


def wire(kind: str = "note", **values: Any) -> dict[str, Any]:
    """Return a message as a client sends it."""
    body = values.pop("body", None)
    if body is None:
        body = seizure_body() if kind == "seizure" else BODIES[kind]
    return {"id": str(uuid4()), "kind": kind, "subject": "", "body": body, **values}


def wait_until_somebody_waits_for_a_lock() -> None:
    """Return when a statement of another connection waits for a lock."""
    deadline = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    pytest.fail("nobody waits")


@pytest.fixture
def there(other_group: ClosedUserGroup, fatou: Officer) -> ClosedUserGroup:
    """Another operation, with its forms in force and an empty stream, where Fatou writes as well."""
    create_starting_templates(other_group)
    GroupCountry.objects.get_or_create(group=other_group, country="GH")
    Membership.objects.create(group=other_group, officer=fatou, role=Role.OFFICER, country="GH")
    Event.objects.filter(group=other_group).delete()
    ClosedUserGroup.objects.filter(pk=other_group.pk).update(head=0)
    other_group.refresh_from_db()
    return other_group


@pytest.fixture
def _redis_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that answers late because this machine is busy is not one that is away, of which these tests tell."""
    for module in (redis_wakeups, limits):
        monkeypatch.setattr(module, "ANSWER_SECONDS", PATIENCE)
