"""The pages and the API of transfers: who sees what, and that each step works over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Officer
from audit.models import Entry
from cen.models import Seizure
from exports import actions
from exports.delivery import deliver_batch
from exports.mapping import starting_rules
from exports.models import AutomaticTransfer, Batch, MappingVersion, Resolution, Transfer
from groups.models import ClosedUserGroup, Membership
from messaging.models import Message
from tests.cast import sign_in, token_for

pytestmark = pytest.mark.django_db(databases=["default", "cen"])
Report = Callable[..., Message]


@pytest.fixture
def page(group: ClosedUserGroup) -> str:
    return f"/groups/{group.pk}/transfer/"


def test_ready_seizure_is_shown_confirmed_and_sent(
    client: Client, page: str, report: Report, amina: Officer
) -> None:
    message = report()
    sign_in(client, amina)
    assert message.reference in client.get(page).content.decode()
    shown = client.post(page + "confirm/", {"all": "yes"}).content.decode()
    assert "bricks behind the doors" in shown
    assert "31.2" in shown
    pair = shown.split('name="confirmed" value="')[1].split('"')[0]
    answer = client.post(page + "start/", {"confirmed": pair})
    batch = Batch.objects.get()
    assert answer["Location"] == f"{page}batches/{batch.pk}/"
    deliver_batch(batch.pk)
    receipt = client.get(answer["Location"]).content.decode()
    assert Seizure.objects.get().cen_reference in receipt
    assert Seizure.objects.get().cen_reference in client.get(page + "?show=sent").content.decode()
    assert f"{batch.started_at:%Y-%m-%d %H:%M} UTC" in receipt  # amina's own clock is an hour ahead


def test_changed_record_is_not_sent(client: Client, page: str, report: Report, amina: Officer) -> None:
    message = report()
    sign_in(client, amina)
    assert client.post(page + "start/", {"confirmed": f"{message.pk}:{'0' * 64}"}).status_code == 409
    assert not Transfer.objects.exists()


def test_garbage_confirmation_is_refused(client: Client, page: str, report: Report, amina: Officer) -> None:
    report()
    sign_in(client, amina)
    assert client.post(page + "start/", {"confirmed": "nonsense"}).status_code == 409


def test_blocked_seizure_is_resolved_in_place(client: Client, page: str, report: Report, amina: Officer) -> None:
    message = report(description="for Mr. Kofi Mensah")
    sign_in(client, amina)
    assert "Kofi Mensah" in client.get(page + "?show=blocked").content.decode()
    answer = client.post(f"{page}resolve/{message.pk}/", {"kind": "not_nominal", "about": ""})
    assert (answer.status_code, Resolution.objects.count()) == (302, 1)
    assert message.reference in client.get(page).content.decode()


def test_exact_record_shows_only_what_leaves(client: Client, page: str, report: Report, chloe: Officer) -> None:
    message = report()
    sign_in(client, chloe)
    shown = client.get(f"{page}record/{message.pk}/").content.decode()
    assert "place_code" in shown
    assert "GHTEM" in shown
    assert "Tema, Ghana" in shown
    assert message.reference in shown


@pytest.mark.parametrize("name", ["chloe", "bruno"])
def test_who_may_see_may_not_send(
    client: Client, page: str, report: Report, name: str, request: pytest.FixtureRequest
) -> None:
    report()
    sign_in(client, request.getfixturevalue(name))
    assert client.get(page).status_code == 200
    for path in ("confirm/", "start/", "automatic/"):
        assert client.post(page + path, {"all": "yes", "on": "yes"}).status_code == 403
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("name", "status"), [("fatou", 403), ("olga", 403), ("audrey", 403), ("eve", 404), ("padma", 404)]
)
def test_others_do_not_see_transfers(
    client: Client, page: str, group: ClosedUserGroup, name: str, status: int, request: pytest.FixtureRequest
) -> None:
    sign_in(client, request.getfixturevalue(name))
    for path in ("", "?show=sent", "reconciliation/"):
        assert client.get(page + path).status_code == status


def test_automatic_is_switched_on_and_off(client: Client, page: str, amina: Officer) -> None:
    sign_in(client, amina)
    client.post(page + "automatic/", {"on": "yes"})
    assert AutomaticTransfer.objects.count() == 1
    client.post(page + "automatic/", {"on": "no"})
    assert AutomaticTransfer.objects.count() == 0
    entries = Entry.objects.filter(action="transfer:automatic:set").order_by("id")
    assert [entry.details for entry in entries] == [{"on": True}, {"on": False}]


def mapping_form(**changes: str) -> dict[str, str]:
    return {f"column-{rule.field}": rule.column for rule in starting_rules()} | changes


def test_administrator_changes_the_mapping(client: Client, padma: Officer) -> None:
    sign_in(client, padma)
    assert client.get("/administration/mapping/").status_code == 200
    answer = client.post("/administration/mapping/", mapping_form(**{"column-departure_country": ""}))
    assert answer.status_code == 302
    version = MappingVersion.objects.get()
    assert "departure_country" not in {rule["field"] for rule in version.rules}
    assert Entry.objects.get(action="transfer:mapping:changed").subject == f"mapping:{version.pk}"


def test_mapping_without_the_needed_columns_is_refused(client: Client, padma: Officer) -> None:
    sign_in(client, padma)
    assert client.post("/administration/mapping/", mapping_form(**{"column-date": ""})).status_code == 422
    assert not MappingVersion.objects.exists()


def test_only_administrators_see_the_mapping(client: Client, amina: Officer) -> None:
    sign_in(client, amina)
    assert client.get("/administration/mapping/").status_code == 404
    assert client.post("/administration/mapping/", mapping_form()).status_code == 404


def test_mapping_in_force_decides_what_leaves(report: Report, coordinator: Membership, padma: Officer) -> None:
    rules = [{"field": r.field, "column": r.column} for r in starting_rules() if r.field != "description"]
    actions.save_mapping(padma, rules=rules)
    report()
    deliver_batch(actions.start_transfer(coordinator).pk)
    assert Seizure.objects.get().description == ""


def call(client: Client, officer: Officer, method: str, path: str, body: Any = None, *scopes: str) -> Any:
    bearer = {"Authorization": f"Bearer {token_for(officer, *scopes)}"}
    if method == "get":
        return client.get("/api/v1" + path, headers=bearer)
    return client.post("/api/v1" + path, body, content_type="application/json", headers=bearer)


def test_api_starts_and_follows_a_transfer(
    client: Client, group: ClosedUserGroup, report: Report, amina: Officer
) -> None:
    message = report()
    [ready] = call(client, amina, "get", f"/groups/{group.pk}/transfers/review").json()["ready"]
    body = {"messages": [{"id": ready["id"], "digest": ready["digest"]}]}
    refused = call(client, amina, "post", f"/groups/{group.pk}/transfers", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_impossible")
    sign_in(client, amina)
    started = client.post(f"/api/v1/groups/{group.pk}/transfers", body, content_type="application/json")
    assert (started.status_code, started.json()["progress"]["queued"]) == (201, 1)
    deliver_batch(Batch.objects.get().pk)
    followed = call(client, amina, "get", f"/transfers/{started.json()['id']}").json()
    assert followed["progress"] == {"total": 1, "queued": 0, "accepted": 1, "refused": 0}
    assert followed["receipts"][0]["source_reference"] == message.reference


def test_api_without_the_scope_is_refused(
    client: Client, group: ClosedUserGroup, report: Report, amina: Officer
) -> None:
    report()
    answer = call(client, amina, "post", f"/groups/{group.pk}/transfers", {"all": True}, "messages:write")
    assert (answer.status_code, Batch.objects.count()) == (403, 0)


@pytest.mark.parametrize(("name", "status"), [("chloe", 403), ("fatou", 403), ("eve", 404)])
def test_api_refuses_the_wrong_people(
    client: Client, group: ClosedUserGroup, report: Report, name: str, status: int, request: pytest.FixtureRequest
) -> None:
    report()
    officer = request.getfixturevalue(name)
    assert call(client, officer, "post", f"/groups/{group.pk}/transfers", {"all": True}).status_code == status


def test_api_hides_transfers_from_strangers(
    client: Client, report: Report, coordinator: Membership, eve: Officer, fatou: Officer
) -> None:
    report()
    batch = actions.start_transfer(coordinator)
    assert call(client, eve, "get", f"/transfers/{batch.pk}").status_code == 404
    assert call(client, fatou, "get", f"/transfers/{batch.pk}").status_code == 403


def test_reconciliation_page_says_that_both_agree(
    client: Client, page: str, report: Report, coordinator: Membership, amina: Officer
) -> None:
    report()
    deliver_batch(actions.start_transfer(coordinator).pk)
    sign_in(client, amina)
    assert "Both sides agree." in client.get(page + "reconciliation/").content.decode()
