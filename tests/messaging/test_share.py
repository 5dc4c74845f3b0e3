"""Group commit across groups: what arrives together shares a transaction, waits for no lock, spoils no other."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable
from psycopg_pool import PoolTimeout

from accounts.actions import change_administration, change_officer
from accounts.actions.invitations import take_factors_away
from accounts.models import Officer
from audit.models import Entry
from groups.errors import NotAllowed, Stranger
from groups.models import ClosedUserGroup, Membership, Role
from messaging.actions import Parcel, Posted, Receipt, Slip, plainly
from messaging.actions.office import AT_ONCE, THREADS, Office, PostOffice
from messaging.actions.receipts import give_shared, give_together
from messaging.actions.together import send_shared, send_together
from messaging.delivery.reads import Batch, batches_for_hub
from messaging.errors import Busy, InvalidMessage, MessageUnknown, TooFast
from messaging.fresh import fresh
from messaging.measures import measures
from messaging.models import Acknowledgement, Event, Message
from messaging.wakeups import GroupMoved, Resync, Wake, wake_ups
from simplified_forms.actions import publish_template, save_draft
from simplified_forms.models import FormTemplate
from tests.cast import membership_of
from tests.cencomm.ports import PATIENCE, wait_until
from tests.messaging.conftest import parcel
from tests.vault.agents import agent_within
from vault import KeyDestroyed, KeyStore, keystore
from vault.agent.client import AgentLine
from vault.roots import FileRootKeys
from vault.sealing import SealingKeys

type Change = Callable[[Officer, Officer], object]


def stream(group: ClosedUserGroup) -> list[tuple[int, int, UUID]]:
    rows = Message.objects.filter(group=group).order_by("seq").values_list("seq", "number", "pk")
    seqs = list(Event.objects.filter(group=group).order_by("seq").values_list("seq", flat=True))
    group.refresh_from_db()
    assert seqs == list(range(1, group.head + 1))  # gapless, up to the head
    return list(rows)


def transactions(table: str) -> set[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT xmin::text FROM {table}")  # noqa: S608 - a table of ours
        return {xmin for (xmin,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_posts_of_several_groups_are_one_transaction_each_in_its_own_order(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    batch = [
        parcel(fatou, room.pk), parcel(fatou, there.pk), parcel(bruno, room.pk, "request"), parcel(bruno, room.pk),
        parcel(fatou, there.pk),
    ]  # fmt: skip
    answers = send_shared(batch)
    assert all(isinstance(one, Posted) and one.created for one in answers), answers
    ids = [one.draft.id for one in batch]
    assert stream(room) == [(1, 1, ids[0]), (2, 1, ids[2]), (3, 2, ids[3])]
    assert stream(there) == [(1, 1, ids[1]), (2, 2, ids[4])]
    assert len(transactions("messaging_message")) == 1 == len(transactions("messaging_event"))
    entries = Entry.objects.filter(action="message:message:posted").order_by("details__seq", "group")
    assert {(one.group, one.subject, one.details["seq"]) for one in entries} == {
        (group.pk, f"message:{pk}", seq) for group in (room, there) for seq, _number, pk in stream(group)
    }
    assert entries.count() == len(batch)
    sent = [answer.message for answer in answers if isinstance(answer, Posted)]
    assert [one.reference[: len(room.code)] == room.code for one in sent] == [True, False, True, True, False]
    assert [one.reference for one in sent] == [Message.objects.get(pk=one.pk).reference for one in sent]


@pytest.mark.django_db(transaction=True)
def test_what_is_in_doubt_is_left_and_spoils_no_other(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer, olga: Officer, eve: Officer
) -> None:
    taken = parcel(fatou, there.pk)
    send_together([taken])
    batch = [
        parcel(fatou, room.pk),
        parcel(fatou, room.pk, body={"text": ""}),
        parcel(eve, room.pk),
        parcel(olga, room.pk),
        parcel(bruno, there.pk),
        parcel(fatou, room.pk, id=taken.draft.id),
        parcel(fatou, there.pk),
    ]
    answers = send_shared(batch)
    assert [type(one) for one in answers] == [Posted, *[type(None)] * 5, Posted]
    assert [pk for _seq, _number, pk in stream(room)] == [batch[0].draft.id]
    assert [pk for _seq, _number, pk in stream(there)] == [taken.draft.id, batch[6].draft.id]
    found = send_together([batch[1], batch[2], batch[3]])
    assert [type(one) for one in found] == [InvalidMessage, Stranger, NotAllowed]


@pytest.mark.django_db(transaction=True)
def test_a_group_whose_key_is_lost_keeps_no_other_from_being_written(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    keystore().destroy_group_key(there.pk)
    found = send_shared([parcel(fatou, room.pk), parcel(fatou, there.pk), parcel(bruno, room.pk)])
    assert [type(one) for one in found] == [Posted, type(None), Posted]
    assert [type(one) for one in send_together([parcel(fatou, there.pk)])] == [KeyDestroyed]
    assert (len(stream(room)), stream(there)) == (2, [])


@pytest.mark.django_db(transaction=True)
def test_a_group_with_a_reply_in_the_batch_keeps_its_order_by_going_by_itself(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer
) -> None:
    asked = parcel(fatou, room.pk, "request")
    batch = [asked, parcel(fatou, room.pk, "reply", in_reply_to=asked.draft.id), parcel(fatou, there.pk)]
    assert [type(one) for one in send_shared(batch)] == [type(None), type(None), Posted]
    assert stream(room) == []


@pytest.mark.django_db(transaction=True)
def test_a_form_that_was_published_anew_lets_others_pass_and_nothing_that_depends_on_order(
    room: ClosedUserGroup, fatou: Officer, amina: Officer
) -> None:
    """What the record of the decision says of posts that nobody waited for."""

    def publish() -> None:
        form = FormTemplate.objects.get(group=room, kind="request", state="published")
        coordinator = membership_of(amina, room)
        save_draft(coordinator, kind="request", mode="", name=f"{form.name}.", spec=form.spec, seen_at=None)
        publish_template(coordinator, kind="request", mode="")

    send_shared([parcel(fatou, room.pk, "request")])  # remembers the form
    publish()
    batch = [parcel(fatou, room.pk, "request"), parcel(fatou, room.pk)]
    assert [type(one) for one in send_shared(batch)] == [type(None), Posted]
    send_together(batch[:1])
    publish()
    asked = parcel(fatou, room.pk, "request")
    replied = [asked, parcel(fatou, room.pk), parcel(fatou, room.pk, "reply", in_reply_to=asked.draft.id)]
    assert [type(one) for one in send_shared(replied)] == [type(None)] * 3
    assert all(isinstance(one, Posted) and one.created for one in send_together(replied))
    ids = [pk for _seq, _number, pk in stream(room)][1:]
    assert ids[:2] == [batch[1].draft.id, batch[0].draft.id]
    assert ids.index(asked.draft.id) < ids.index(replied[2].draft.id)


@pytest.mark.django_db(transaction=True)
def test_what_changed_since_it_was_remembered_is_compared_in_every_group(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    send_shared([parcel(fatou, room.pk), parcel(bruno, room.pk), parcel(fatou, there.pk)])
    Membership.objects.filter(group=there, officer=fatou).update(role=Role.OBSERVER)
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    assert send_shared([parcel(fatou, there.pk), parcel(bruno, room.pk)]) == [None, None]
    Membership.objects.filter(group=there, officer=fatou).update(role=Role.OFFICER)
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="operational")
    Membership.objects.filter(group=room, officer=bruno).update(left_at="2026-11-20T00:00:00Z")
    found = send_shared([parcel(fatou, there.pk), parcel(bruno, room.pk), parcel(fatou, room.pk)])
    assert [type(one) for one in found] == [Posted, type(None), Posted]
    assert len(stream(room)) == 3
    assert len(stream(there)) == 2


@pytest.mark.django_db(transaction=True)
def test_a_group_whose_lock_is_taken_keeps_no_other_waiting(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer
) -> None:
    message = parcel(fatou, room.pk)
    send_together([message])
    elsewhere = parcel(fatou, there.pk)
    found: list[Any] = []

    def send() -> None:
        try:
            found.extend(send_shared([parcel(fatou, room.pk), elsewhere]))
            found.extend(
                give_shared(
                    [Slip(fatou.pk, room.pk, message.draft.id), Slip(fatou.pk, there.pk, elsewhere.draft.id)]
                )
            )
        finally:
            connection.close()

    sending = threading.Thread(target=send)
    with transaction.atomic():
        ClosedUserGroup.objects.select_for_update().get(pk=room.pk)
        sending.start()
        sending.join(300)
    assert not sending.is_alive()
    assert [type(one) for one in found] == [type(None), Posted, type(None), Receipt]
    assert len(stream(room)) == 1
    room.refresh_from_db()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [
        lambda officer, actor: take_factors_away(officer.pk, actor=actor),
        lambda officer, actor: change_officer(officer.pk, actor=actor, name=officer.name),
        lambda officer, actor: change_administration(
            officer.administration_id, actor=actor, region=officer.administration.region,
            **{name: getattr(officer.administration, name) for name in ("country", "name", "kind")},
        ),
    ],
)  # fmt: skip
def test_an_account_that_is_being_changed_keeps_nobody_waiting(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer, padma: Officer, change: Change
) -> None:
    """A message names its sender: the commit makes sure that there is one."""
    found: list[Any] = []

    def send() -> None:
        try:
            found.extend(send_shared([parcel(fatou, room.pk), parcel(fatou, there.pk), parcel(bruno, room.pk)]))
        finally:
            connection.close()

    sending = threading.Thread(target=send)
    with transaction.atomic():
        change(fatou, padma)
        sending.start()
        sending.join(300)
    assert [type(one) for one in found] == [Posted, Posted, Posted]


@pytest.mark.django_db(transaction=True)
def test_each_hub_is_handed_its_own_and_each_group_is_told_of_once(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[GroupMoved] = []
    monkeypatch.setattr(wake_ups(), "publish", published.append)
    for group in (room, there):
        fresh.follow(group.pk)
    try:
        asking = parcel(fatou, room.pk, acknowledge=True, addressed_to={"countries": ["NG"]})
        send_shared([parcel(fatou, room.pk), parcel(fatou, there.pk), asking])
        assert {(one.group_id, one.head) for one in published} == {(room.pk, 2), (there.pk, 1)}
        assert len(published) == 2
        for group in (room, there):
            handed = fresh.take(group.pk, group.stream_epoch, 0)
            read = batches_for_hub({group.pk: 0})[group.pk]
            assert isinstance(read, Batch)
            assert [json.loads(one.raw) for one in handed] == [json.loads(one.raw) for one in read.items]
            assert len(handed) == len(stream(group))
    finally:
        for group in (room, there):
            fresh.unfollow(group.pk)


@pytest.mark.django_db(transaction=True)
def test_receipts_of_several_groups_are_one_transaction(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer, eve: Officer, olga: Officer
) -> None:
    here, elsewhere = parcel(bruno, room.pk, acknowledge=True), parcel(fatou, there.pk, acknowledge=True)
    send_shared([here, elsewhere])
    slips = [
        Slip(fatou.pk, room.pk, here.draft.id),
        Slip(fatou.pk, there.pk, elsewhere.draft.id),
        Slip(olga.pk, room.pk, here.draft.id),
        Slip(eve.pk, room.pk, here.draft.id),
        Slip(fatou.pk, room.pk, elsewhere.draft.id),  # of the other group: unknown here
        Slip(bruno.pk, room.pk, here.draft.id),
        Slip(eve.pk, there.pk, elsewhere.draft.id),
        Slip(fatou.pk, room.pk, here.draft.id),
        Slip(fatou.pk, uuid4(), here.draft.id),
    ]
    answers = give_shared(slips)
    assert [type(one) for one in answers] == [
        Receipt, Receipt, NotAllowed, Stranger, MessageUnknown, Receipt, Receipt, Receipt, type(None),
    ]  # fmt: skip
    assert [one.seq for one in answers if isinstance(one, Receipt)] == [2, 2, 3, 3, 2]
    assert len(transactions("messaging_acknowledgement")) == 1
    assert (
        Acknowledgement.objects.count() == 4 == Entry.objects.filter(action="message:message:acknowledged").count()
    )
    for group in (room, there):
        stream(group)
    assert isinstance(give_together([slips[-1]])[0], MessageUnknown)


@pytest.mark.django_db(transaction=True)
def test_several_groups_read_together_say_what_each_says_alone(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    here, elsewhere = parcel(bruno, room.pk, acknowledge=True), parcel(fatou, there.pk, "request", acknowledge=True)
    send_shared([here, elsewhere])
    send_together([parcel(bruno, room.pk, "warning"), parcel(bruno, room.pk)])
    give_together([Slip(fatou.pk, room.pk, here.draft.id)])
    send_together([parcel(fatou, there.pk, "reply", in_reply_to=elsewhere.draft.id)])
    missing = uuid4()
    together = batches_for_hub({room.pk: 0, there.pk: 0, missing: 0})
    assert missing not in together
    for group, count in ((room, 4), (there, 2)):
        both, alone = together[group.pk], batches_for_hub({group.pk: 0})[group.pk]
        assert isinstance(both, Batch)
        assert isinstance(alone, Batch)
        assert [json.loads(one.raw) for one in both.items] == [json.loads(one.raw) for one in alone.items]
        assert {json.loads(one.raw)["group"] for one in both.items} == {str(group.pk)}
        assert len(both.items) == count == both.head == both.last
    first = json.loads(together[room.pk].items[0].raw)["event"]["message"]  # type: ignore[union-attr]
    assert first["acknowledgements"]["done"] == {"GH": 1}
    assert sum(first["acknowledgements"]["expected"].values()) > 1
    # Each from its own place; where nothing has happened since, nothing.
    later = batches_for_hub({room.pk: 3, there.pk: 2})
    assert [[one.seq for one in later[group.pk].items] for group in (room, there)] == [[4], []]  # type: ignore[union-attr]


@pytest.mark.django_db(transaction=True)
def test_an_event_that_names_another_groups_message_brings_nothing_of_it(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer
) -> None:
    """Somebody has written into the database past this program; both groups are read by one question."""
    secret = parcel(fatou, room.pk, body={"text": "The lantern is lit."})
    send_shared([secret, parcel(fatou, there.pk)])
    told = Event.objects.get(group=room)
    Event.objects.create(group=there, seq=2, type=told.type, at=told.at, message_id=secret.draft.id)
    ClosedUserGroup.objects.filter(pk=there.pk).update(head=2)
    read = batches_for_hub({room.pk: 0, there.pk: 1})[there.pk]
    assert isinstance(read, Batch)
    assert json.loads(read.items[0].raw)["event"]["message"] == str(secret.draft.id)


@pytest.mark.django_db(transaction=True)
def test_a_group_that_cannot_be_read_spoils_no_other(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer
) -> None:
    send_shared([parcel(fatou, room.pk), parcel(fatou, there.pk)])
    ClosedUserGroup.objects.filter(pk=there.pk).update(phase="archived")
    found = batches_for_hub({room.pk: 0, there.pk: 0})
    assert isinstance(found[there.pk], Exception)
    read = found[room.pk]
    assert isinstance(read, Batch)
    assert [one.seq for one in read.items] == [1]


class Sharing:
    """Both ways of sending: each remembers its batches; what is to be left, and how long it takes, is said."""

    def __init__(self) -> None:
        self.shared: list[list[UUID]] = []
        self.apart: list[list[UUID]] = []
        self.go = threading.Event()
        self.leave: set[UUID] = set()
        self.fails: list[Exception] = []

    def share(self, parcels: Sequence[Parcel]) -> list[Any]:
        self.go.wait(PATIENCE)
        self.shared.append([one.draft.id for one in parcels])
        if self.fails:
            raise self.fails.pop()
        return [None if one.group_id in self.leave else self._posted(one) for one in parcels]

    def send(self, parcels: Sequence[Parcel]) -> list[Any]:
        self.apart.append([one.draft.id for one in parcels])
        return [self._posted(one) for one in parcels]

    def office(self, limit: int = 1000) -> PostOffice:
        return PostOffice(limit=limit, send=self.send, share=self.share)

    @staticmethod
    def _posted(one: Parcel) -> Posted:
        return Posted(Message(pk=one.draft.id), created=True)


def letter(group_id: UUID, officer: Officer | None = None) -> Parcel:
    return parcel(officer or Officer(), group_id)


def results(futures: Sequence[Future[Posted]]) -> list[Posted]:
    return [one.result(PATIENCE) for one in futures]


def test_what_arrives_while_others_are_written_goes_together_over_all_groups() -> None:
    sharing, groups = Sharing(), [uuid4() for _ in range(AT_ONCE)]
    office = sharing.office()
    first = office.hand_in(letter(groups[0]))
    wait_until(lambda: not office._ready, what="the first to be taken")
    letters = [letter(group) for group in groups for _ in range(2)]
    rest = [office.hand_in(one) for one in letters]
    sharing.go.set()
    assert all(one.created for one in results([first, *rest]))
    assert [len(batch) for batch in sharing.shared] == [1, AT_ONCE, AT_ONCE]
    assert sharing.apart == []
    wait_until(lambda: office.waiting == 0 and not office._queues, what="everything sent")
    sent = [pk for batch in sharing.shared[1:] for pk in batch]
    for group in groups:
        wanted = [one.draft.id for one in letters if one.group_id == group]
        assert [pk for pk in sent if pk in wanted] == wanted  # each group in its order


def test_what_was_left_goes_first_and_by_itself_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Office.__module__], "APART_SECONDS", 600.0)
    sharing, busy, free = Sharing(), uuid4(), uuid4()
    sharing.leave = {busy}
    office = sharing.office()
    first = office.hand_in(letter(uuid4()))
    wait_until(lambda: not office._ready, what="the first to be taken")
    letters = [letter(busy), letter(free), letter(busy)]
    futures = [first, *(office.hand_in(one) for one in letters)]
    sharing.go.set()
    assert all(one.created for one in results(futures))
    assert [pk for batch in sharing.apart for pk in batch] == [letters[0].draft.id, letters[2].draft.id]
    tried = len(sharing.shared)
    wait_until(lambda: not office._queues, what="everything sent")
    again = letter(busy)
    office.hand_in(again).result(PATIENCE)
    assert sharing.apart[-1] == [again.draft.id]
    assert len(sharing.shared) == tried
    office._apart_until.clear()  # a while later
    sharing.leave = set()
    wait_until(lambda: not office._queues, what="everything sent")
    office.hand_in(letter(busy)).result(PATIENCE)
    assert len(sharing.shared) == tried + 1


def test_groups_whose_keys_are_fetched_wait_among_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are threads, and one that goes by itself for another reason."""
    monkeypatch.setattr(sys.modules[Office.__module__], "APART_SECONDS", 600.0)
    sharing, slow, busy = Sharing(), {uuid4() for _ in range(THREADS)}, uuid4()
    sharing.leave = {*slow, busy}
    sharing.go.set()
    fetched = threading.Event()

    def send(parcels: Sequence[Parcel]) -> list[Any]:
        if parcels[0].group_id in slow:
            fetched.wait(PATIENCE)
        return sharing.send(parcels)

    office = PostOffice(limit=1000, send=send, share=sharing.share, at_hand=lambda one: one.group_id not in slow)
    waiting = [office.hand_in(letter(group)) for group in slow]
    try:
        wait_until(lambda: slow <= set(office._apart_until), what="all of them to go by themselves")
        assert office.hand_in(letter(busy)).result(PATIENCE).created
        assert not any(one.done() for one in waiting)
    finally:
        fetched.set()
    assert all(one.created for one in results(waiting))


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_fetched_from_a_slow_service_holds_up_no_other_group(
    room: ClosedUserGroup,
    there: ClosedUserGroup,
    fatou: Officer,
    bruno: Officer,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key agent that has the key of one group from its key service at once, of the other not for a long time."""
    come, asked = threading.Event(), threading.Event()
    keys = KeyStore.epoch_keys

    def slowly(store: KeyStore, group_id: UUID, epoch: int, wrapped: bytes) -> SealingKeys:
        if group_id == there.pk:
            asked.set()
            come.wait(PATIENCE)
        return keys(store, group_id, epoch, wrapped)

    monkeypatch.setattr(KeyStore, "epoch_keys", slowly)
    monkeypatch.setattr(AgentLine.ask, "__kwdefaults__", {"seconds": PATIENCE})
    store = KeyStore(
        roots=FileRootKeys(Path(settings.CENCOMM_ROOT_KEY_FILE)), folder=Path(settings.CENCOMM_KEY_STORE)
    )
    with agent_within(tmp_path, store=store):
        settings.CENCOMM_KEY_AGENT = tmp_path / "keys.sock"
        office = PostOffice(limit=100, share=send_shared)
        assert office.hand_in(parcel(fatou, room.pk)).result(PATIENCE).created
        waiting = office.hand_in(parcel(fatou, there.pk))
        try:
            assert asked.wait(PATIENCE)
            office._apart_until.clear()
            assert office.hand_in(parcel(bruno, room.pk)).result(PATIENCE).created
            assert not waiting.done()
        finally:
            come.set()
        assert waiting.result(PATIENCE).created
        wait_until(lambda: office.waiting == 0 and not office._queues, what="everything sent")
    assert (len(stream(room)), len(stream(there))) == (2, 1)


def test_a_failure_of_what_is_shared_is_nobodys_answer() -> None:
    sharing = Sharing()
    sharing.go.set()
    office = sharing.office()
    sharing.fails = [RuntimeError("one of them is at fault")]
    assert office.hand_in(letter(uuid4())).result(PATIENCE).created
    assert len(sharing.apart) == 1
    overloaded = OperationalError()
    overloaded.__cause__ = PoolTimeout()
    sharing.fails = [overloaded]
    with pytest.raises(Busy):
        office.hand_in(letter(uuid4())).result(PATIENCE)
    assert office.hand_in(letter(uuid4())).result(PATIENCE).created
    assert len(sharing.apart) == 1
    locked = OperationalError()
    locked.__cause__ = LockNotAvailable()
    sharing.fails = [locked]
    assert office.hand_in(letter(uuid4())).result(PATIENCE).created  # only one of them is at fault
    assert len(sharing.apart) == 2
    wait_until(lambda: office.waiting == 0, what="everything answered")


@pytest.mark.usefixtures("_no_time_passes")
def test_what_was_left_counts_once_against_the_rate(settings: Any) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "posts_per_officer_per_minute": 2}
    sharing, group, officer = Sharing(), uuid4(), Officer(pk=uuid4())
    sharing.leave = {group}
    sharing.go.set()
    office = sharing.office()
    for _ in range(2):
        assert office.hand_in(letter(group, officer)).result(PATIENCE).created
    with pytest.raises(TooFast):
        office.hand_in(letter(group, officer)).result(PATIENCE)
    wait_until(lambda: office.waiting == 0, what="everything answered")


def test_what_went_by_itself_is_not_kept_in_mind_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is signed in may name groups that there are not, one after the other."""
    monkeypatch.setattr(sys.modules[Office.__module__], "APART_SECONDS", 0.0)
    sharing, groups = Sharing(), [uuid4() for _ in range(5)]
    sharing.leave = set(groups)
    sharing.go.set()
    office, counted = sharing.office(), sum(measures.batch_size.counts)
    for group in groups:
        assert office.hand_in(letter(group)).result(PATIENCE).created
    assert len(sharing.apart) == len(groups) == sum(measures.batch_size.counts) - counted
    assert len(office._apart_until) == 1


@pytest.mark.django_db(transaction=True)
def test_what_was_committed_before_the_product_failed_is_told_all_the_same(
    room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are written by the time that objects are made of them."""
    heard: list[Wake] = []
    monkeypatch.setattr(wake_ups(), "publish", heard.append)
    monkeypatch.setattr(plainly, "as_written", _never)
    posted = PostOffice(limit=5, share=send_shared).hand_in(parcel(fatou, room.pk)).result(PATIENCE)
    assert not posted.created
    assert len(stream(room)) == 1
    assert heard == [Resync()]


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_after_its_connection_was_lost_is_told_all_the_same(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there by the time that it is tried again, and is not written again."""
    heard: list[Wake] = []
    monkeypatch.setattr(wake_ups(), "publish", heard.append)

    def lose[P](_parcels: Sequence[P]) -> list[Any]:
        raise OperationalError

    def late[P](work: Callable[[Sequence[P]], list[Any]]) -> Callable[[Sequence[P]], list[Any]]:
        def send(parcels: Sequence[P]) -> list[Any]:
            work(parcels)
            heard.clear()  # whoever looked before this found nothing
            return work(parcels)

        return send

    sent = parcel(bruno, room.pk, acknowledge=True)
    assert not PostOffice(limit=5, send=late(send_together), share=lose).hand_in(sent).result(PATIENCE).created
    assert heard == [Resync()]
    receipts: Office[Slip, Receipt] = Office(limit=5, send=late(give_together), share=lose)
    assert receipts.hand_in(Slip(fatou.pk, room.pk, sent.draft.id)).result(PATIENCE).seq == 2
    assert heard == [Resync()]
    assert not receipts._in_doubt


def _never(*_values: object, **_related: object) -> Any:
    message = "the product fails"
    raise RuntimeError(message)


@pytest.mark.django_db(transaction=True)
def test_many_groups_and_threads_leave_every_stream_whole(
    room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    """Two offices, as two processes have, one that comes by the API, and a long transaction in between."""
    offices = [PostOffice(limit=1000, share=send_shared) for _ in range(2)]
    letters = [
        parcel(officer, group.pk)
        for _ in range(15)
        for group, officer in ((room, fatou), (there, fatou), (room, bruno))
    ]
    futures = [offices[at % 2].hand_in(one) for at, one in enumerate(letters)]
    with transaction.atomic():
        ClosedUserGroup.objects.select_for_update().get(pk=room.pk)
        wait_until(lambda: sum(map(len, offices[0]._queues.values())) < 15, what="some to be sent")
    try:
        assert offices[0].post(parcel(bruno, room.pk)).created
    finally:
        connection.close()
    assert all(one.created for one in results(futures))
    assert len(stream(room)) == 31
    assert len(stream(there)) == 15
    for group in (room, there):
        assert [number for _seq, number, _pk in stream(group)] == list(range(1, len(stream(group)) + 1))
