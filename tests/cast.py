"""The people of the tests: one per role, a removed member, and a stranger. Each test says whom it needs.

amina coordinator (NG) · chloe analyst (FR) · bruno contact point and fatou officer (GH) · dmitri officer (BE) ·
olga observer (FR) · audrey auditor (BE) · removed, once an officer of the group (NG) · eve, member of another group
only (NG) · padma platform administrator, member of none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import actions
from accounts.challenges import Challenge, Purpose
from accounts.models import Administration, AuthenticatorDevice, Officer
from groups.actions import create_group
from groups.models import ClosedUserGroup, GroupCountry, Membership, Phase, Role
from tests.passkeys import ORIGIN, SoftPasskey, header

PASSWORD = "a lantern over quiet water"
SCOPES = ("messages:read", "messages:write", "cen:read", "cen:write", "transfers")


def pytest_configure() -> None:
    """Hash passwords fast: what Argon2 does is tested where it is used, not in every test."""
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def administrations(db: None) -> dict[str, Administration]:
    names = {
        "NG": "Nigeria Customs Service",
        "GH": "Ghana Revenue Authority",
        "FR": "Direction générale des douanes et droits indirects",
        "BE": "Administration générale des Douanes et Accises",
    }
    return {code: actions.create_administration(country=code, name=name) for code, name in names.items()}


@pytest.fixture
def make_officer(administrations: dict[str, Administration]) -> Callable[..., Officer]:
    def make(name: str, country: str = "NG", **values: Any) -> Officer:
        values.setdefault("password", PASSWORD)
        return actions.create_officer(
            email=f"{name.lower()}@demo.invalid",
            name=name.capitalize(),
            administration=administrations[country],
            **values,
        )

    return make


@pytest.fixture
def amina(make_officer: Callable[..., Officer]) -> Officer:
    """Coordinator."""
    return make_officer("amina", "NG", time_zone="Africa/Lagos")


@pytest.fixture
def chloe(make_officer: Callable[..., Officer]) -> Officer:
    """Analyst."""
    return make_officer("chloe", "FR", language="fr", time_zone="Europe/Paris")


@pytest.fixture
def bruno(make_officer: Callable[..., Officer]) -> Officer:
    """Contact point of GH."""
    return make_officer("bruno", "GH", time_zone="Africa/Accra")


@pytest.fixture
def fatou(make_officer: Callable[..., Officer]) -> Officer:
    """Officer, of bruno's country."""
    return make_officer("fatou", "GH", language="fr", time_zone="Africa/Accra")


@pytest.fixture
def dmitri(make_officer: Callable[..., Officer]) -> Officer:
    """Officer of another country."""
    return make_officer("dmitri", "BE", time_zone="Europe/Brussels")


@pytest.fixture
def olga(make_officer: Callable[..., Officer]) -> Officer:
    """Observer: reads, writes nothing."""
    return make_officer("olga", "FR")


@pytest.fixture
def audrey(make_officer: Callable[..., Officer]) -> Officer:
    """Auditor: reads the trail, not the messages."""
    return make_officer("audrey", "BE")


@pytest.fixture
def eve(make_officer: Callable[..., Officer]) -> Officer:
    """Stranger: a member of another group only."""
    return make_officer("eve", "NG")


@pytest.fixture
def removed(make_officer: Callable[..., Officer]) -> Officer:
    """An officer of the group until yesterday."""
    return make_officer("removed", "NG")


@pytest.fixture
def padma(make_officer: Callable[..., Officer]) -> Officer:
    """Platform administrator, member of no group."""
    return make_officer("padma", "BE", is_platform_administrator=True)


def make_group(
    code: str,
    name: str,
    *,
    coordinator: Officer,
    administrator: Officer,
    phase: str = Phase.OPERATIONAL,
    **values: Any,
) -> ClosedUserGroup:
    """Return a group as the product makes it (keys, starting forms, one coordinator), brought to `phase` by row.

    Its stream holds one event already: the coordinator's joining.
    """
    today = timezone.now().date()
    if values.get("kind") != ClosedUserGroup.Kind.STANDING:
        values.setdefault("starts_on", today - timedelta(days=2))
        values.setdefault("ends_on", today + timedelta(days=5))
    group = create_group(administrator, code=code, name=name, first_coordinator=coordinator, **values)
    ClosedUserGroup.objects.filter(pk=group.pk).update(phase=phase)
    group.refresh_from_db()
    return group


def join(group: ClosedUserGroup, officer: Officer, role: str, **values: Any) -> Membership:
    """Return the officer's new membership; the country takes part from then on."""
    country = officer.country
    GroupCountry.objects.get_or_create(group=group, country=country)
    return Membership.objects.create(group=group, officer=officer, role=role, country=country, **values)


