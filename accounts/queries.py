"""Reads of accounts: officers, sessions, tokens, invitations, factors. No writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

from accounts import canary, totp
from accounts.authenticator_keys import open_key
from accounts.errors import DemoOnly, InvitationInvalid, NoSuchObject
from accounts.models import (
    DEMO_DOMAIN,
    Administration,
    AuthenticatorDevice,
    Invitation,
    Officer,
    OfficerSession,
    Recovery,
    RecoveryCode,
    Token,
)
from accounts.secrets import invitation_hash, session_hash, token_hash


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What a person needs to register an authenticator: the address in the QR code, and the key as text."""

    uri: str
    secret_text: str


@dataclass(frozen=True, slots=True)
class DemoCode:
    """A code of an invented person that will be accepted, or the seconds until there is one."""

    code: str
    seconds_left: int  # until the code passes
    used: bool  # whether it was used already: then wait for `seconds_left`

    def __str__(self) -> str:
        return self.code


def administrations() -> QuerySet[Administration]:
    """Return every administration with its region; the canary's is none."""
    return Administration.objects.select_related("region").exclude(pk=canary.ADMINISTRATION)


def administrations_counted() -> QuerySet[Administration]:
    """Return every administration with `officer_count`, the number of its open accounts."""
    counted = administrations().annotate(officer_count=Count("officers", filter=Q(officers__is_active=True)))
    return counted.order_by("country", "name")


def administration(administration_id: UUID) -> Administration:
    """Return one administration. Raises NoSuchObject."""
    found = administrations().filter(pk=administration_id).first()
    if found is None:
        raise NoSuchObject
    return found


def officers(*, search: str = "", administration: UUID | None = None) -> QuerySet[Officer]:
    """Return officers with their administration, `has_factor` and `invited`, by name or e-mail; not the canary."""
    confirmed = AuthenticatorDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    passkeys = WebAuthnCredential.objects.filter(user=OuterRef("pk"), confirmed=True)
    found = (
        Officer.objects.exclude(pk=canary.OFFICER)
        .select_related("administration")
        .annotate(
            has_factor=Exists(confirmed) | Exists(passkeys),
            invited=Exists(open_invitations().filter(officer=OuterRef("pk"))),
        )
    )
    if administration:
        found = found.filter(administration_id=administration)
    if search:
        found = found.filter(Q(name__icontains=search) | Q(email__icontains=search))
    return found


def officer(officer_id: UUID) -> Officer:
    """Return one officer. Raises NoSuchObject."""
    found = officers().filter(pk=officer_id).first()
    if found is None:
        raise NoSuchObject
    return found


def open_invitations() -> QuerySet[Invitation]:
    """Return invitations that can still be accepted."""
    return Invitation.objects.filter(
        accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now(), officer__is_active=True
    ).select_related("officer__administration", "invited_by")


def invitations() -> QuerySet[Invitation]:
    """Return all invitations, the newest first."""
    return Invitation.objects.select_related("officer__administration", "invited_by")


def open_invitation(*, secret: str = "", invitation_id: str = "") -> Invitation:
    """Return the open invitation of a link's secret, or of an id kept by the server. Raises InvitationInvalid."""
    wanted = Q(secret_hash=invitation_hash(secret)) if secret else Q(pk=invitation_id or None)
    found = open_invitations().filter(wanted).first()
    if found is None:
        raise InvitationInvalid
    return found


def authenticator(officer: Officer) -> AuthenticatorDevice | None:
    """Return the officer's confirmed authenticator."""
    return AuthenticatorDevice.objects.filter(user=officer, confirmed=True).first()


def new_authenticator(officer: Officer, device_id: int | None) -> AuthenticatorDevice | None:
    """Return the authenticator that is being registered, where `device_id` names it."""
    return AuthenticatorDevice.objects.filter(user=officer, pk=device_id, confirmed=False).first()


