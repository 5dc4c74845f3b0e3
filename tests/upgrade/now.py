"""Runs in the present program over what an earlier one left: reads it, goes on with it, prints it as JSON."""

from __future__ import annotations

import sys
from typing import Any
from uuid import uuid4

import django

django.setup()

import orjson  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.authenticator_keys import open_key  # noqa: E402
from accounts.models import AuthenticatorDevice, Officer  # noqa: E402
from audit.models import Entry  # noqa: E402
from cencomm.audit_trail import verify_now  # noqa: E402
from cencomm.health import missing  # noqa: E402
from exports.models import Transfer  # noqa: E402
from exports.queries import reconciliation_of, review_of  # noqa: E402
from groups.models import ClosedUserGroup, Membership  # noqa: E402
from messaging.actions import post_message  # noqa: E402
from messaging.drafts import Draft  # noqa: E402
from messaging.queries import Filters, search  # noqa: E402
from messaging.queries.events import events_after  # noqa: E402
from vault import KeyDestroyed  # noqa: E402


def membership(code: str, name: str) -> Membership:
    """Return a member as a gate gives it."""
    found = Membership.objects.select_related("group", "officer__administration")
    return found.get(group__code=code, officer__name=name, left_at__isnull=True)


def read(member: Membership) -> list[dict[str, Any]]:
    """Return every event of a group, opened."""
    page = events_after(member, after=0)
    assert page.last == page.head
    return [item["event"] for item in page.items]


def is_destroyed(member: Membership) -> bool:
    """Whether nothing of a group can be read any more."""
    try:
        read(member)
    except KeyDestroyed:
        return True
    return False


def token_answers(secret: str) -> int:
    """Return the status that a program gets with its token of that time."""
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {secret}"})
    return client.get("/api/v1/groups").status_code


def go_on(member: Membership) -> list[int]:
    """Post two messages, of which the second answers the first; return their numbers in the stream."""
    seqs: list[int] = []
    first = uuid4()
    for one, parent in ((first, None), (uuid4(), first)):
        draft = Draft(id=one, kind="note", language="en", body={"text": "After the upgrade."}, in_reply_to=parent)
        seqs.append(post_message(member, draft=draft).message.seq)
    return seqs


def main(password: str, secret: str) -> dict[str, Any]:
    """Return what this program reads, and what became of what it did."""
    amina, eve = membership("HAR3", "Amina Danladi"), membership("CULT", "Eve Adeyemi")
    told: dict[str, Any] = {
        "missing": missing(),
        "events": {"HAR3": read(amina), "CULT": read(eve)},
        "heads": {one.code: one.head for one in ClosedUserGroup.objects.all()},
        "epochs": {one.code: str(one.stream_epoch) for one in ClosedUserGroup.objects.all()},
        "entries": Entry.objects.count(),
        "transfers": Transfer.objects.filter(state="accepted").count(),
        "officers": sorted(Officer.objects.values_list("email", flat=True)),
        "destroyed": is_destroyed(membership("OLD1", "Hélène Morel")),
        "passwords": [one.check_password(password) for one in Officer.objects.order_by("email")[:2]],
        "authenticators": [len(open_key(one)) for one in AuthenticatorDevice.objects.all()],
        "token": token_answers(secret),
        "equal": reconciliation_of(amina).equal,
        "review": len(review_of(amina).candidates),
        "found": len(search(amina, filters=Filters(text="harmattan")).messages),
        "seqs": go_on(amina),
    }
    report = verify_now([])
    return {**told, "sound": report.is_sound, "findings": [one.text for one in report.findings]}


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(main(*sys.argv[1:])).decode())
