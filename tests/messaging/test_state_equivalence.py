"""Every event applied to the old client state equals a fresh read: for every role, whatever happens in between.

hypothesis makes runs of acts; each officer's client (the console's own scripts, in Node.js) opens its page at some
time, fetches its messages at some later time, applies events whenever the run says so, and must hold in the end
what a client holds that has just opened it. The runs are the same each time; `CENCOMM_EXAMPLES=20` makes twenty
times as many that differ from call to call, and prints what reproduces a failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import Phase as Stage
from hypothesis import given, note, settings
from hypothesis import strategies as st

from accounts.models import Officer
from groups.actions import add_member, change_phase, change_role
from groups.models import ClosedUserGroup, GroupCountry, Membership, Role
from messaging.actions import acknowledge_message, move_status, post_message, post_messages
from messaging.attachments.checking import check_attachment
from messaging.kinds import Status
from messaging.queries import Filters, console_counts
from messaging.queries.board import view_counts
from messaging.queries.messages import messages_page
from messaging.views.page_data import validates, view_filters
from problems import Refusal
from tests.cast import join, make_group, membership_of
from tests.examples import LONGER, fuzzing
from tests.messaging.conftest import draft, seizure_body, wire
from tests.messaging.equivalence import ACTS, Follower, States, World, running_states
from tests.messaging.server import Talker, running_server
from tests.messaging.uploads import uploaded

pytestmark = pytest.mark.django_db
OFTEN = (
    "post", "reply", "reply", "correct", "withdraw", "acknowledge", "move", "comment", "role", "catch_up",
    "attach", "check",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("nothing", *ACTS, *OFTEN, "sit", "load", "catch_up")),  # a failure shrinks to "nothing"
        st.integers(0, 47),
        st.integers(0, 2**10),
        st.integers(0, 2**10),
    ),
    min_size=30,
    max_size=60,
)
People = list[Officer]


@pytest.fixture(scope="module")
def states() -> Iterator[States]:
    """One process of the console's scripts for all tests here."""
    with running_states() as running:
        yield running


@pytest.fixture
def people(
    amina: Officer, chloe: Officer, bruno: Officer, fatou: Officer, dmitri: Officer, olga: Officer, audrey: Officer,
    eve: Officer, removed: Officer,
) -> People:  # fmt: skip
    """One of each role, one who may join late, one who left."""
    return [amina, chloe, bruno, fatou, dmitri, olga, audrey, eve, removed]


@pytest.fixture
def new_group(people: People, padma: Officer) -> Callable[[], ClosedUserGroup]:
    """A group of the first seven, as the product makes it."""
    numbers = count(1)

    def make() -> ClosedUserGroup:
        amina, chloe, bruno, fatou, dmitri, olga, audrey = people[:7]
        group = make_group(f"EQ{next(numbers)}", "Equivalence", coordinator=amina, administrator=padma)
        join(group, chloe, Role.ANALYST)
        contact = join(group, bruno, Role.CONTACT_POINT)
        join(group, fatou, Role.OFFICER)
        join(group, dmitri, Role.OFFICER)
        join(group, olga, Role.OBSERVER)
        join(group, audrey, Role.AUDITOR)
        GroupCountry.objects.filter(group=group, country="GH").update(contact_point=contact)
        return group

    return make


def filters_of(view: dict[str, Any]) -> Filters:
    """Return what the server lists for a view of the console."""
    values = {
        "kinds": view.get("kinds", ()),
        "statuses": view.get("statuses", ()),
        "countries": [view["country"]] if "country" in view else (),
    }
    flags = {name: True for name in ("open", "overdue", "waiting", "standing") if view.get(name)}
    return Filters(**values, **flags)


def view_of(follower: Follower, number: int) -> tuple[dict[str, Any], Filters] | tuple[None, None]:
    """Return a view of the console that this officer could have opened, or none."""
    member = Membership(group_id=follower.group_id, role=Role.COORDINATOR, country=follower.officer.country)
    views: list[dict[str, Any]] = [{}, *view_filters(member).values(), {"statuses": [Status.RETURNED.value]}]
    view = views[number % len(views)]
    return (view, filters_of(view)) if view else (None, None)


def follow(world: World, followers: list[Follower], step: str, who: int, this: int) -> None:
    """Let one of the clients do what clients do."""
    follower = followers[who % len(followers)]
    if step == "nothing":
        return
    if step == "sit":
        follower.sit(*view_of(follower, this))
    elif step == "catch_up":
        follower.catch_up(limit=this % 9 + 1)
    elif follower.open and not follower.loaded and _may_read(follower):
        follower.load()


