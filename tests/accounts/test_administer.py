"""The administration pages: platform administrators only, every act audited."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern

from accounts import actions, revocations
from accounts.models import Administration, Invitation, Officer, Token
from accounts.urls import urlpatterns
from audit.models import Entry
from tests.accounts.conftest import Clock, code_of, enrol, prove_by_code, wrong_code
from tests.cast import sign_in

pytestmark = pytest.mark.django_db(databases=["default", "cen"])  # the health page asks both

Audited = Callable[[str], list[Entry]]


@pytest.fixture
def office(client: Client, padma: Officer) -> Client:
    return sign_in(client, padma)


def _paths() -> list[str]:
    paths = []
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        if route.startswith("administration/"):
            for name in ("administration_id", "officer_id", "invitation_id", "token_id"):
                route = route.replace(f"<uuid:{name}>", str(uuid4()))
            paths.append("/" + route)
    return paths


@pytest.mark.parametrize("path", _paths())
def test_nobody_else_comes_in(client: Client, amina: Officer, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/sign-in/")
    sign_in(client, amina)
    statuses = {client.get(path).status_code, client.post(path).status_code}
    assert statuses <= {403, 405}
    assert 403 in statuses


@pytest.mark.parametrize(
    "path",
    [
        "/administration/",
        "/administration/administrations/",
        "/administration/administrations/new/",
        "/administration/officers/",
        "/administration/officers/?q=padma",
        "/administration/officers/new/",
        "/administration/invitations/",
        "/administration/client-systems/",
        "/account/",
        "/account/security/",
        "/account/password/",
        "/account/tokens/",
    ],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_shown(office: Client, padma: Officer, path: str, language: str) -> None:
    actions.change_profile(padma, language=language, time_zone="UTC")
    assert office.get(path).status_code == 200


def test_an_administration_is_made_once(office: Client, audited: Audited) -> None:
    values = {"country": "SN", "name": "Direction générale des Douanes", "kind": "customs", "region": "WA"}
    path = "/administration/administrations/new/"
    assert office.post(path, values).status_code == 302
    made = Administration.objects.get(country="SN")
    assert made.region_id == "WA"
    assert office.post(path, values | {"name": values["name"].upper()}).status_code == 409
    assert audited("account:administration:created")[-1].subject == f"administration:{made.pk}"


def test_administrations_are_listed_by_country(office: Client, administrations: dict[str, Administration]) -> None:
    listed = office.get("/administration/administrations/").context["administrations"]
    assert [(one.country, one.officer_count) for one in listed] == [
        ("BE", 1),
        ("FR", 0),
        ("GH", 0),
        ("NG", 0),
    ]


def test_an_administration_is_changed(
    office: Client, administrations: dict[str, Administration], audited: Audited, padma: Officer
) -> None:
    chosen = administrations["GH"]
    path = f"/administration/administrations/{chosen.pk}/"
    assert office.post(path, {"country": "GH", "name": "GRA Customs", "kind": "customs"}).status_code == 302
    chosen.refresh_from_db()
    assert chosen.name == "GRA Customs"
    assert [e.actor for e in audited("account:administration:changed")] == [padma.pk]
    assert office.get(f"/administration/administrations/{uuid4()}/").status_code == 404


def _officer(administrations: dict[str, Administration]) -> dict[str, str]:
    return {
        "email": "ngozi@demo.invalid",
        "name": "Ngozi",
        "administration": str(administrations["NG"].pk),
        "language": "en",
        "time_zone": "Africa/Lagos",
    }


def test_a_new_officer_is_invited_and_the_link_shown_once(
    office: Client, administrations: dict[str, Administration], audited: Audited, padma: Officer
) -> None:
    answer = office.post("/administration/officers/new/", _officer(administrations))
    link = answer.context["link"]
    assert link.startswith("http://testserver/invitation/")
    assert link in answer.content.decode()
    assert Client().get(link).status_code == 302
    assert [e.actor for e in audited("account:invitation:made")] == [padma.pk]
    assert link not in office.get("/administration/invitations/").content.decode()
    assert office.post("/administration/officers/new/", _officer(administrations)).status_code == 409


def test_an_invitation_is_withdrawn(
    office: Client, administrations: dict[str, Administration], audited: Audited
) -> None:
    link = office.post("/administration/officers/new/", _officer(administrations)).context["link"]
    path = f"/administration/invitations/{Invitation.objects.get().pk}/withdraw/"
    assert office.post(path).status_code == 302
    assert Client().get(link).status_code == 410
    assert office.post(path).status_code == 404
    assert len(audited("account:invitation:withdrawn")) == 1


def test_an_invitation_is_made_anew(office: Client, administrations: dict[str, Administration]) -> None:
    first = office.post("/administration/officers/new/", _officer(administrations)).context["link"]
    officer = Officer.objects.get(email="ngozi@demo.invalid")
    answer = office.post(f"/administration/officers/{officer.pk}/invitation/")
    assert Client().get(first).status_code == 410
    assert Client().get(answer.context["link"]).status_code == 302


def test_an_account_is_shut_and_opened(office: Client, fatou: Officer, audited: Audited, padma: Officer) -> None:
    theirs = sign_in(Client(), fatou)
    assert office.post(f"/administration/officers/{fatou.pk}/deactivate/").status_code == 302
    assert theirs.get("/account/").status_code == 302
    assert [e.actor for e in audited("account:officer:deactivated")] == [padma.pk]
    assert office.post(f"/administration/officers/{fatou.pk}/activate/").status_code == 302
    fatou.refresh_from_db()
    assert fatou.is_active
    assert theirs.get("/account/").status_code == 302
    assert len(audited("account:officer:activated")) == 1


def test_nobody_shuts_or_resets_himself(office: Client, padma: Officer) -> None:
    assert office.post(f"/administration/officers/{padma.pk}/deactivate/").status_code == 409
    assert office.post(f"/administration/officers/{padma.pk}/reset/").status_code == 409
    padma.refresh_from_db()
    assert padma.is_active


def test_nobody_takes_his_own_role_away(
    office: Client, padma: Officer, administrations: dict[str, Administration]
) -> None:
    values = _officer(administrations) | {"name": "Padma"}
    assert office.post(f"/administration/officers/{padma.pk}/", values).status_code == 409
    padma.refresh_from_db()
    assert padma.is_platform_administrator


def test_an_officer_is_changed(
    office: Client, fatou: Officer, administrations: dict[str, Administration], audited: Audited
) -> None:
    values = _officer(administrations) | {"name": "Fatou N."}
    assert office.post(f"/administration/officers/{fatou.pk}/", values).status_code == 302
    fatou.refresh_from_db()
    assert (fatou.name, fatou.email) == ("Fatou N.", "fatou@demo.invalid")
    (entry,) = audited("account:officer:changed")
    assert "Fatou" not in str(entry.details)


def test_a_client_system_gets_its_token(client: Client, clock: Clock, padma: Officer, audited: Audited) -> None:
    enrol(padma)
    sign_in(client, padma, answers=False)
    path = "/administration/client-systems/"
    wanted = {"client_system": "asycuda", "name": "feed", "scopes": ["cen:write"], "days": "90"}
    assert prove_by_code(client, path, wanted, wrong_code(padma, clock)).status_code == 403
    clock.move(seconds=3)
    answer = prove_by_code(client, path, wanted, code_of(padma, clock))
    secret = answer.context["secret"]
    me = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert me.json()["client_system"] == "asycuda"
    assert [e.actor for e in audited("account:token:created")] == [padma.pk]
    client.post(f"/administration/client-systems/{Token.objects.get().pk}/revoke/")
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_the_health_page_tells_what_is_missing(office: Client) -> None:
    page = office.get("/administration/")
    parts = {part.name: part.well for part in page.context["parts"]}
    assert parts["database"]
    assert not parts["worker"]
    assert [part.name for part in page.context["parts"] if part.label == part.name] == []  # each in words
    assert page.context["jobs"] == {"todo": 0, "doing": 0, "failed": 0}


def test_who_becomes_an_administrator_loses_open_sockets_and_links_of_coordinators(
    padma: Officer,
    amina: Officer,
    administrations: dict[str, Administration],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[list[Callable[[], object]]]],
) -> None:
    told: list[object] = []
    monkeypatch.setattr(revocations, "_callbacks", [lambda *args: told.append(args)])
    invitation, _secret = actions.invite_officer(
        email="kofi@demo.invalid", name="Kofi", administration=administrations["GH"], actor=amina
    )
    with django_capture_on_commit_callbacks(execute=True):
        actions.change_officer(invitation.officer_id, actor=padma, is_platform_administrator=True)
    invitation.refresh_from_db()
    assert told == [(invitation.officer_id, None, None)]
    assert invitation.withdrawn_at is not None
    with django_capture_on_commit_callbacks(execute=True):
        actions.change_officer(invitation.officer_id, actor=padma, is_platform_administrator=True)
    assert len(told) == 1
