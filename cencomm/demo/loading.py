"""Loads the invented operation through the ordinary actions, with the clock set back for each message.

The only thing pretended is the time: `django.utils.timezone.now` answers the moment at which a line of the script
was said. Nothing is written around the actions, so what a newcomer sees is what the product makes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from accounts.actions import create_administration, create_officer
from accounts.actions.demo import enrol_demo_officer
from accounts.models import Administration, Officer, Region
from cen.actions import take_in
from cen.sample import sample_records
from cencomm.demo.people import ADMINISTRATIONS, PASSWORD, PEOPLE, REGIONS, Person
from cencomm.demo.script import SCRIPT, Line
from exports.actions import start_transfer
from exports.delivery import deliver_batch
from groups.actions import add_member, change_phase, create_group, set_contact_point
from groups.models import ClosedUserGroup, Membership, Phase, Role
from messaging.actions import acknowledge_message, mark_seen, move_status, post_message
from messaging.drafts import Draft
from messaging.models import Message

NAMESPACE = uuid.UUID("6d1f0a52-3a63-5f10-9f55-4d6b8f6f2a11")
CEN_ROWS = 6000
FIRST_TRANSFER_AGO = timedelta(hours=25)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let the actions believe that it is `moment`."""
    with patch.object(timezone, "now", lambda: moment):
        yield


@dataclass(slots=True)
class Stage:
    """What the loader has made so far."""

    now: datetime
    officers: dict[str, Officer] = field(default_factory=dict)
    members: dict[str, Membership] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)

    def ago(self, minutes: float) -> datetime:
        """Return the moment so many minutes before now (negative: ahead)."""
        return self.now - timedelta(minutes=minutes)


def load() -> dict[str, int]:
    """Load people, the operation, its three days and a CEN with a past; return what there is now."""
    stage = Stage(timezone.now().astimezone(UTC).replace(second=0, microsecond=0))
    _make_people(stage)
    group = _make_operation(stage)
    _make_other_group(stage)
    _play(stage)
    mark_seen(stage.members["amina"], seq=max(0, _head(group) - 4))
    mark_seen(stage.members["fatou"], seq=max(0, _head(group) - 9))
    records = list(sample_records(rows=CEN_ROWS, seed=3, until=stage.now.date()))
    take_in(records, source="sample", client="demo")
    return {
        "officers": len(stage.officers),
        "messages": Message.objects.filter(group=group).count(),
        "records": len(records),
    }


def _head(group: ClosedUserGroup) -> int:
    group.refresh_from_db(fields=["head"])
    return group.head


def _make_people(stage: Stage) -> None:
    regions = {
        code: Region.objects.get_or_create(code=code, defaults={"name": name})[0] for code, name in REGIONS.items()
    }
    administrations: dict[str, Administration] = {}
    for key, (country, name, kind, region) in ADMINISTRATIONS.items():
        administrations[key] = create_administration(country=country, name=name, kind=kind, region=regions[region])
    for person in PEOPLE:
        officer = create_officer(
            email=f"{person.key}@demo.invalid",
            name=person.name,
            administration=administrations[person.administration],
            language=person.language,
            time_zone=person.time_zone,
            password=PASSWORD,
            is_platform_administrator=person.administrator,
        )
        if person.signs_in:
            enrol_demo_officer(officer)
        stage.officers[person.key] = officer


def _make_operation(stage: Stage) -> ClosedUserGroup:
    start = stage.ago(2 * 24 * 60 + 600)
    with at(start - timedelta(days=14)):
        group = create_group(
            stage.officers["padma"],
            code="HAR3",
            name="HARMATTAN III",
            starts_on=(stage.now - timedelta(days=2)).date(),
            ends_on=(stage.now + timedelta(days=9)).date(),
            first_coordinator=stage.officers["amina"],
            countries=sorted(
                {officer.country for officer in stage.officers.values() if officer.country != "SN"} | {"SN"}
            ),
        )
        coordinator = Membership.objects.select_related("group", "officer__administration").get(
            group=group, role=Role.COORDINATOR
        )
        stage.members["amina"] = coordinator
        for person in PEOPLE:
            if person.role and person.key != "amina":
                stage.members[person.key] = add_member(
                    coordinator, officer=stage.officers[person.key], role=person.role
                )
        _name_contact_points(stage, coordinator)
    for phase, moment in ((Phase.PREOPERATIONAL, start - timedelta(days=3)), (Phase.OPERATIONAL, start)):
        with at(moment):
            change_phase(coordinator, to=phase)
    group.refresh_from_db()
    for member in stage.members.values():
        member.group = group
    return group