def _may_read(follower: Follower) -> bool:
    try:
        return follower.member().group.phase != "archived"
    except Refusal:
        return False


def compare(follower: Follower, number: int) -> None:
    """Bring a client up to date and compare it with one that opens the page now."""
    if follower.open and not follower.loaded and number % 2 and _may_read(follower):
        follower.load()
    follower.catch_up()
    now = timezone.now()
    if not follower.open:
        return
    if not _may_read(follower):
        held = follower.dump(now.timestamp() * 1000, {})
        assert held["ended"]
        assert held["messages"] == {}
        return
    if not follower.loaded:
        follower.load()
    member = follower.member()
    views = view_filters(member)
    if not validates(member):
        del views["validate"]  # not shown to them
    held = follower.dump(now.timestamp() * 1000, views)
    fresh = Follower(follower.states, follower.officer, follower.group_id)
    view = next(
        (view for view in [view_of(follower, n) for n in range(10)] if view[1] == follower.filters), (None, None)
    )
    fresh.sit(*view)
    fresh.load()
    expected = fresh.dump(now.timestamp() * 1000, views)
    for part, value in expected.items():
        assert held[part] == value, part
    listed = {name: _listed(member, filters_of(view)) for name, view in views.items()}
    assert held["views"] == listed
    _compare_counts(member, held)


def _listed(member: Membership, filters: Filters) -> list[str]:
    page = messages_page(member, filters=filters, limit=500)
    assert page.next is None
    return [str(found.message.pk) for found in reversed(page.messages)]


def _compare_counts(member: Membership, held: dict[str, Any]) -> None:
    """What the server counts is what the client shows."""
    messages, views = held["messages"], held["views"]
    standing = {name: [pk for pk in ids if not messages[pk]["withdrawn"]] for name, ids in views.items()}
    counts = view_counts(member, now=timezone.now())
    assert {name: len(ids) for name, ids in standing.items() if name != "all"} == {
        name: counted for name, counted in counts.items() if name in views and name != "all"
    }
    assert counts["all"] == len(messages)
    told = console_counts(member)
    wanted = [
        one for one in messages.values()
        if one["acknowledge"] and one["forUs"] and not one["acks"]["mine"] and not one["withdrawn"]
    ]  # fmt: skip
    assert told["to_acknowledge"] == (len(wanted) if "acknowledge" in held["rights"] else 0)
    assert told["waiting"] == len(views["waiting"])
    assert told["overdue"] == len(views["overdue"])


def test_every_event_applied_equals_a_fresh_read(
    states: States, people: People, new_group: Callable[[], ClosedUserGroup]
) -> None:
    done: Counter[str] = Counter()

    @settings(
        fuzzing(25),
        phases=[Stage.explicit, Stage.generate, *([Stage.shrink] if LONGER > 1 else [])],  # minutes, where it fails
    )
    @given(steps=STEPS)
    def run(steps: list[tuple[str, int, int, int]]) -> None:
        world = World(new_group(), people)
        followers = [Follower(states, officer, world.group.pk) for officer in people]
        for number, follower in enumerate(followers):
            follower.sit(*view_of(follower, number * 7 + len(steps)))
        for step, who, this, that in steps:
            if step in ACTS:
                world.act(step, who, this, that)
            else:
                follow(world, followers, step, who, this)
        note(f"done: {world.done}; refused: {world.refused}")
        for number, follower in enumerate(followers):
            compare(follower, number + len(steps))
        done.update(world.done)

    run()
    assert set(ACTS) - set(done) == set(), "runs in which something never happens prove nothing about it"


LOST: dict[str, Callable[[dict[str, Any]], bool]] = {
    "a move of status": lambda event: event["type"] == "status" and event["to"] == "returned",
    "a withdrawn answer": lambda event: event["type"] == "status" and event["to"] == "withdrawn",
    "a correction": lambda event: event["type"] == "message" and bool(event["message"]["supersedes"]),
    "a receipt": lambda event: event["type"] == "acknowledged",
    "a new member": lambda event: event["type"] == "member" and event["change"] == "added",
    "a phase": lambda event: event["type"] == "phase",
    "a contact point": lambda event: event["type"] == "country",
    "the check of a file": lambda event: event["type"] == "attachment",
}


@pytest.mark.parametrize("what", ["nothing", *LOST])
def test_a_client_that_loses_an_event_is_found_out(
    what: str, states: States, people: People, new_group: Callable[[], ClosedUserGroup]
) -> None:
    world = World(new_group(), people)
    followers = [Follower(states, officer, world.group.pk) for officer in (people[5], people[0])]
    for follower in followers:
        follower.loses = LOST.get(what, lambda _event: False)
        follower.sit(None, None)
        follower.load()
    for _step in _a_watch(world):
        for follower in followers:
            follower.catch_up()
    for follower in followers:
        with pytest.raises(AssertionError) if what != "nothing" else nullcontext():
            compare(follower, 0)


