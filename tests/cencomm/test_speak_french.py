"""French officers get French: on pages, in refusals of the API and of the stream, in the scripts' catalogue."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import translation

from accounts.models import Officer
from cen.pages import grouped
from cencomm.extraction import DOMAINS, read_catalog
from cencomm.translations import ROOT
from groups.models import ClosedUserGroup
from messaging.delivery.conversation import Conversation
from messaging.errors import MessageUnknown
from tests.cast import membership_of

pytestmark = pytest.mark.django_db

SignIn = Callable[[Client, Officer], Client]
NOTHING_SUCH = "Ce message n’existe pas, ou il est dans un groupe dont vous n’êtes pas membre."
MEMBER_PAGES = {
    "": "Rechercher dans les messages",
    "situation/": "Couverture du jour",
    "seizure/": "Déclarer une saisie",
    "members/": "Chaque membre d’un groupe y lit tout",
    "phases/": "Préopérationnelle",
}
LEADER_PAGES = {
    "settings/": "Heure de clôture (UTC)",
    "members/add/": "Ajouter un membre",
    "templates/": "Un formulaire par type de message.",
    "templates/warning/": "Champs du formulaire",
    "transfer/": "Chaque jour, automatiquement",
    "transfer/?show=blocked": "Rien n’est bloqué",
    "transfer/?show=sent": "Rien n’a encore été envoyé",
    "transfer/reconciliation/": "Les deux côtés concordent.",
}
OWN_PAGES = {
    "/groups/": "Mes groupes",
    "/account/": "Langue et heure",
    "/account/security/": "Codes de secours",
    "/account/password/": "Mot de passe actuel",
    "/account/tokens/": "Aucun jeton",
    "/cen/": "Le CEN ne contient encore aucune saisie",
    "/cen/charts/": "Graphiques",
}
ADMINISTRATION_PAGES = {
    "/administration/": "Tâches de fond",
    "/administration/groups/": "Vous créez des groupes",
    "/administration/groups/new/": "Premier coordonnateur (adresse électronique)",
    "/administration/administrations/": "Nouvelle administration",
    "/administration/officers/": "Nouvel agent",
    "/administration/officers/new/": "Créer l’invitation",
    "/administration/invitations/": "Nouvel agent",
    "/administration/client-systems/": "Aucun système client",
    "/administration/mapping/": "Correspondance avec le CEN",
}


def english_left(page: str) -> list[str]:
    """Return the English texts that a page still shows: whole texts between two tags that French says otherwise."""
    text = html.unescape(re.sub(r"<[^>]+>", "\n", page))
    lines = {" ".join(line.split()) for line in text.splitlines()}
    lines.discard("English")  # the choice of languages names each in itself
    known: dict[str, str] = {}
    for domain in DOMAINS:
        for message in read_catalog(ROOT / "locale" / "fr" / "LC_MESSAGES" / f"{domain}.po"):
            if isinstance(message.id, str) and isinstance(message.string, str):
                known[" ".join(message.id.split())] = message.string
    return sorted(line for line in lines if line and line in known and known[line] != line)


def speak_french(officer: Officer) -> Officer:
    officer.language = "fr"
    officer.save(update_fields=["language"])
    return officer


def check(answer: Any, wanted: str) -> None:
    page = answer.content.decode()
    assert answer.status_code == 200
    assert '<html lang="fr"' in page
    assert wanted in html.unescape(page)
    assert english_left(page) == []


@pytest.mark.parametrize("path", MEMBER_PAGES)
def test_pages_of_members(
    client: Client, sign_in: SignIn, fatou: Officer, group: ClosedUserGroup, path: str
) -> None:
    check(sign_in(client, fatou).get(f"/groups/{group.pk}/{path}"), MEMBER_PAGES[path])


@pytest.mark.parametrize("path", LEADER_PAGES)
def test_pages_of_coordinators(
    client: Client, sign_in: SignIn, amina: Officer, group: ClosedUserGroup, path: str
) -> None:
    check(sign_in(client, speak_french(amina)).get(f"/groups/{group.pk}/{path}"), LEADER_PAGES[path])


@pytest.mark.django_db(databases=["default", "cen"])
@pytest.mark.parametrize("path", OWN_PAGES)
def test_pages_of_everybody(
    client: Client, sign_in: SignIn, chloe: Officer, group: ClosedUserGroup, path: str
) -> None:
    check(sign_in(client, chloe).get(path), OWN_PAGES[path])


@pytest.mark.django_db(databases=["default", "cen"])
@pytest.mark.parametrize("path", ADMINISTRATION_PAGES)
def test_pages_of_administration(client: Client, sign_in: SignIn, padma: Officer, path: str) -> None:
    check(sign_in(client, speak_french(padma)).get(path), ADMINISTRATION_PAGES[path])


def test_english_on_a_page_would_be_noticed(
    client: Client, sign_in: SignIn, amina: Officer, group: ClosedUserGroup
) -> None:
    page = sign_in(client, amina).get(f"/groups/{group.pk}/situation/").content.decode()
    assert {"Coverage today", "Answered", "Overdue"} <= set(english_left(page))


def test_before_sign_in_the_browser_says_the_language(client: Client) -> None:
    check(client.get("/sign-in/", headers={"Accept-Language": "fr-CI,fr;q=0.9"}), "Se connecter")
    wrong = {"email": "nobody@demo.invalid", "password": "nothing of the kind"}
    answer = client.post("/sign-in/", wrong, headers={"Accept-Language": "fr"})
    assert "L’adresse électronique ou le mot de passe est incorrect." in answer.content.decode()


def test_an_address_without_a_page(client: Client, sign_in: SignIn, fatou: Officer) -> None:
    answer = sign_in(client, fatou).get("/nowhere/")
    assert answer.status_code == 404
    assert "Cette page n’existe pas, ou elle ne vous est pas ouverte." in answer.content.decode()


def test_a_refused_page_says_why(client: Client, sign_in: SignIn, fatou: Officer, group: ClosedUserGroup) -> None:
    answer = sign_in(client, fatou).get(f"/groups/{group.pk}/settings/")
    assert answer.status_code == 403
    assert "Votre rôle dans ce groupe ne le permet pas." in answer.content.decode()


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (None, NOTHING_SUCH),
        ("fr-FR", NOTHING_SUCH),
        ("en", "There is no such message, or it is in a group that you are not a member of."),
    ],
)
def test_a_programme_is_refused_in_the_language_it_asks_for_else_its_officers(
    client: Client, fatou: Officer, token_for: Callable[..., str], asked: str | None, title: str
) -> None:
    headers = {"Authorization": f"Bearer {token_for(fatou)}"} | ({"Accept-Language": asked} if asked else {})
    problem = client.get(f"/api/v1/messages/{uuid4()}", headers=headers).json()
    assert (problem["code"], problem["title"]) == ("not_found", title)


def test_a_field_is_refused_in_french(
    client: Client, sign_in: SignIn, fatou: Officer, group: ClosedUserGroup
) -> None:
    member = membership_of(fatou, group)
    body = {"id": str(uuid4()), "kind": "note", "body": {}, "priority": "soon"}
    answer = sign_in(client, fatou).post(
        f"/api/v1/groups/{member.group_id}/messages", json.dumps(body), content_type="application/json"
    )
    problem = answer.json()
    assert (
        problem["title"] == "Ce message ne peut pas être envoyé tel quel\u00a0: voyez les remarques à ses champs."
    )
    assert {"priority": "Cette priorité n’existe pas."}.items() <= {
        error["field"]: error["message"] for error in problem["errors"]
    }.items()


def test_the_stream_refuses_in_the_officers_language(fatou: Officer) -> None:
    told: list[Any] = []

    class Told:
        """What `Conversation.refuse` needs of a conversation."""

        _identity = type("Identity", (), {"officer": fatou})
        officer_id = fatou.pk
        put = staticmethod(told.append)

    async def refuse() -> None:
        Conversation.refuse(Told(), MessageUnknown(), {})  # type: ignore[arg-type]

    async_to_sync(refuse)()
    assert json.loads(told[0].text)[0]["problem"]["title"] == NOTHING_SUCH


@pytest.mark.parametrize(("language", "text"), [("fr", "1\u202f240\u202f000,5"), ("en", "1\u202f240\u202f000.5")])
def test_quantities_of_cen_have_the_decimal_mark_of_the_language(language: str, text: str) -> None:
    with translation.override(language):
        assert grouped("1240000.5") == text


def test_the_scripts_get_their_catalogue(client: Client, sign_in: SignIn, fatou: Officer) -> None:
    script = sign_in(client, fatou).get("/language/catalog.js").content.decode()
    catalog = json.loads(re.search(r"const newcatalog = (\{.*?\});", script, re.DOTALL)[1])  # type: ignore[index]
    assert catalog["Wants acknowledgement"] == "Accusé de réception demandé"
    assert catalog["%(n)s officer"] == ["%(n)s agent", "%(n)s agents"]
    english = client.get("/language/catalog.js", headers={"Accept-Language": "en"})
    assert english.status_code == 200
