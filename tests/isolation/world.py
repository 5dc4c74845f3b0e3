"""Two groups of the same make, everybody who might ask, and one object of each kind in each group.

Words that stand nowhere else are planted in what is said and in the names of each group: whatever answer holds one
has told of that group. What must not live here: requests, expectations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Administration, Officer, Recovery
from audit.models import Entry
from exports.models import Batch, Transfer
from groups.models import ClosedUserGroup, Membership, Role
from messaging.actions import move_status, post_message
from messaging.attachments.actions import Upload, begin_upload
from messaging.drafts import Draft
from messaging.models import Attachment, Message
from simplified_forms.models import FormTemplate
from tests.cast import PASSWORD, join, make_group, membership_of
from tests.messaging.uploads import checked
from tests.messaging.uploads import picture as make_picture

HERE, THERE = "HARMATTAN", "SIROCCO"
# What only who reads the group's messages may meet, and what only its members may.
SAID = {HERE: "quenelle", THERE: "tamarisk"}
NAMED = {HERE: "Zephyrine", THERE: "Boreas"}

ROLES = {
    "amina": Role.COORDINATOR,
    "chloe": Role.ANALYST,
    "bruno": Role.CONTACT_POINT,
    "fatou": Role.OFFICER,
    "olga": Role.OBSERVER,
    "audrey": Role.AUDITOR,
}
# Nobody of the group: once a member; coordinator of the other group; a reader of CEN only; platform administrator.
STRANGERS = ("removed", "eve", "nadia", "padma")
OWNERS = {HERE: "fatou", THERE: "vera"}  # who made the objects that are nobody else's yet
# The kinds of objects that belong to one group.
SCOPED = {
    "membership",
    "note",
    "warning",
    "report",
    "seizure",
    "template",
    "batch",
    "transfer",
    "entry",
    "confirmed",
}
SCOPED |= {"picture", "text", "upload", "recovery"}
COUNTRIES = {"amina": "NG", "chloe": "FR", "bruno": "GH", "fatou": "GH", "olga": "FR", "audrey": "BE"}


@dataclass
class World:
    """Who there is, which groups, and the objects of each group by kind."""

    people: dict[str, Officer] = field(default_factory=dict)
    groups: dict[str, ClosedUserGroup] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    administration: Administration | None = None

    def role_in(self, name: str, code: str) -> Role | None:
        """The role of somebody in a group, None for a stranger to it."""
        if code == HERE:
            return ROLES.get(name)
        return {"eve": Role.COORDINATOR, "vera": Role.OFFICER}.get(name)


def never(kind: str) -> Any:
    """Return an identifier of this kind that never was."""
    match kind:
        case "entry" | "accounts_entry":
            return 2_000_000_000
        case "code":
            return "NOWHERE"
        case "confirmed":
            return f"{uuid4()}:"
    return uuid4()


def build() -> World:
    """Make everything, inside the caller's transaction or committed."""
    world = World()
    administrations = {
        code: accounts.create_administration(country=code, name=f"Customs of {code}")
        for code in ("NG", "GH", "FR", "BE")
    }
    world.administration = administrations["BE"]
    for name in (*ROLES, *STRANGERS, "vera"):
        world.people[name] = accounts.create_officer(
            email=f"{name}@demo.invalid",
            name=name.capitalize(),
            administration=administrations[COUNTRIES.get(name, "NG")],
            password=PASSWORD,
            is_platform_administrator=name == "padma",
        )
    people = world.people
    for code, coordinator in ((HERE, "amina"), (THERE, "eve")):
        world.groups[code] = make_group(
            code,
            f"Operation {NAMED[code]}",
            coordinator=people[coordinator],
            administrator=people["padma"],
        )
        ClosedUserGroup.objects.filter(pk=world.groups[code].pk).update(description=f"About {NAMED[code]}.")
    here, there = world.groups[HERE], world.groups[THERE]
    for name, role in ROLES.items():
        if role != Role.COORDINATOR:
            join(here, people[name], role)
    join(here, people["removed"], Role.OFFICER, left_at=timezone.now())
    join(there, people["vera"], Role.OFFICER)
    world.objects[HERE] = _objects(here, people["fatou"], people["amina"], SAID[HERE])
    world.objects[THERE] = _objects(there, people["vera"], people["eve"], SAID[THERE])
    for group in world.groups.values():
        group.refresh_from_db()
    return world