def provisioning(device: AuthenticatorDevice) -> Provisioning:
    """Return what registers an authenticator. Raises NoSuchObject once it counts: the key is told no more."""
    if device.confirmed:
        raise NoSuchObject
    key = open_key(device)
    uri = totp.provisioning_uri(key, account=device.user.email, issuer=settings.OTP_TOTP_ISSUER)
    return Provisioning(uri=uri, secret_text=totp.secret_text(key))


def passkeys_of(officer: Officer) -> QuerySet[WebAuthnCredential]:
    """Return the officer's passkeys, the last used first."""
    return WebAuthnCredential.objects.filter(user=officer, confirmed=True).order_by(
        F("last_used_at").desc(nulls_last=True), "-created_at", "-pk"
    )


def recoveries_in(group: UUID, *, members: Iterable[UUID]) -> list[Recovery]:
    """Return the recoveries of a group, and the resets of its members, that somebody can still act on."""
    wanted = Q(group=group) | Q(group=None, officer__in=list(members))
    return list(_to_act_on().filter(wanted))


def reset_of(officer_id: UUID) -> Recovery | None:
    """Return the reset of an officer that somebody can still act on."""
    return _to_act_on().filter(group=None, officer_id=officer_id).first()


def open_recovery_of(officer: Officer) -> Recovery | None:
    """Return the recovery of an officer that nobody has confirmed yet."""
    return _to_act_on().filter(officer=officer, confirmed_at=None).first()


def recoveries_since(officer: Officer, moment: datetime) -> list[Recovery]:
    """Return the recoveries of an officer that were opened or confirmed after a moment, the newest first."""
    after = Q(opened_at__gt=moment) | Q(confirmed_at__gt=moment)
    return list(Recovery.objects.filter(after, officer=officer).select_related("opened_by", "confirmed_by"))


def _to_act_on() -> QuerySet[Recovery]:
    rows = Recovery.objects.filter(withdrawn_at=None, drawn_at=None, expires_at__gt=timezone.now())
    return rows.select_related("officer__administration", "opened_by", "confirmed_by")


def are_one_line(one: UUID, other: UUID) -> bool:
    """Whether two accounts may be in one hand: one invited the other, or one officer both, at any remove.

    Who invites sees the link, and can open the account alone. Platform administrators begin no line.
    """
    plain = {"officer__is_platform_administrator": False, "invited_by__is_platform_administrator": False}
    return not _line_of(one, **plain).isdisjoint(_line_of(other, **plain))


def one_invited_the_other(one: UUID, other: UUID) -> bool:
    """Whether one of two accounts was let in by the other's link, at any remove, also by administrators' links."""
    return one in _line_of(other) or other in _line_of(one)


def _line_of(officer_id: UUID, **only: bool) -> set[UUID]:
    """Return an officer, who invited that officer, who invited those, by links that were used."""
    line, newest = {officer_id}, {officer_id}
    while newest:
        newest = set(
            Invitation.objects.filter(
                officer__in=newest, accepted_at__isnull=False, invited_by__isnull=False, **only
            ).values_list("invited_by", flat=True)
        )
        newest -= line
        line |= newest
    return line


def recovery_codes_left(officer: Officer) -> int:
    """Return how many recovery codes the officer has not used."""
    return RecoveryCode.objects.filter(device__user=officer, used_at=None).count()


def sign_in_before(officer: Officer, session_id: UUID) -> datetime:
    """Return when the officer signed in the last time before this session, as far as that is remembered."""
    former = OfficerSession.objects.filter(officer=officer).exclude(factor="").exclude(pk=session_id)
    last = former.order_by("-created_at").values_list("created_at", flat=True).first()
    return last or officer.created_at


def sessions_of(officer: Officer) -> list[OfficerSession]:
    """Return the officer's live sessions, the last used first."""
    now = timezone.now()
    rows = OfficerSession.objects.filter(officer=officer, revoked_at=None, ends_at__gt=now)
    return [row for row in rows if row.is_live(now)]


def own_session(officer: Officer, session_id: UUID) -> OfficerSession:
    """Return a session of the officer that was not revoked. Somebody else's does not exist (NoSuchObject)."""
    row = OfficerSession.objects.filter(pk=session_id, officer=officer, revoked_at=None).first()
    if row is None:
        raise NoSuchObject
    return row


