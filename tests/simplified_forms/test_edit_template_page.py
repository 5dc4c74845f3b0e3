"""The builder's pages: what a coordinator sees and posts, with and without scripts, and who is kept out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Officer
from groups.models import ClosedUserGroup, Phase
from simplified_forms import actions, builder, queries
from simplified_forms.comparison import changes
from simplified_forms.fields import Kind, Mode
from simplified_forms.models import FormTemplate
from simplified_forms.starting import entry, starting_spec
from tests.cast import membership_of
from tests.simplified_forms.bodies import SIMPLIFIED

State = FormTemplate.State
WARNING = starting_spec(Kind.WARNING)


@pytest.fixture
def root(group: ClosedUserGroup) -> str:
    return f"/groups/{group.pk}/templates/"


@pytest.fixture
def page(client: Client, amina: Officer, sign_in: Callable[..., Client], root: str) -> Client:
    """A browser in which the coordinator is signed in."""
    return sign_in(client, amina)


def posted(spec: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return what the page would post for a specification."""
    data: dict[str, Any] = {"field": [], "required": [], "seen_at": "", "name": "Ours", "act": "save"}
    for one in spec["fields"]:
        data["field"].append(one["name"])
        if one["required"]:
            data["required"].append(one["name"])
        for language, text in one["help"].items():
            data[f"help_{language}:{one['name']}"] = text
        if one["codes"]:
            data[f"codes:{one['name']}"] = one["codes"]
    return data | values


def draft(group: ClosedUserGroup, kind: str = "warning") -> FormTemplate | None:
    return FormTemplate.objects.filter(group=group, kind=kind, state=State.DRAFT).first()


def test_the_list_shows_every_form(page: Client, root: str) -> None:
    html = page.get(root).content.decode()
    assert all(f'data-form="{kind}' in html for kind in Kind.values)
    assert 'data-form="seizure-full"' in html


def test_the_draft_page_starts_from_what_is_in_force(page: Client, root: str, group: ClosedUserGroup) -> None:
    response = page.get(f"{root}warning/")
    assert [row.name for row in response.context["rows"]] == [one["name"] for one in WARNING["fields"]]
    assert draft(group) is None


def test_what_the_page_posts_comes_back_as_it_was(page: Client, root: str, group: ClosedUserGroup) -> None:
    response = page.post(f"{root}warning/", posted(WARNING))
    assert response.status_code == 302
    saved = draft(group)
    assert saved is not None
    assert saved.spec == WARNING
    assert page.get(f"{root}warning/").context["changes"] == []


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("save", ["target", "text", "requested_action"]),
        ("up:text", ["text", "target", "requested_action"]),
        ("down:text", ["target", "requested_action", "text"]),
        ("up:target", ["target", "text", "requested_action"]),
        ("remove:text", ["target", "requested_action"]),
        ("add:seal", ["target", "text", "requested_action", "seal"]),
        ("add:text", ["target", "text", "requested_action"]),
        ("add:outcome_of_nothing", ["target", "text", "requested_action"]),
    ],
)
def test_buttons_work_without_scripts(
    page: Client, root: str, group: ClosedUserGroup, act: str, expected: list[str]
) -> None:
    spec = {"fields": [entry("target", required=True), entry("text"), entry("requested_action", required=True)]}
    assert page.post(f"{root}warning/", posted(spec, act=act)).status_code == 302
    saved = draft(group)
    assert saved is not None
    assert [one["name"] for one in saved.spec["fields"]] == expected


def test_codes_help_and_mandatory_are_kept(page: Client, root: str, group: ClosedUserGroup) -> None:
    data = posted(
        SIMPLIFIED,
        **{
            "codes:conveyance": ["SEA", "AIR"],
            "codes_text:country": "ng, bj",
            "help_fr:place": "Le port",
            "required": ["place"],
        },
    )
    assert page.post(f"{root}seizure/?mode=simplified", data).status_code == 302
    saved = draft(group, "seizure")
    assert saved is not None
    found = {one["name"]: one for one in saved.spec["fields"]}
    assert found["conveyance"]["codes"] == ["AIR", "SEA"]
    assert found["country"]["codes"] == ["BJ", "NG"]
    assert found["place"]["help"] == {"en": "", "fr": "Le port"}
    assert found["place"]["required"]
    assert found["date"]["required"], "essential fields stay mandatory whatever is posted"


def test_publishing_from_the_page(page: Client, root: str, group: ClosedUserGroup) -> None:
    spec = {"fields": [one for one in WARNING["fields"] if one["name"] != "seal"]}
    assert page.post(f"{root}warning/", posted(spec, act="publish")).status_code == 302
    published = queries.template_in_force(group, "warning")
    assert (published.version, published.name) == (2, "Ours")
    assert draft(group) is None


def test_what_cannot_be_published_comes_back_with_its_problems(
    page: Client, root: str, group: ClosedUserGroup
) -> None:
    spec = {"fields": [one for one in WARNING["fields"] if one["name"] != "target"]}
    response = page.post(f"{root}warning/", posted(spec, act="publish"))
    assert response.status_code == 422
    assert response.context["general_errors"]
    assert draft(group) is None
    assert queries.template_in_force(group, "warning").version == 1


