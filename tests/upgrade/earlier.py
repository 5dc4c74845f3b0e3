"""Runs in the earlier program: fills its databases by its own actions, and prints what it reads of them as JSON.

It may use only what that program has. What must not live here: anything of the present one.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import django

django.setup()

import orjson  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.actions import create_token  # noqa: E402
from accounts.models import Officer  # noqa: E402
from audit.models import Entry  # noqa: E402
from cencomm.demo import loading  # noqa: E402
from cencomm.demo.people import PASSWORD  # noqa: E402
from cencomm.demo.script import SCRIPT, Line  # noqa: E402
from exports.models import Transfer  # noqa: E402
from groups.actions import change_phase, create_group, remove_member  # noqa: E402
from groups.models import ClosedUserGroup, Membership  # noqa: E402
from messaging.actions import post_message  # noqa: E402
from messaging.drafts import Draft  # noqa: E402
from messaging.queries.events import events_after  # noqa: E402

LINES = 16  # of the demo's script: of every kind one


def fill() -> dict[str, str]:
    """Load a part of the demo, archive a group, remove a member; return secrets that must still open."""
    kinds: set[str] = set()
    chosen: list[Line] = []
    named = {word for line in SCRIPT for word in (line.reply, line.corrects) if word}
    for line in SCRIPT:
        if line.key in named or line.kind not in kinds or line.moves or (line.reply and len(chosen) < LINES):
            chosen.append(line)
            kinds.add(line.kind)
    vars(loading).update(SCRIPT=tuple(chosen[:LINES]), CEN_ROWS=10)
    loading.load()
    officers = {one.name.split()[0]: one for one in Officer.objects.all()}
    padma, morel = officers["Padma"], officers["Hélène"]
    long_ago = timezone.now() - timedelta(days=4000)
    with loading.at(long_ago):
        group = create_group(
            padma, code="OLD1", name="Long ago", first_coordinator=morel, countries=["FR"],
            starts_on=long_ago.date(), ends_on=long_ago.date(),
        )  # fmt: skip
        member = membership("OLD1", morel)
        note = Draft(id=group.pk, kind="note", language="en", body={"text": "Nobody reads this again."})
        for phase in ("preoperational", "operational"):
            change_phase(member, to=phase)
        post_message(member, draft=note)
        for phase in ("postoperational", "closed"):
            change_phase(member, to=phase)
    change_phase(member, to="archived")
    gone = membership("HAR3", officers["Álvaro"])
    remove_member(membership("HAR3", officers["Amina"]), member_id=gone.pk)
    _token, secret = create_token(officer=officers["Fatou"], name="earlier", scopes=["messages:read"])
    return {"password": PASSWORD, "token": secret}


def membership(code: str, officer: Officer) -> Membership:
    """Return a member as a gate gives it."""
    found = Membership.objects.select_related("group", "officer__administration")
    return found.get(group__code=code, officer=officer)


def said() -> dict[str, Any]:
    """Return what this program reads."""
    events = {}
    for code, name in (("HAR3", "Amina Danladi"), ("CULT", "Eve Adeyemi")):
        member = membership(code, Officer.objects.get(name=name))
        page = events_after(member, after=0)
        assert page.last == page.head
        events[code] = [item["event"] for item in page.items]
    return {
        "events": events,
        "heads": {one.code: one.head for one in ClosedUserGroup.objects.all()},
        "epochs": {one.code: str(one.stream_epoch) for one in ClosedUserGroup.objects.all()},
        "entries": Entry.objects.count(),
        "transfers": Transfer.objects.filter(state="accepted").count(),
        "officers": sorted(Officer.objects.values_list("email", flat=True)),
    }


if __name__ == "__main__":
    secrets = fill()
    sys.stdout.write(orjson.dumps({**secrets, **said()}).decode())