@pytest.fixture
def group(
    amina: Officer,
    chloe: Officer,
    bruno: Officer,
    fatou: Officer,
    dmitri: Officer,
    olga: Officer,
    audrey: Officer,
    removed: Officer,
    padma: Officer,
) -> ClosedUserGroup:
    """An operation on its third day, with everybody of the cast but eve and padma."""
    group = make_group("HARMATTAN", "Operation Harmattan", coordinator=amina, administrator=padma)
    join(group, chloe, Role.ANALYST)
    contact = join(group, bruno, Role.CONTACT_POINT)
    join(group, fatou, Role.OFFICER)
    join(group, dmitri, Role.OFFICER)
    join(group, olga, Role.OBSERVER)
    join(group, audrey, Role.AUDITOR)
    join(group, removed, Role.OFFICER, left_at=timezone.now() - timedelta(days=1))
    GroupCountry.objects.filter(group=group, country=bruno.country).update(contact_point=contact)
    return group


@pytest.fixture
def other_group(eve: Officer, padma: Officer) -> ClosedUserGroup:
    """A group of eve alone."""
    return make_group("SIROCCO", "Operation Sirocco", coordinator=eve, administrator=padma)


def membership_of(officer: Officer, group: ClosedUserGroup) -> Membership:
    """Return the present membership, as a gate would."""
    return Membership.objects.select_related("group", "officer__administration").get(
        officer=officer, group=group, left_at__isnull=True
    )


def authenticator_of(officer: Officer) -> AuthenticatorDevice:
    """Return the officer's authenticator; its key is no key, so it proves nothing."""
    device, _ = AuthenticatorDevice.objects.get_or_create(
        user=officer, confirmed=True, defaults={"name": "authenticator", "sealed_key": b""}
    )
    return device


def passkey_of(officer: Officer) -> SoftPasskey:
    """Return the officer's passkey, registered by the product's own action where there is none yet."""
    made: SoftPasskey | None = getattr(officer, "soft_passkey", None)
    if made is None:
        made = SoftPasskey()
        challenge = Challenge(Purpose.REGISTER, officer.pk)
        state, options = actions.offer_registration(officer, challenge=challenge, origin=ORIGIN)
        actions.register_passkey(
            officer, name="test", state=state, answer=made.create(options), challenge=challenge, origin=ORIGIN
        )
        officer.soft_passkey = made  # type: ignore[attr-defined]
    return made


def show_again(client: Client, officer: Officer) -> None:
    """Let this client answer whenever an act asks for a second factor of its own, as a person would.

    Tests about that question itself use a client without it (tests/accounts/test_step_up.py).
    """
    ask = client.generic

    def answered(method: str, path: str, data: Any = "", content_type: str = "", **extra: Any) -> Any:
        kind = content_type or "application/octet-stream"
        response = ask(method, path, data, kind, **extra)
        told = step_up_of(response)
        if told is None:
            return response
        if told["passkey"] is None:
            passkey_of(officer)
            told = step_up_of(ask(method, path, data, kind, **extra))
            assert told is not None
        proof = {"state": told["state"], "passkey": passkey_of(officer).get(told["passkey"])}
        headers = {**(extra.pop("headers", None) or {}), "Step-Up": header(proof)}
        return ask(method, path, data, kind, headers=headers, **extra)

    client.generic = answered  # type: ignore[assignment, method-assign]


def step_up_of(response: Any) -> dict[str, Any] | None:
    """Return what an act asks for, where this answer asks for a second factor."""
    if response.status_code != 403 or not response.content:  # HEAD is told nothing of why
        return None
    if "problem+json" in response.headers.get("Content-Type", ""):
        told: dict[str, Any] | None = response.json().get("step_up")
        return told
    context = response.context
    return context["step_up"] if context is not None and "step_up" in context else None


def sign_in(client: Client, officer: Officer, *, answers: bool = True) -> Client:
    """Return `client` with a session of `officer` that has passed the second factor.

    With `answers` it shows that factor again whenever an act asks for it.
    """
    client.force_login(officer)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = authenticator_of(officer).persistent_id
    session.save()
    actions.open_session(officer, session_key=str(session.session_key), verified=True)
    if answers:
        show_again(client, officer)
    return client


def token_for(officer: Officer, *scopes: str) -> str:
    """Return the secret of a new token; without scopes it carries all of them."""
    _token, secret = actions.create_token(officer=officer, name="test", scopes=scopes or SCOPES)
    return secret


@pytest.fixture(name="sign_in")
def sign_in_fixture() -> Callable[[Client, Officer], Client]:
    return sign_in


@pytest.fixture(name="token_for")
def token_for_fixture() -> Callable[..., str]:
    return token_for
