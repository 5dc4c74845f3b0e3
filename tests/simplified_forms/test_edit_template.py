"""Saving, discarding and publishing forms: who may, when, what is kept, and what the trail says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.models import Officer
from audit.models import Entry
from groups import announcements
from groups.errors import NotAllowed, OperationClosed
from groups.models import ClosedUserGroup, Membership, Phase, Role
from simplified_forms import actions, queries
from simplified_forms.errors import BadTemplate, DraftMoved, NoTemplate, NothingToPublish, TemplateUnknown
from simplified_forms.fields import Kind, Mode
from simplified_forms.models import FormTemplate
from simplified_forms.starting import entry, starting_spec
from tests.cast import join, membership_of

State = FormTemplate.State
WARNING = starting_spec(Kind.WARNING)


@pytest.fixture
def coordinator(group: ClosedUserGroup, amina: Officer) -> Membership:
    return membership_of(amina, group)


@pytest.fixture
def bare(db: None) -> ClosedUserGroup:
    """A group by rows, that nobody was told of: it has no forms."""
    return ClosedUserGroup.objects.create(code="BARE", name="Bare", kind="standing", phase=Phase.OPERATIONAL)


def save(membership: Membership, **values: Any) -> FormTemplate:
    values = {"kind": "warning", "mode": "", "name": "Ours", "spec": WARNING, "seen_at": None} | values
    return actions.save_draft(membership, **values)


def entries(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action=action).order_by("id"))


def test_a_new_group_starts_with_every_form(bare: ClosedUserGroup, make_officer: Any) -> None:
    with transaction.atomic():
        announcements.announce_created(bare, actor=make_officer("maker").pk)
    kinds = [template.kind for template in queries.templates_in_force(bare)]
    assert kinds == Kind.values
    assert FormTemplate.objects.filter(group=bare, kind="seizure", state=State.PUBLISHED).count() == 2
    [recorded] = entries("form:template:published")
    assert (recorded.group, recorded.details["starting"]) == (bare.pk, len(Kind) + 1)


def test_starting_twice_changes_nothing(bare: ClosedUserGroup) -> None:
    assert len(actions.create_starting_templates(bare)) == len(Kind) + 1
    assert actions.create_starting_templates(bare) == []


def test_the_form_mode_picks_the_seizure_form(bare: ClosedUserGroup) -> None:
    actions.create_starting_templates(bare, mode="full")
    bare.refresh_from_db()
    assert bare.form_mode == "full"
    assert queries.template_in_force(bare, "seizure").mode == "full"


def test_a_kind_without_a_form_is_refused(bare: ClosedUserGroup) -> None:
    with pytest.raises(NoTemplate):
        queries.template_in_force(bare, "warning")


def test_a_draft_is_saved_and_leaves_what_is_in_force(coordinator: Membership) -> None:
    before = queries.template_in_force(coordinator.group, "warning")
    draft = save(coordinator, spec={"fields": WARNING["fields"][:3]})
    assert (draft.state, draft.version, draft.saved_by_id) == (State.DRAFT, None, coordinator.officer_id)
    assert queries.template_in_force(coordinator.group, "warning") == before
    [recorded] = entries("form:draft:saved")
    assert (recorded.actor, recorded.group) == (coordinator.officer_id, coordinator.group_id)
    assert recorded.details == {"kind": "warning", "mode": ""}
    assert recorded.subject == f"template:{draft.pk}"


def test_a_draft_is_changed_by_whoever_saw_it_last(coordinator: Membership) -> None:
    first = save(coordinator)
    second = save(coordinator, seen_at=first.saved_at, name="Other")
    assert (second.pk, second.name) == (first.pk, "Other")
    with pytest.raises(DraftMoved):
        save(coordinator, seen_at=first.saved_at)
    with pytest.raises(DraftMoved):
        save(coordinator, seen_at=None)


def test_a_seizure_has_a_draft_per_form_mode(coordinator: Membership) -> None:
    for mode in Mode:
        save(coordinator, kind="seizure", mode=mode.value, spec=starting_spec(Kind.SEIZURE, mode))
    assert FormTemplate.objects.filter(kind="seizure", state=State.DRAFT).count() == 2


@pytest.mark.parametrize(("kind", "mode"), [("warning", "full"), ("seizure", ""), ("poem", "")])
def test_a_form_that_cannot_be_is_unknown(coordinator: Membership, kind: str, mode: str) -> None:
    with pytest.raises(TemplateUnknown):
        save(coordinator, kind=kind, mode=mode)


def test_publishing_puts_the_next_version_in_force(coordinator: Membership) -> None:
    draft = save(coordinator)
    published = actions.publish_template(coordinator, kind="warning", mode="")
    assert (published.pk, published.version) == (draft.pk, 2)
    assert queries.template_in_force(coordinator.group, "warning").pk == draft.pk
    retired = FormTemplate.objects.get(kind="warning", version=1)
    assert retired.state == State.RETIRED
    assert retired.retired_at == published.published_at
    recorded = entries("form:template:published")[-1]
    assert recorded.details == {"kind": "warning", "mode": "", "version": 2}
    assert recorded.actor == coordinator.officer_id


def test_publishing_twice_finds_nothing_the_second_time(coordinator: Membership) -> None:
    save(coordinator)
    actions.publish_template(coordinator, kind="warning", mode="")
    with pytest.raises(NothingToPublish):
        actions.publish_template(coordinator, kind="warning", mode="")


def test_a_draft_that_moved_is_not_published(coordinator: Membership) -> None:
    draft = save(coordinator)
    with pytest.raises(DraftMoved):
        actions.publish_template(
            coordinator, kind="warning", mode="", seen_at=draft.saved_at - timedelta(seconds=1)
        )


def test_both_seizure_forms_count_their_versions_together(coordinator: Membership) -> None:
    for mode in Mode:
        save(coordinator, kind="seizure", mode=mode.value, spec=starting_spec(Kind.SEIZURE, mode))
        actions.publish_template(coordinator, kind="seizure", mode=mode.value)
    numbers = FormTemplate.objects.filter(kind="seizure").order_by("version").values_list("version", flat=True)
    assert list(numbers) == [1, 2, 3, 4]


def test_an_essential_field_cannot_be_left_out_or_made_optional(coordinator: Membership) -> None:
    spec = starting_spec(Kind.SEIZURE, Mode.SIMPLIFIED)
    fields = [one for one in spec["fields"] if one["name"] != "commodity"]
    for one in fields:
        one["required"] = one["required"] and one["name"] != "date"
    save(coordinator, kind="seizure", mode="simplified", spec={"fields": fields})
    with pytest.raises(BadTemplate) as refused:
        actions.publish_template(coordinator, kind="seizure", mode="simplified")
    assert {(problem.field, problem.code) for problem in refused.value.errors} == {
        ("commodity", "essential_missing"),
        ("date", "essential_missing"),
    }
    assert queries.template_in_force(coordinator.group, "seizure").version == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([entry("outcome")], ("outcome", "unknown_field")),
        ([{"name": "zzz"}], ("zzz", "unknown_field")),
        ([entry("text"), entry("text")], ("text", "twice")),
        ([entry("person_name")], ("person_name", "nominal_not_allowed")),
        ([entry("conveyance") | {"codes": ["WALK"]}], ("conveyance", "unknown_code")),
        ([entry("conveyance") | {"codes": []}], ("conveyance", "no_codes")),
        ([entry("text") | {"help": {"en": "x" * 301}}], ("text", "help_too_long")),
        ([entry("conveyance") | {"default": "WALK"}], ("conveyance", "bad_default")),
        ([entry("conveyance") | {"codes": ["AIR"], "default": "SEA"}], ("conveyance", "bad_default")),
        ("text", ("", "not_a_specification")),
        ([entry("text")] * 101, ("", "too_many_fields")),
    ],
)
def test_a_wrong_specification_is_refused_at_the_field(
    coordinator: Membership, fields: Any, problem: tuple[str, str]
) -> None:
    with pytest.raises(BadTemplate) as refused:
        save(coordinator, spec={"fields": fields})
    assert [(one.field, one.code) for one in refused.value.errors] == [problem]
    assert not FormTemplate.objects.filter(state=State.DRAFT).exists()


def test_a_group_with_nominal_data_may_ask_for_it(coordinator: Membership) -> None:
    ClosedUserGroup.objects.filter(pk=coordinator.group_id).update(nominal_allowed=True)
    draft = save(coordinator, spec={"fields": [*WARNING["fields"], entry("person_name")]})
    assert draft.spec["fields"][-1]["name"] == "person_name"


def test_a_draft_is_discarded(coordinator: Membership) -> None:
    save(coordinator)
    actions.discard_draft(coordinator, kind="warning", mode="")
    assert queries.draft_of(coordinator, kind="warning", mode="") is None
    assert len(entries("form:draft:discarded")) == 1
    actions.discard_draft(coordinator, kind="warning", mode="")
    assert len(entries("form:draft:discarded")) == 1


def test_the_other_seizure_form_is_put_in_use(coordinator: Membership) -> None:
    actions.choose_form_mode(coordinator, mode="full")
    assert ClosedUserGroup.objects.get(pk=coordinator.group_id).form_mode == "full"
    assert queries.template_in_force(coordinator.group, "seizure").mode == "full"
    [recorded] = entries("form:mode:chosen")
    assert recorded.details == {"mode": "full"}
    actions.choose_form_mode(coordinator, mode="full")
    assert len(entries("form:mode:chosen")) == 1


def test_a_form_mode_without_a_form_is_unknown(bare: ClosedUserGroup, amina: Officer) -> None:
    with pytest.raises(TemplateUnknown):
        actions.choose_form_mode(join(bare, amina, Role.COORDINATOR), mode="full")


WRITES: list[Any] = [
    save,
    lambda m: actions.discard_draft(m, kind="warning", mode=""),
    lambda m: actions.publish_template(m, kind="warning", mode=""),
    lambda m: actions.choose_form_mode(m, mode="full"),
]


@pytest.mark.parametrize("write", WRITES, ids=["save", "discard", "publish", "choose"])
@pytest.mark.parametrize("name", ["chloe", "bruno", "fatou", "olga", "audrey"])
def test_only_the_coordinator_edits_forms(
    request: pytest.FixtureRequest, coordinator: Membership, write: Any, name: str
) -> None:
    save(coordinator)
    other = membership_of(request.getfixturevalue(name), coordinator.group)
    with pytest.raises(NotAllowed):
        write(other)
    assert FormTemplate.objects.filter(state=State.DRAFT).count() == 1
    assert not entries("form:mode:chosen")


@pytest.mark.parametrize("write", WRITES, ids=["save", "discard", "publish", "choose"])
@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_a_closed_operation_keeps_its_forms(coordinator: Membership, write: Any, phase: Phase) -> None:
    draft = save(coordinator)
    # The page was opened before: the membership still says operational.
    ClosedUserGroup.objects.filter(pk=coordinator.group_id).update(phase=phase)
    with pytest.raises(OperationClosed):
        write(coordinator)
    assert FormTemplate.objects.get(pk=draft.pk).saved_at == draft.saved_at


def test_a_published_version_cannot_be_changed_by_anybody(coordinator: Membership) -> None:
    published = FormTemplate.objects.filter(group=coordinator.group, kind="warning")
    for change in (
        {"spec": {"fields": []}},
        {"name": "x"},
        {"version": 9},
        {"state": State.DRAFT, "version": None},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            published.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        published.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        published._raw_delete(published.db)
    assert published.get().spec == WARNING


def test_a_retired_version_cannot_come_back(coordinator: Membership) -> None:
    save(coordinator)
    actions.publish_template(coordinator, kind="warning", mode="")
    retired = FormTemplate.objects.filter(kind="warning", version=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        retired.update(state=State.PUBLISHED, retired_at=None)
    assert retired.get().state == State.RETIRED


def test_another_groups_form_is_unknown(coordinator: Membership, other_group: ClosedUserGroup) -> None:
    foreign = queries.template_in_force(other_group, "warning")
    with pytest.raises(TemplateUnknown):
        queries.template_in(coordinator, foreign.pk)
