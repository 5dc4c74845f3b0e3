"""What the tests of state equivalence are made of: a group in which anything may happen, and clients that follow.

`World` acts through the ordinary actions, as the given numbers choose; a refusal is an outcome like any other.
`Follower` is one officer's client: the console's own scripts in one node process (`tests/js/state_client.mjs`), fed
with what the server answers. What must not live here: what is asserted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db import transaction
from django.utils import timezone

from accounts.models import Officer
from groups import actions as groups
from groups.access import Right
from groups.gates import hold_group, member_of
from groups.keys import rotate_epoch
from groups.models import ClosedUserGroup, Membership, Phase, Role
from groups.queries import group_detail
from groups.settings import GroupSettings
from messaging import actions, limits, queries
from messaging.attachments.checking import check_attachment
from messaging.kinds import ANSWERS, WANT_ANSWER, Status
from messaging.models import Attachment, Message
from messaging.presentation import message_json
from messaging.queries import Filters
from problems import Refusal
from simplified_forms.actions import choose_form_mode, publish_template, save_draft
from simplified_forms.models import FormTemplate
from tests.messaging.conftest import BODIES, draft, seizure_body
from tests.messaging.uploads import uploaded
from vault import KeyDestroyed

KINDS = (
    "note",
    "warning",
    "request",
    "seizure",
    "nil",
    "sitrep",
    "bulletin",
    "administrative",
    "warning",
    "seizure",
)
MANAGING = frozenset(
    {"add", "remove", "role", "country", "phase", "archive", "settings", "form", "rotate", "validate_many"}
)
COUNTRIES = ("NG", "GH", "FR", "BE", "SN", "TG")


def pick[T](items: Sequence[T], number: int) -> T | None:
    """Return the item that a number chooses, None of none."""
    return items[number % len(items)] if items else None


@dataclass
class World:
    """One group, its people, and everything that may be done in it. Each act takes who acts and two numbers."""

    group: ClosedUserGroup
    people: Sequence[Officer]
    refused: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def act(self, name: str, who: int, this: int, that: int) -> None:
        """Do what these numbers say, in a transaction of its own."""
        deed: Callable[[Membership, int, int], object] = getattr(self, f"do_{name}")
        officer = self.people[who % len(self.people)]
        if name in MANAGING and who % 4:  # most of the time by somebody who may
            officer = next(m.officer for m in self.members() if m.role == Role.COORDINATOR)
        limits._pace.cache_clear()
        try:
            with transaction.atomic():
                deed(member_of(officer, self.group.pk, Right.SEE_GROUP), this, that)
            self.done.append(name)
        except Refusal as refusal:
            self.refused.append(f"{name}: {refusal.code}")

    def messages(self, **values: Any) -> list[Message]:
        return list(Message.objects.filter(group=self.group, **values).order_by("-seq"))

    def members(self) -> list[Membership]:
        present = Membership.objects.filter(group=self.group, left_at__isnull=True)
        return list(present.select_related("officer").order_by("joined_at", "country", "officer__name"))

    # -- messages

    def _addressed(self, number: int) -> dict[str, Any]:
        ways: tuple[dict[str, Any], ...] = (
            {"all": True},
            {"countries": ["GH"]},
            {"countries": ["BE", "GH"]},
            {"roles": ["analyst"]},
            {"countries": ["FR"], "roles": ["officer"]},
            {"officers": [str(self.people[number % len(self.people)].pk)]},
        )
        return ways[number % len(ways)]

    def _body(self, kind: str, number: int) -> dict[str, Any]:
        return seizure_body(cases=number % 7 + 1) if kind == "seizure" else BODIES[kind]

    def do_post(self, member: Membership, this: int, that: int) -> None:
        kind = KINDS[this % len(KINDS)]
        due = (None, timezone.now() - timedelta(hours=2), timezone.now() + timedelta(days=2))[that % 3]
        actions.post_message(
            member,
            draft=draft(
                kind,
                body=self._body(kind, that),
                addressed_to=self._addressed(that // 3),
                due_at=due,
                acknowledge=(None, True, False)[this % 3],
                subject="" if this % 2 else f"Subject {that}",
            ),
        )

    def do_reply(self, member: Membership, this: int, that: int) -> None:
        asked = pick(self.messages(kind__in=WANT_ANSWER), this)
        if asked is not None:
            kind = {"warning": "feedback", "request": "reply"}[asked.kind]
            actions.post_message(
                member, draft=draft(kind, in_reply_to=asked.pk, addressed_to=self._addressed(that))
            )

    def do_comment(self, member: Membership, this: int, that: int) -> None:
        parent = pick(self.messages(), this)
        kind = ("note", "seizure", "warning")[that % 3]
        if parent is not None:
            actions.post_message(member, draft=draft(kind, body=self._body(kind, that), in_reply_to=parent.pk))

    def do_correct(self, member: Membership, this: int, that: int) -> None:
        kinds = (WANT_ANSWER, ANSWERS, ("seizure",), KINDS)[that % 4]
        old = pick(self.messages(kind__in=kinds), this)
        if old is not None:
            other = (
                pick(self.messages(kind__in=WANT_ANSWER), that) if old.kind in ANSWERS and that % 3 == 0 else None
            )
            body = self._body(old.kind, that)
            actions.post_message(
                member,
                draft=draft(old.kind, body=body, supersedes=old.pk, in_reply_to=other.pk if other else None),
            )

    # -- files

    def do_attach(self, member: Membership, this: int, that: int) -> None:
        """Send a file or two, some of them with a correction that takes over what its message had."""
        files = [uploaded(member, b"text" if number % 3 else b"MZ\0", f"{that}.txt").pk for number in (this, that)]
        old = pick(self.messages(kind="note"), this) if that % 2 else None
        if old is not None:
            files[1:] = Attachment.objects.filter(message=old).values_list("pk", flat=True)
        actions.post_message(
            member, draft=draft("note", attachments=files, supersedes=old.pk if old is not None else None)
        )

    def do_check(self, member: Membership, this: int, that: int) -> None:
        waiting = Attachment.objects.filter(group=self.group, state="checking").order_by("created_at", "pk")
        found = pick(list(waiting), this)
        if found is not None:
            check_attachment(found.pk)

    def do_acknowledge(self, member: Membership, this: int, that: int) -> None:
        found = pick(self.messages(acknowledge=True) if that % 4 else self.messages(), this)
        if found is not None:
            actions.acknowledge_message(member, message_id=found.pk)

    def do_move(self, member: Membership, this: int, that: int) -> None:
        found = pick(self.messages(kind="seizure") if that % 3 else self.messages(), this)
        if found is not None:
            to = Status.values[that % len(Status.values)]
            actions.move_status(member, message_id=found.pk, to=to, reason="Which unit?")

    def do_withdraw(self, member: Membership, this: int, that: int) -> None:
        kinds = (ANSWERS, WANT_ANSWER, KINDS)[that % 3]
        found = pick(self.messages(kind__in=kinds), this)
        if found is not None:
            sender = member_of(found.sender, self.group.pk, Right.SEE_GROUP) if that % 2 else member
            actions.move_status(sender, message_id=found.pk, to="withdrawn", reason="Sent by mistake.")

    def do_validate_many(self, member: Membership, this: int, that: int) -> None:
        ids = [message.pk for message in self.messages(kind="seizure")[: this % 5 + 1]]
        actions.move_status_many(member, message_ids=ids, to="validated_ocu")
        if that % 2:
            actions.mark_transferred(self.group.pk, ids)

    def do_import(self, member: Membership, this: int, that: int) -> None:
        kind = KINDS[that % 6]
        drafts = [draft(kind, body=self._body(kind, number)) for number in range(this % 4 + 1)]
        list(actions.post_messages(member, drafts))

    def do_see(self, member: Membership, this: int, that: int) -> None:
        actions.mark_seen(member, seq=this)

    # -- the group

    def do_add(self, member: Membership, this: int, that: int) -> None:
        officer = self.people[this % len(self.people)]
        groups.add_member(member, officer=officer, role=Role.values[that % len(Role.values)])

    def do_remove(self, member: Membership, this: int, that: int) -> None:
        target = pick(self.members(), this)
        if target is not None:
            groups.remove_member(member, member_id=target.pk)

    def do_leave(self, member: Membership, this: int, that: int) -> None:
        groups.leave_group(member)

    def do_role(self, member: Membership, this: int, that: int) -> None:
        target = pick(self.members(), this)
        if target is not None:
            groups.change_role(member, member_id=target.pk, role=Role.values[that % len(Role.values)])

    def do_country(self, member: Membership, this: int, that: int) -> None:
        country = COUNTRIES[this % len(COUNTRIES)]
        if that % 3 == 0:
            groups.add_country(member, country=country)
        elif that % 3 == 1:
            groups.remove_country(member, country=country)
        else:
            target = pick([m for m in self.members() if m.role == Role.CONTACT_POINT], that)
            chosen = target.pk if target and this % 4 else None
            groups.set_contact_point(member, country=target.country if target else country, member_id=chosen)

    def do_phase(self, member: Membership, this: int, that: int) -> None:
        groups.change_phase(member, to=list(Phase)[this % (len(Phase) - 1)])

    def do_archive(self, member: Membership, this: int, that: int) -> None:
        if that % 8 == 0:
            course = list(Phase)
            for phase in course[course.index(Phase(member.group.phase)) + 1 : -1]:
                groups.change_phase(member, to=phase)
            # Retention cannot be waited for.
            ClosedUserGroup.objects.filter(pk=self.group.pk, phase=Phase.CLOSED).update(
                closed_at=timezone.now() - timedelta(days=4000)
            )
        groups.archive(member)

    def do_settings(self, member: Membership, this: int, that: int) -> None:
        group = ClosedUserGroup.objects.get(pk=self.group.pk)
        values = {**GroupSettings.of(group).as_fields(), "name": f"Operation {this}", "cut_off_hour": that % 24}
        groups.change_settings(member, settings=GroupSettings(**values))

    def do_form(self, member: Membership, this: int, that: int) -> None:
        if that % 2:
            choose_form_mode(member, mode=("simplified", "full")[this % 2])
            return
        form = FormTemplate.objects.filter(group=self.group, kind="warning", state="published").get()
        save_draft(member, kind="warning", mode="", name=f"Form {this}", spec=form.spec, seen_at=None)
        publish_template(member, kind="warning", mode="")

    def do_rotate(self, member: Membership, this: int, that: int) -> None:
        rotate_epoch(hold_group(member, Right.MANAGE_GROUP), actor=member.officer_id, reason="test")


ACTS = tuple(name.removeprefix("do_") for name in vars(World) if name.startswith("do_"))


class States:
    """The node process that holds the states of all clients."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **said: Any) -> dict[str, Any]:
        """Say one line, return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the scripts stopped: see what they wrote"
        return dict(json.loads(answer))


@contextmanager
def running_states() -> Iterator[States]:
    """Run the scripts until the end of the block."""
    node = shutil.which("node")
    assert node is not None, "the console's scripts are tested in Node.js: install nodejs"
    script = Path(__file__).resolve().parent.parent / "js" / "state_client.mjs"
    with subprocess.Popen([node, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield States(process)
        finally:
            process.kill()


def as_json(value: Any) -> Any:
    """Return a value as it comes out at a client."""
    return orjson.loads(orjson.dumps(value))


def all_messages(member: Membership, filters: Filters | None = None) -> list[dict[str, Any]]:
    """Return every message of a list, page by page as a client gets it."""
    found: list[dict[str, Any]] = []
    after: int | None = None
    while True:
        page = queries.messages_page(member, filters=filters, after=after, limit=7)
        found += [message_json(one) for one in page.messages]
        if page.next is None:
            return list(as_json(found))
        after = page.next


class Follower:
    """One officer's client of a group."""

    def __init__(self, states: States, officer: Officer, group_id: UUID) -> None:
        self.states = states
        self.officer = officer
        self.group_id = group_id
        self.name = str(uuid4())
        self.open = False
        self.loaded = False
        self.epoch: UUID | None = None
        self.after = 0
        self.filters: Filters | None = None
        self.loses: Callable[[dict[str, Any]], bool] = lambda _item: False  # a fault, put in on purpose

    def member(self) -> Membership:
        return member_of(self.officer, self.group_id, Right.READ)

    def sit(self, filter: dict[str, Any] | None, filters: Filters | None) -> None:
        """Open the page: who reads what as of now. Its messages are fetched later. Again: a reload."""
        try:
            member = self.member()
            if member.group.phase == Phase.ARCHIVED:
                raise KeyDestroyed
        except Refusal:
            return
        detail = as_json(group_detail(member))
        group = {
            **{name: detail[name] for name in ("phase", "role", "roles", "members")},
            "countries": [
                {"code": one["country"], "contact_point": one["contact_point"]} for one in detail["countries"]
            ],
        }
        me = {"id": str(self.officer.pk), "country": member.country, "role": member.role}
        self.epoch, self.after, self.filters = member.group.stream_epoch, member.group.head, filters
        self.states.ask(
            do="open", name=self.name, group=group, me=me, epoch=str(self.epoch), head=self.after, filter=filter
        )
        self.open, self.loaded = True, False

    def load(self) -> None:
        """Fetch the messages, as they are by now."""
        member = self.member()
        self.states.ask(do="take", name=self.name, messages=all_messages(member))
        if self.filters is not None:
            found = all_messages(member, self.filters)
            self.states.ask(do="take", name=self.name, messages=found, filtered=True)
        self.loaded = True

    def catch_up(self, *, limit: int = 500) -> None:
        """Apply every event since, as it reads by now; who may not read any more is told so."""
        if not self.open:
            return
        try:
            while True:
                page = queries.events_after(self.member(), after=self.after, epoch=self.epoch, limit=limit)
                assert not page.restart
                items = [self._told(item) for item in as_json(list(page.items))]
                answer = self.states.ask(do="items", name=self.name, items=items)
                assert set(answer["verdicts"]) <= {"apply"}
                self.after = answer["after"] if answer["after"] is not None else self.after
                self.loaded = self.loaded and answer["complete"]
                if page.last >= page.head:
                    return
        except Refusal:
            self.states.ask(do="left", name=self.name)
            self.open = False

    def _told(self, item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "event": {"type": "settings", "fields": []}} if self.loses(item["event"]) else item

    def dump(self, now: float, views: dict[str, Any]) -> dict[str, Any]:
        """Return everything that the client could show."""
        return self.states.ask(do="dump", name=self.name, now=now, views=views)