def session_of_key(session_key: str | None) -> OfficerSession | None:
    """Return the row of a session key, live or not."""
    if not session_key:
        return None
    return OfficerSession.objects.filter(key_hash=session_hash(session_key)).select_related("officer").first()


def live_sessions_of(session_keys: Collection[str]) -> dict[str, OfficerSession]:
    """Return, by its key, each of these sessions that passed the second factor and has not ended; in one query."""
    if not session_keys:
        return {}
    keys, now = {session_hash(key): key for key in session_keys}, timezone.now()
    rows = OfficerSession.objects.filter(key_hash__in=keys, verified=True, officer__is_active=True)
    return {
        keys[bytes(row.key_hash)]: row for row in rows.select_related("officer__administration") if row.is_live(now)
    }


def ended_among(*, sessions: Iterable[UUID] = (), tokens: Iterable[UUID] = ()) -> set[UUID]:
    """Return those of the given sessions and tokens that open nothing any more, in two queries."""
    session_ids, token_ids, now = set(sessions), set(tokens), timezone.now()
    ended = session_ids | token_ids
    if session_ids:
        rows = OfficerSession.objects.filter(pk__in=session_ids, verified=True, officer__is_active=True)
        ended -= {row.pk for row in rows if row.is_live(now)}
    if token_ids:
        ended -= set(live_tokens(now).filter(pk__in=token_ids).values_list("pk", flat=True))
    return ended


def live_tokens(now: datetime) -> QuerySet[Token]:
    """Return tokens that are not revoked, not expired, and whose officer is not shut out."""
    return Token.objects.filter(revoked_at=None, expires_at__gt=now).filter(
        Q(officer=None) | Q(officer__is_active=True)
    )


def live_token(secret: str) -> Token | None:
    """Return the token of this secret while it lives, with its officer."""
    return live_tokens_of([secret]).get(secret)


def live_tokens_of(secrets: Collection[str]) -> dict[str, Token]:
    """Return, by its secret, each of these tokens while it lives, with its officer; in one query."""
    if not secrets:
        return {}
    hashes = {token_hash(secret): secret for secret in secrets}
    found = live_tokens(timezone.now()).filter(secret_hash__in=hashes).select_related("officer__administration")
    return {hashes[bytes(token.secret_hash)]: token for token in found}


def tokens_of(officer: Officer) -> QuerySet[Token]:
    """Return the officer's tokens that are not revoked."""
    return Token.objects.filter(officer=officer, revoked_at=None).order_by("-created_at", "-pk")


def client_system_tokens() -> QuerySet[Token]:
    """Return the tokens of client systems of CEN."""
    return Token.objects.filter(officer=None, revoked_at=None).order_by("client_system", "-created_at", "-pk")


def current_demo_code(email: str) -> DemoCode:
    """Return a code that an invented person can sign in with now.

    When the present code was used already, the next one is told (clocks may differ by a step); when that was used
    too, `used` is true and `seconds_left` says how long to wait. Raises DemoOnly outside the demo, NoSuchObject.
    """
    if not settings.CENCOMM_DEMO or not email.strip().lower().endswith(DEMO_DOMAIN):
        raise DemoOnly
    device = AuthenticatorDevice.objects.filter(user__email__iexact=email.strip(), confirmed=True).first()
    if device is None:
        raise NoSuchObject
    now = timezone.now()
    present = totp.step_at(now)
    step = min(max(present, device.last_counter + 1), present + totp.DRIFT)
    # A code of the next step passes with the step after the next: the drift reaches that far.
    left = (step + 1) * totp.STEP_SECONDS - int(now.timestamp())
    used = device.last_counter >= step
    if used:
        left = (device.last_counter + 1 - totp.DRIFT) * totp.STEP_SECONDS - int(now.timestamp())
    return DemoCode(code=totp.code_at(open_key(device), step), seconds_left=left, used=used)