def _objects(group: ClosedUserGroup, officer: Officer, coordinator: Officer, word: str) -> dict[str, Any]:
    """Make one object of each kind in a group; return their identifiers."""
    member, unit = membership_of(officer, group), membership_of(coordinator, group)

    def post(by: Membership, kind: str, body: dict[str, Any]) -> Message:
        draft = Draft(id=uuid4(), kind=kind, body=body, subject=f"About {word}")
        return post_message(by, draft=draft).message

    note = post(member, "note", {"text": f"The {word} is lit."})
    warning = post(
        unit, "warning", {"target": "CTN", "requested_action": ["INS"], "text": f"Look behind the {word}."}
    )
    report = post(member, "seizure", seizure_body(word))
    ready = post(member, "seizure", seizure_body(word))
    move_status(unit, message_id=ready.pk, to="validated_ocu")
    returned = post(member, "seizure", seizure_body(word))
    move_status(unit, message_id=returned.pk, to="returned", reason=f"No {word} was found.")
    template = FormTemplate.objects.filter(group=group, kind="seizure", state="published").first()
    assert template is not None
    batch = Batch.objects.create(group=group, started_by=unit)
    transfer = Transfer.objects.create(
        group=group,
        batch=batch,
        message=returned.pk,
        source_reference=returned.reference,
        confirmed_digest=b"x" * 32,
        state=Transfer.State.REFUSED,
        reason_code="invalid",
        finished_at=timezone.now(),
    )
    picture = checked(member, make_picture(), f"{word}.jpg")
    text = checked(member, f"The {word} was here.".encode(), f"{word}.txt")
    Attachment.objects.filter(pk__in=[picture.pk, text.pk]).update(message=note)
    upload, _new = begin_upload(member, upload=Upload(id=uuid4(), name=f"{word}.txt", size=4))
    recovery = Recovery.objects.create(
        officer=officer,
        group=group.pk,
        opened_by=coordinator,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    entry = Entry.objects.filter(group=group.pk).order_by("id").first()
    assert entry is not None
    return {
        "group": group.pk,
        "membership": member.pk,
        "note": note.pk,
        "warning": warning.pk,
        "report": report.pk,
        "seizure": ready.pk,
        "template": template.pk,
        "batch": batch.pk,
        "transfer": transfer.pk,
        "entry": entry.pk,
        "picture": picture.pk,
        "text": text.pk,
        "upload": upload.pk,
        "recovery": recovery.pk,
    }


def seizure_body(word: str) -> dict[str, Any]:
    """Return a complete simplified seizure that mentions a word."""
    return {
        "date": timezone.now().date().isoformat(),
        "country": "GH",
        "conveyance": "SEA",
        "commodity": "DRG.tramadol",
        "quantity": {"value": "1240", "unit": "H87"},
        "departure_country": "IN",
        "destination_country": "NE",
        "description": f"packed in {word}",
    }


def fingerprint() -> dict[str, int]:
    """Return how many rows each table holds, and the heads of all groups: what a refused call leaves as it was."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    counted = [f"(SELECT '{name}', count(*) FROM \"{name}\")" for name in names]  # noqa: S608
    counted.append("(SELECT 'heads', coalesce(sum(head), 0) FROM groups_closedusergroup)")
    counted.append("(SELECT 'roles', count(*) FROM groups_membership WHERE left_at IS NULL)")
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(counted))
        return {name: int(count) for name, count in cursor.fetchall()}


type Pick = Callable[[str], Any]


def own(world: World, code: str) -> Pick:
    """Return a function from a kind to the object of that kind in a group."""
    return lambda kind: world.objects[code][kind]


def other_or_never(world: World, code: str, *, never_was: bool) -> Pick:
    """Return a function that gives the group's own id, and for all else objects of nowhere or of another group."""

    def pick(kind: str) -> Any:
        if kind == "group":
            return world.objects[code]["group"]
        return never(kind) if never_was else world.objects[THERE if code == HERE else HERE][kind]

    return pick


def nowhere(_world: World) -> Pick:
    """Return a function that gives identifiers that never were, the same one each time for a kind."""
    given: dict[str, UUID | int] = {}
    return lambda kind: given.setdefault(kind, never(kind))