def _a_watch(world: World) -> Iterator[object]:
    """Do one thing after the other."""
    amina, chloe, bruno, fatou, dmitri, _olga, _audrey, eve, _removed = world.people
    member = {officer.pk: membership_of(officer, world.group) for officer in world.people[:7]}
    seizure = post_message(member[fatou.pk], draft=draft("seizure", body=seizure_body())).message
    yield seizure
    yield move_status(member[bruno.pk], message_id=seizure.pk, to="returned", reason="Which unit?")
    warning = post_message(member[dmitri.pk], draft=draft("warning")).message
    yield warning
    answer = post_message(member[fatou.pk], draft=draft("feedback", in_reply_to=warning.pk)).message
    yield answer
    yield move_status(member[fatou.pk], message_id=answer.pk, to="withdrawn", reason="Of another warning.")
    yield post_message(member[dmitri.pk], draft=draft("warning", supersedes=warning.pk))
    file = uploaded(member[fatou.pk], b"text", "a.txt").pk
    noted = post_message(member[fatou.pk], draft=draft(attachments=[file])).message
    yield noted
    yield post_message(member[fatou.pk], draft=draft(supersedes=noted.pk, attachments=[file]))
    yield check_attachment(file)
    sitrep = post_message(member[chloe.pk], draft=draft("sitrep")).message
    yield sitrep
    yield acknowledge_message(member[fatou.pk], message_id=sitrep.pk)
    yield add_member(member[amina.pk], officer=eve, role="officer")
    yield change_role(member[amina.pk], member_id=member[bruno.pk].pk, role="officer")
    yield change_phase(member[amina.pk], to="postoperational")


@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_the_live_stream_says_what_the_stream_by_http_says(
    people: People, new_group: Callable[[], ClosedUserGroup], token_for: Callable[..., str], tmp_path: Path
) -> None:
    """Item by item, as each is committed: posts through the process that delivers them, acts from elsewhere."""
    group = new_group()
    amina, chloe, bruno, fatou, dmitri = people[:5]
    tokens = {officer.pk: token_for(officer) for officer in people[:5]}
    with running_server(tmp_path) as server:
        path = f"/groups/{group.pk}"

        def post(officer: Officer, kind: str, **values: Any) -> str:
            status, said = server.request("POST", f"{path}/messages", tokens[officer.pk], wire(kind, **values))
            assert status == 201, said
            return str(said["id"])

        def move(officer: Officer, message: str, to: str) -> None:
            body = {"status": to, "reason": "Which unit?"}
            assert server.request("POST", f"/messages/{message}/status", tokens[officer.pk], body)[0] == 200

        with Talker(server.ws, token=tokens[chloe.pk]) as talker:
            talker.follow(group.pk)
            told = next(item for item in talker.items if item["op"] == "caught_up")
            compared, epoch = told["head"], told["epoch"]

            def same() -> None:
                """Compare everything that has come since, as both tell it at this moment."""
                nonlocal compared
                _status, page = server.request(
                    "GET", f"{path}/events?after={compared}&epoch={epoch}", tokens[chloe.pk]
                )
                assert not page["restart"]
                assert page["last"] == page["head"] > compared
                assert [talker.event(item["seq"]) for item in page["events"]] == page["events"]
                compared = page["head"]

            post(fatou, "note")
            same()
            warning = post(dmitri, "warning", addressed_to={"countries": ["GH"]})
            same()
            feedback = post(fatou, "feedback", in_reply_to=warning)
            same()
            other = post(dmitri, "warning", supersedes=warning)
            same()
            post(bruno, "feedback", in_reply_to=other)
            same()
            move(fatou, feedback, "withdrawn")
            same()
            seizure = post(fatou, "seizure")
            same()
            for officer, to in ((bruno, "validated_ncp"), (amina, "validated_ocu"), (amina, "returned")):
                move(officer, seizure, to)
                same()
            sitrep = post(chloe, "sitrep")
            same()
            assert server.request("PUT", f"/messages/{sitrep}/acknowledgement", tokens[fatou.pk])[0] == 200
            same()
            coordinator = membership_of(amina, group)
            for act in (
                lambda: add_member(coordinator, officer=people[7], role="contact_point"),
                lambda: change_role(coordinator, member_id=membership_of(bruno, group).pk, role="officer"),
                lambda: change_phase(coordinator, to="postoperational"),
                lambda: list(post_messages(membership_of(chloe, group), [draft() for _ in range(120)])),
            ):
                act()
                same()
