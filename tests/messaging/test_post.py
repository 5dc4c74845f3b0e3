"""Sending a message: the one write path, for every kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.models import Officer
from audit.models import Entry
from groups.errors import NotAllowed, OperationClosed, PhaseForbids, Stranger
from groups.keys import rotate_epoch
from groups.models import ClosedUserGroup, Membership
from messaging.actions import Posted, post_message
from messaging.errors import (
    ConflictingReplay,
    FormChanged,
    InvalidMessage,
    MessageTooLarge,
    NotYours,
    TooFast,
)
from messaging.kinds import RULES
from messaging.models import Event, Message
from messaging.queries import message_in, opened
from tests.cast import membership_of
from tests.messaging.conftest import BODIES, draft, seizure_body

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]
Member = Callable[[Officer], Membership]


def fields(refusal: InvalidMessage) -> set[tuple[str, str]]:
    return {(error.field, error.code) for error in refusal.errors}


def test_a_note_is_sealed_numbered_and_audited(
    post: Post, member: Member, fatou: Officer, room: ClosedUserGroup
) -> None:
    text = "Deux camions bâchés à l'entrée"
    posted = post(fatou, body={"text": text})
    message = Message.objects.get(pk=posted.message.pk)
    assert posted.created
    assert (message.seq, message.number, message.reference) == (1, 1, "HARMATTAN-GH-MSG-00001")
    assert (message.status, message.country, message.language) == ("sent", "GH", "fr")
    assert text.encode() not in bytes(message.sealed)
    assert b"camion" not in bytes(message.sealed)
    [found] = opened(member(fatou), [message])
    assert found.body == {"text": text}
    assert found.subject == text
    event = Event.objects.get(group_id=room.pk)
    assert (event.seq, event.type, event.message_id, event.actor) == (1, "message", message.pk, fatou.pk)
    entry = Entry.objects.get(action="message:message:posted")
    assert (entry.actor, entry.group, entry.subject) == (fatou.pk, room.pk, f"message:{message.pk}")
    assert text not in str(entry.details)


@pytest.mark.parametrize("kind", [kind for kind in BODIES if RULES[kind].answers is None])
def test_every_kind_can_be_sent_on_its_starting_form(kind: str, post: Post, amina: Officer) -> None:
    message = post(amina, kind).message
    assert message.reference == f"HARMATTAN-NG-{RULES[kind].code}-00001"


def test_references_are_gapless_per_kind_and_numbers_per_group(
    post: Post, amina: Officer, fatou: Officer, room: ClosedUserGroup
) -> None:
    sent = [post(amina), post(fatou, "seizure"), post(fatou), post(amina, "seizure")]
    with pytest.raises(InvalidMessage):
        post(fatou, body={})
    sent.append(post(fatou))
    assert [p.message.seq for p in sent] == [1, 2, 3, 4, 5]
    assert [p.message.reference[-9:] for p in sent] == [
        "MSG-00001", "SZR-00001", "MSG-00002", "SZR-00002", "MSG-00003",
    ]  # fmt: skip
    room.refresh_from_db()
    assert room.head == 5


def test_a_replay_answers_the_first_message(post: Post, fatou: Officer) -> None:
    one = draft()
    first = post(fatou, id=one.id, due_at=None)
    again = post(fatou, id=one.id, due_at=None)
    assert first.created
    assert not again.created
    assert (again.message.pk, again.message.seq) == (first.message.pk, first.message.seq)
    assert Event.objects.count() == 1


def test_a_replay_is_answered_also_after_the_operation_closed(
    post: Post, fatou: Officer, room: ClosedUserGroup
) -> None:
    one = draft()
    post(fatou, id=one.id)
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    assert not post(fatou, id=one.id).created
    with pytest.raises(OperationClosed):
        post(fatou)


def test_a_replay_is_known_across_key_epochs(post: Post, fatou: Officer, room: ClosedUserGroup) -> None:
    one = draft()
    post(fatou, id=one.id)
    room.refresh_from_db()
    rotate_epoch(room, actor=None, reason="test")
    assert not post(fatou, id=one.id).created
    assert post(fatou).message.key_epoch == 2


@pytest.mark.parametrize(
    "change",
    [
        {"body": {"text": "Something else"}},
        {"subject": "Another subject"},
        {"priority": "immediate"},
        {"addressed_to": {"countries": ["NG"]}},
        {"handling": "RED"},
    ],
)
def test_the_same_id_with_other_content_is_refused(change: dict[str, Any], post: Post, fatou: Officer) -> None:
    one = draft()
    post(fatou, id=one.id)
    with pytest.raises(ConflictingReplay):
        post(fatou, id=one.id, **change)


def test_an_id_that_another_officer_or_group_used_is_refused_alike(
    post: Post, fatou: Officer, amina: Officer, eve: Officer, other_group: ClosedUserGroup
) -> None:
    from simplified_forms.actions import create_starting_templates

    create_starting_templates(other_group)
    one = draft()
    post(fatou, id=one.id)
    with pytest.raises(ConflictingReplay):
        post(amina, id=one.id)
    with pytest.raises(ConflictingReplay):
        post_message(membership_of(eve, other_group), draft=one)


def test_a_message_of_another_group_can_neither_be_answered_nor_corrected(
    post: Post, fatou: Officer, eve: Officer, other_group: ClosedUserGroup
) -> None:
    from simplified_forms.actions import create_starting_templates

    create_starting_templates(other_group)
    foreign = post_message(membership_of(eve, other_group), draft=draft()).message
    for relation in ("in_reply_to", "supersedes"):
        with pytest.raises(InvalidMessage) as refused:
            post(fatou, **{relation: foreign.pk})
        assert fields(refused.value) == {(relation, "not_found")}


@pytest.mark.parametrize("kind", ["note", "seizure", "warning"])
def test_observer_and_auditor_send_nothing(kind: str, post: Post, olga: Officer, audrey: Officer) -> None:
    for officer in (olga, audrey):
        with pytest.raises(NotAllowed):
            post(officer, kind)


@pytest.mark.parametrize("kind", ["sitrep", "bulletin", "administrative"])
def test_coordination_is_sent_by_the_unit_only(
    kind: str, post: Post, fatou: Officer, bruno: Officer, chloe: Officer
) -> None:
    for officer in (fatou, bruno):
        with pytest.raises(NotAllowed):
            post(officer, kind)
    assert post(chloe, kind).created


def test_who_was_removed_meanwhile_sends_nothing(member: Member, fatou: Officer) -> None:
    before = member(fatou)
    Membership.objects.filter(pk=before.pk).update(left_at=timezone.now())
    with pytest.raises(Stranger):
        post_message(before, draft=draft())
    assert not Message.objects.exists()


def test_whose_role_was_lowered_meanwhile_sends_nothing(member: Member, fatou: Officer) -> None:
    before = member(fatou)
    Membership.objects.filter(pk=before.pk).update(role="observer")
    with pytest.raises(NotAllowed):
        post_message(before, draft=draft())


@pytest.mark.parametrize(
    ("phase", "kind", "refusal"),
    [
        ("planning", "note", PhaseForbids),
        ("closed", "note", OperationClosed),
        ("closed", "seizure", OperationClosed),
        ("archived", "note", OperationClosed),
        ("postoperational", "warning", PhaseForbids),
    ],
)
def test_the_phase_forbids(
    phase: str, kind: str, refusal: type[Exception], post: Post, fatou: Officer, room: ClosedUserGroup
) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=phase)
    with pytest.raises(refusal):
        post(fatou, kind)


def test_the_phase_is_asked_again_under_the_lock(member: Member, fatou: Officer, room: ClosedUserGroup) -> None:
    before = member(fatou)
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    with pytest.raises(OperationClosed):
        post_message(before, draft=draft())


def test_late_reports_are_taken_after_the_operation(post: Post, fatou: Officer, room: ClosedUserGroup) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="postoperational")
    assert not post(fatou, "seizure").message.exercise


def test_what_is_sent_before_the_operation_is_an_exercise(
    post: Post, fatou: Officer, room: ClosedUserGroup
) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="preoperational")
    assert post(fatou, "seizure").message.exercise
    assert post(fatou, "warning").message.exercise


def test_a_broken_form_names_its_fields(post: Post, fatou: Officer) -> None:
    with pytest.raises(InvalidMessage) as refused:
        post(fatou, "seizure", body={"date": "2031-01-01", "country": "GH", "bogus": 1})
    found = {field for field, _code in fields(refused.value)}
    assert {"body.date", "body.conveyance", "body.commodity", "body.quantity", "body.bogus"} <= found
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"subject": "x" * 161}, ("subject", "too_long")),
        ({"subject": "bell \x07"}, ("subject", "control_character")),
        ({"language": "french, please"}, ("language", "unknown")),
        ({"priority": "asap"}, ("priority", "unknown")),
        ({"handling": "TLP:PINK"}, ("handling", "unknown")),
        ({"grading": {"source": "G", "information": "1"}}, ("grading.source", "unknown")),
        ({"grading": {"source": "A"}}, ("grading.information", "unknown")),
        ({"attachments": [uuid4()]}, ("attachments.0", "not_found")),
        ({"attachments": [uuid4() for _ in range(11)]}, ("attachments", "too_many")),
        ({"attachments": [UUID(int=7)] * 2}, ("attachments", "twice")),
        ({"due_at": timezone.now().replace(tzinfo=None)}, ("due_at", "no_zone")),
        ({"due_at": timezone.now() + timedelta(days=900)}, ("due_at", "out_of_range")),
        ({"addressed_to": {"planets": ["X"]}}, ("addressed_to", "unknown")),
        ({"addressed_to": {"roles": ["emperor"]}}, ("addressed_to.roles", "unknown")),
        ({"addressed_to": {"countries": "NG"}}, ("addressed_to.countries", "not_a_list")),
        ({"addressed_to": {"countries": ["ZW"]}}, ("addressed_to.countries", "not_in_group")),
        ({"addressed_to": {"officers": [str(uuid4())]}}, ("addressed_to.officers", "not_in_group")),
        ({"in_reply_to": uuid4()}, ("in_reply_to", "not_found")),
        ({"supersedes": uuid4()}, ("supersedes", "not_found")),
    ],
)
def test_a_broken_envelope_names_its_field(
    values: dict[str, Any], problem: tuple[str, str], post: Post, fatou: Officer
) -> None:
    with pytest.raises(InvalidMessage) as refused:
        post(fatou, **values)
    assert problem in fields(refused.value)
    assert not Message.objects.exists()


def test_an_unknown_kind_is_refused(member: Member, fatou: Officer) -> None:
    with pytest.raises(InvalidMessage) as refused:
        post_message(member(fatou), draft=draft("novel", body={}))
    assert fields(refused.value) == {("kind", "unknown")}


def test_an_oversized_message_is_refused(post: Post, fatou: Officer) -> None:
    with pytest.raises(MessageTooLarge) as refused:
        post(fatou, body={"text": "x" * 70_000})
    assert refused.value.status == 413


@pytest.mark.usefixtures("_no_time_passes")
def test_too_many_posts_are_refused_with_the_time_to_wait(
    post: Post, fatou: Officer, amina: Officer, settings: Any
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "posts_per_officer_per_minute": 3}
    for _ in range(3):
        post(fatou)
    with pytest.raises(TooFast) as refused:
        post(fatou)
    assert refused.value.status == 429
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 20
    assert post(amina).created


def test_a_form_that_was_replaced_is_told(post: Post, fatou: Officer) -> None:
    used = post(fatou).message.template_id
    assert post(fatou, template=used).created
    with pytest.raises(FormChanged):
        post(fatou, template=uuid4())


def test_feedback_answers_a_warning_and_nothing_else(post: Post, amina: Officer, fatou: Officer) -> None:
    warning = post(amina, "warning", addressed_to={"countries": ["GH"]}).message
    feedback = post(fatou, "feedback", in_reply_to=warning.pk).message
    assert (feedback.in_reply_to_id, feedback.thread) == (warning.pk, warning.pk)
    with pytest.raises(InvalidMessage) as alone:
        post(fatou, "feedback")
    assert fields(alone.value) == {("in_reply_to", "required")}
    with pytest.raises(InvalidMessage) as wrong:
        post(fatou, "feedback", in_reply_to=feedback.pk)
    assert fields(wrong.value) == {("in_reply_to", "other_kind")}


def test_a_reply_to_a_reply_stays_in_its_thread(post: Post, amina: Officer, fatou: Officer) -> None:
    root = post(amina, "warning").message
    feedback = post(fatou, "feedback", in_reply_to=root.pk).message
    note = post(amina, in_reply_to=feedback.pk).message
    assert note.thread == root.pk


def test_the_addressees_are_kept_in_one_spelling(post: Post, fatou: Officer, amina: Officer) -> None:
    everybody = post(fatou).message
    some = post(
        fatou, addressed_to={"roles": ["analyst"], "countries": ["NG", "BE", "NG"], "officers": [amina.pk]}
    ).message
    assert everybody.addressed_to == {"all": True}
    assert some.addressed_to == {"roles": ["analyst"], "countries": ["BE", "NG"], "officers": [str(amina.pk)]}


def test_a_correction_supersedes_what_it_corrects(
    post: Post, member: Member, fatou: Officer, bruno: Officer
) -> None:
    old = post(fatou, "seizure").message
    new = post(bruno, "seizure", body=seizure_body(cases=2), supersedes=old.pk).message
    old.refresh_from_db()
    assert old.superseded_at is not None
    assert (new.supersedes_id, new.thread, new.status) == (old.pk, old.pk, "submitted")
    assert message_in(member(fatou), old.pk).superseded_by == new.pk
    with pytest.raises(InvalidMessage) as twice:
        post(fatou, "seizure", body=seizure_body(cases=3), supersedes=old.pk)
    assert fields(twice.value) == {("supersedes", "superseded")}
    assert post(bruno, "seizure", body=seizure_body(cases=3), supersedes=new.pk).created


def test_only_those_concerned_correct(
    post: Post, fatou: Officer, dmitri: Officer, amina: Officer, bruno: Officer
) -> None:
    of_belgium = post(dmitri, "seizure", body=seizure_body(country="BE")).message
    for officer in (fatou, bruno):
        with pytest.raises(NotYours):
            post(officer, "seizure", supersedes=of_belgium.pk)
    assert post(amina, "seizure", supersedes=of_belgium.pk).created


def test_a_correction_is_of_the_same_kind(post: Post, fatou: Officer) -> None:
    note = post(fatou).message
    with pytest.raises(InvalidMessage) as refused:
        post(fatou, "seizure", supersedes=note.pk)
    assert fields(refused.value) == {("supersedes", "other_kind")}


def test_a_corrected_transfer_is_marked_and_told(post: Post, fatou: Officer) -> None:
    old = post(fatou, "seizure").message
    Message.objects.filter(pk=old.pk).update(status="transferred")
    new = post(fatou, "seizure", body=seizure_body(cases=4), supersedes=old.pk).message
    old.refresh_from_db()
    assert old.status == "corrected"
    types = list(Event.objects.order_by("seq").values_list("seq", "type", "message_id"))
    assert types[1:] == [(2, "message", new.pk), (3, "status", old.pk)]
    assert post(fatou).message.seq == 4


def test_the_default_subject_says_what_it_is(post: Post, member: Member, amina: Officer) -> None:
    message = post(amina, "seizure", language="en").message
    assert "Tramadol" in message_in(member(amina), message.pk).subject


def test_naughty_text_comes_back_unchanged(post: Post, member: Member, fatou: Officer) -> None:
    text = "\u202e\u2066 <script>alert(1)</script> ' OR 1=1 -- 👩\u200d👩\u200d👧 \ufeff תֵּל \u0627\u0644."
    message = post(fatou, body={"text": f"x {text}"}).message
    assert message_in(member(fatou), message.pk).body["text"] == f"x {text}"