def test_a_draft_that_someone_else_changed_is_not_overwritten(
    page: Client, root: str, group: ClosedUserGroup, amina: Officer
) -> None:
    actions.save_draft(
        membership_of(amina, group), kind="warning", mode="", name="Theirs", spec=WARNING, seen_at=None
    )
    response = page.post(f"{root}warning/", posted({"fields": WARNING["fields"][:2]}))
    assert response.status_code == 409
    assert [row.name for row in response.context["rows"]] == [one["name"] for one in WARNING["fields"][:2]]
    saved = draft(group)
    assert saved is not None
    assert saved.name == "Theirs"


def test_a_draft_is_saved_again_with_the_time_the_page_carries(
    page: Client, root: str, group: ClosedUserGroup
) -> None:
    page.post(f"{root}warning/", posted(WARNING))
    seen_at = page.get(f"{root}warning/").context["seen_at"]
    response = page.post(f"{root}warning/", posted({"fields": WARNING["fields"][:3]}, seen_at=seen_at))
    assert response.status_code == 302
    saved = draft(group)
    assert saved is not None
    assert len(saved.spec["fields"]) == 3
    assert page.get(f"{root}warning/").context["changes"]


def test_discarding_from_the_page(page: Client, root: str, group: ClosedUserGroup) -> None:
    page.post(f"{root}warning/", posted(WARNING))
    page.post(f"{root}warning/", {"act": "discard"})
    assert draft(group) is None


def test_the_preview_keeps_nothing(page: Client, root: str, group: ClosedUserGroup) -> None:
    spec = {"fields": [*WARNING["fields"][1:], WARNING["fields"][0]]}
    answer = page.post(f"{root}warning/preview/", posted(spec)).json()
    assert [field["name"] for field in answer["description"]["fields"]][-1] == "target"
    assert len(answer["changes"]) == 1
    assert draft(group) is None


def test_a_version_is_shown(page: Client, root: str, group: ClosedUserGroup) -> None:
    template = queries.template_in_force(group, "warning")
    response = page.get(f"{root}versions/{template.pk}/")
    assert response.status_code == 200
    assert len(response.context["rows"]) == len(WARNING["fields"])


def test_a_version_of_another_group_is_not_found(page: Client, root: str, other_group: ClosedUserGroup) -> None:
    foreign = queries.template_in_force(other_group, "warning")
    assert page.get(f"{root}versions/{foreign.pk}/").status_code == 404


def test_the_seizure_form_in_use_is_chosen(page: Client, root: str, group: ClosedUserGroup) -> None:
    assert page.post(f"{root}form-mode/", {"mode": "full"}).status_code == 302
    group.refresh_from_db()
    assert group.form_mode == "full"
    assert page.post(f"{root}form-mode/", {"mode": "endless"}).status_code == 404
    assert page.post(f"{root}form-mode/", {"mode": "full\0"}).status_code == 404
    assert page.post(f"{root}form-mode/", {"mode": ""}).status_code == 404


@pytest.mark.parametrize("address", ["poem/", "warning/?mode=full", "seizure/?mode=endless"])
def test_a_form_that_cannot_be_is_not_found(page: Client, root: str, address: str) -> None:
    assert page.get(f"{root}{address}").status_code == 404


def test_a_closed_operation_shows_its_forms_and_keeps_them(page: Client, root: str, group: ClosedUserGroup) -> None:
    ClosedUserGroup.objects.filter(pk=group.pk).update(phase=Phase.CLOSED)
    assert page.get(f"{root}warning/").context["editable"] is False
    assert page.post(f"{root}warning/", posted(WARNING)).status_code == 409
    assert draft(group) is None


ADDRESSES = [
    ("get", ""),
    ("get", "warning/"),
    ("post", "warning/"),
    ("post", "warning/preview/"),
    ("post", "form-mode/"),
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
@pytest.mark.parametrize(
    ("name", "status"),
    [
        *[(name, 403) for name in ("chloe", "bruno", "fatou", "olga", "audrey")],
        *[(name, 404) for name in ("eve", "removed", "padma")],
    ],
)
def test_only_the_coordinator_reaches_the_builder(
    request: pytest.FixtureRequest,
    client: Client,
    sign_in: Callable[..., Client],
    group: ClosedUserGroup,
    root: str,
    method: str,
    address: str,
    name: str,
    status: int,
) -> None:
    sign_in(client, request.getfixturevalue(name))
    response = getattr(client, method)(root + address, posted(WARNING, mode="full"))
    assert response.status_code == status
    assert draft(group) is None
    group.refresh_from_db()
    assert group.form_mode == "simplified"


def test_changes_are_told_in_sentences() -> None:
    before = {"fields": [entry("target", required=True), entry("seal"), entry("text"), entry("hs")]}
    after = {"fields": [entry("text", required=True), entry("target"), entry("hs"), entry("brand")]}
    assert changes(before, after) == [
        "Added: Brand",
        "Removed: Seal number",
        "Now mandatory: Text",
        "Now optional: Target",
        "Moved: Target",
    ]
    assert changes(before, before) == []


@pytest.mark.parametrize("mode", Mode)
def test_the_catalogue_offers_no_nominal_field_unasked(mode: Mode) -> None:
    spec = starting_spec(Kind.SEIZURE, mode)
    names = {row.name for _, rows in builder.offers(spec, "seizure", nominal_allowed=False) for row in rows}
    assert "person_name" not in names
    assert names >= {one["name"] for one in spec["fields"]}


def test_a_name_that_is_no_field_is_refused_and_does_not_break_the_page(page: Client, root: str) -> None:
    response = page.post(f"{root}warning/", {"field": ["target", "<b>"], "act": "save", "seen_at": ""})
    assert response.status_code == 422