def _name_contact_points(stage: Stage, coordinator: Membership) -> None:
    points: list[Person] = [person for person in PEOPLE if person.contact_point]
    for person in points:
        member = stage.members[person.key]
        set_contact_point(coordinator, country=member.country, member_id=member.pk)


def _make_other_group(stage: Stage) -> None:
    """A standing group that the others cannot see, and whose officer cannot see them."""
    group = create_group(
        stage.officers["padma"],
        code="CULT",
        name="Cultural goods watch",
        kind=ClosedUserGroup.Kind.STANDING,
        first_coordinator=stage.officers["morel"],
        countries=["FR", "NG"],
    )
    coordinator = Membership.objects.select_related("group", "officer__administration").get(group=group)
    eve = add_member(coordinator, officer=stage.officers["eve"], role=Role.OFFICER)
    with at(stage.ago(26 * 60)):
        post_message(
            eve,
            draft=Draft(
                id=uuid.uuid5(NAMESPACE, f"{group.pk}:first"),
                kind="note",
                language="en",
                body={"text": "Two terracotta heads without papers were offered at a Lagos gallery this week."},
            ),
        )


def _play(stage: Stage) -> None:
    """Say every line, and do what follows on it, in the order of the clock."""
    acts: list[tuple[datetime, int, Any]] = []
    for number, line in enumerate(SCRIPT):
        said = stage.ago(line.ago)
        key = line.key or f"line-{number}"
        acts.append((said, 0, partial(_say, stage, line, key)))
        for who, minutes in line.acks.items():
            acts.append(
                (_not_ahead(stage, said, minutes), 1, lambda who=who, key=key: _acknowledge(stage, who, key))
            )
        for who, to, minutes, reason in line.moves:
            moment = _not_ahead(stage, said, minutes)
            acts.append(
                (moment, 1, lambda who=who, to=to, reason=reason, key=key: _move(stage, who, key, to, reason))
            )
    acts.append((stage.now - FIRST_TRANSFER_AGO, 2, partial(_transfer, stage)))
    for moment, _rank, act in sorted(acts, key=lambda one: (one[0], one[1])):
        with at(moment):
            act()


def _not_ahead(stage: Stage, said: datetime, minutes: float) -> datetime:
    return min(said + timedelta(minutes=minutes), stage.now)


def _say(stage: Stage, line: Line, key: str) -> None:
    member = stage.members[line.who]
    due = None if line.due is None else stage.ago(-line.due)
    draft = Draft(
        id=uuid.uuid5(NAMESPACE, f"{member.group_id}:{key}"),
        kind=line.kind,
        subject=line.subject,
        language=line.language,
        body=_filled(stage, line.body),
        priority=line.priority,
        addressed_to={"countries": list(line.to)} if line.to else {},
        due_at=due,
        acknowledge=True if line.acks and line.kind not in {"note"} else None,
        handling=line.handling,
        grading={"source": line.grading[0], "information": line.grading[1]} if line.grading else None,
        in_reply_to=stage.messages[line.reply].pk if line.reply else None,
        supersedes=stage.messages[line.corrects].pk if line.corrects else None,
    )
    stage.messages[key] = post_message(member, draft=draft).message


def _filled(stage: Stage, body: Any) -> dict[str, Any]:
    """Return the body with its placeholders: `@2690` is a moment so many minutes ago, `@w1` the id of a message."""
    filled: dict[str, Any] = {}
    for name, value in body.items():
        if not (isinstance(value, str) and value.startswith("@")):
            filled[name] = value
        elif value[1:] in stage.messages:
            filled[name] = str(stage.messages[value[1:]].pk)
        else:
            moment = stage.ago(float(value[1:]))
            filled[name] = moment.date().isoformat() if name in {"date", "day"} else f"{moment:%Y-%m-%dT%H:%MZ}"
    return filled


def _acknowledge(stage: Stage, who: str, key: str) -> None:
    acknowledge_message(stage.members[who], message_id=stage.messages[key].pk)


def _move(stage: Stage, who: str, key: str, to: str, reason: str) -> None:
    move_status(stage.members[who], message_id=stage.messages[key].pk, to=to, reason=reason)


def _transfer(stage: Stage) -> None:
    batch = start_transfer(stage.members["amina"])
    deliver_batch(batch.pk)
