"""Every way in which somebody's access ends, done by the ordinary actions: for the benchmark and for tests.

Each takes a `Case`, an officer who is connected, and ends what he is connected with. Import it once Django is set
up. What must not live here: sockets.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.test.utils import override_settings
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

from accounts import actions, totp
from accounts.actions.sessions import MOST_SESSIONS
from accounts.authenticator_keys import open_key
from accounts.models import AuthenticatorDevice, Officer, OfficerSession
from accounts.passkey_policy import REQUIRED
from groups.actions import archive, change_phase, change_role, leave_group, remove_member
from groups.models import ClosedUserGroup, Membership, Phase, Role


@dataclass
class Case:
    """Somebody who is connected, by a session or a token, and who may end that."""

    officer: Officer
    coordinator: Officer
    administrator: Officer
    group: ClosedUserGroup
    session: OfficerSession | None = None
    token_id: UUID | None = None
    password: str = ""
    new_device: AuthenticatorDevice | None = None

    def membership(self, officer: Officer) -> Membership:
        """The present membership of somebody, as a gate gives it."""
        return Membership.objects.select_related("group", "officer__administration").get(
            officer=officer, group=self.group, left_at__isnull=True
        )


@dataclass(frozen=True)
class Cause:
    """One way. `by`: session or token. `ends`: "socket" where that is closed, "left" where one is told to have left
    the group, "groups" where one or the other happens, "post" or "read" where the group refuses that from then on
    and its followers hear why (`event`). `status`: what HTTP answers from then on.
    """

    act: Callable[[Case], Any]
    by: str = "session"
    ends: str = "socket"
    status: int = 401
    event: str = ""
    prepare: Callable[[Case], Any] = lambda case: None


def _end_session(case: Case) -> None:
    assert case.session is not None
    actions.end_session(case.session)


def _revoke_session(case: Case) -> None:
    assert case.session is not None
    actions.revoke_session(case.officer, case.session.pk)


def _change_password(case: Case) -> None:
    actions.change_password(
        case.officer, present=case.password, new="another lantern over the water", keep=None, address="127.0.0.1"
    )


def _begin_authenticator(case: Case) -> None:
    device = actions.begin_authenticator(case.officer)
    code = totp.code_at(open_key(device), totp.step_at(timezone.now()))
    actions.prove_new_authenticator(case.officer, device.pk, code)
    case.new_device = device


def _confirm_authenticator(case: Case) -> None:
    assert case.new_device is not None
    actions.confirm_authenticator(case.officer, case.new_device.pk)


def _own_another_factor(case: Case) -> None:
    """An authenticator and a passkey that no key belongs to: they are there to be taken away."""
    sealed = {"name": "authenticator", "sealed_key": b""}
    AuthenticatorDevice.objects.get_or_create(user=case.officer, confirmed=True, defaults=sealed)
    WebAuthnCredential.objects.create(
        user=case.officer, name="passkey", confirmed=True, credential_id=secrets.token_bytes(32), public_key=b"none"
    )


def _remove_passkey(case: Case) -> None:
    passkey = WebAuthnCredential.objects.get(user=case.officer)
    actions.remove_passkey(case.officer, passkey.pk, keep=None)


def _sign_in_ten_times(case: Case) -> None:
    device = AuthenticatorDevice.objects.get(user=case.officer, confirmed=True)
    for _ in range(MOST_SESSIONS):
        key = secrets.token_hex(16)
        session = actions.open_session(case.officer, session_key=key, verified=False)
        actions.raise_session(session, session_key=key, device=device, factor=OfficerSession.Factor.AUTHENTICATOR)


def _revoke_token(case: Case) -> None:
    assert case.token_id is not None
    actions.revoke_token(case.token_id, officer=case.officer)


def _let_in_anew(case: Case) -> None:
    recovery = actions.open_recovery(case.officer, group=case.group.pk, actor=case.coordinator, side="coordinator")
    actions.confirm_recovery(recovery.pk, actor=case.administrator, side="contact_point")


def _change_role(role: Role) -> Callable[[Case], object]:
    def change(case: Case) -> object:
        member = case.membership(case.officer)
        return change_role(case.membership(case.coordinator), member_id=member.pk, role=role)

    return change


def _coordinate_without_a_passkey(case: Case) -> None:
    with override_settings(CENCOMM_PASSKEYS=REQUIRED):
        _change_role(Role.COORDINATOR)(case)


def _remove(case: Case) -> None:
    remove_member(case.membership(case.coordinator), member_id=case.membership(case.officer).pk)


def _close(case: Case) -> None:
    change_phase(case.membership(case.coordinator), to=Phase.CLOSED)


def _over(case: Case) -> None:
    operations = ClosedUserGroup.objects.filter(pk=case.group.pk, kind=ClosedUserGroup.Kind.OPERATION)
    operations.update(
        phase=Phase.POSTOPERATIONAL
    )  # from where it is closed; a standing group is closed at any time


def _closed_long_ago(case: Case) -> None:
    ClosedUserGroup.objects.filter(pk=case.group.pk).update(
        phase=Phase.CLOSED, closed_at=timezone.now() - timedelta(days=9999)
    )


CAUSES: Mapping[str, Cause] = {
    "signed out": Cause(_end_session),
    "session revoked": Cause(_revoke_session),
    "other sessions ended": Cause(
        lambda case: actions.revoke_other_sessions(case.officer, keep=None, reason="owner")
    ),
    "password changed": Cause(_change_password),
    "authenticator replaced": Cause(_confirm_authenticator, prepare=_begin_authenticator),
    "recovery codes replaced": Cause(
        lambda case: actions.make_recovery_codes(case.officer),
        prepare=lambda case: actions.make_recovery_codes(case.officer),
    ),
    "passkey removed": Cause(_remove_passkey, prepare=_own_another_factor),
    "authenticator removed": Cause(
        lambda case: actions.remove_authenticator(case.officer, keep=None), prepare=_own_another_factor
    ),
    "pushed out by the eleventh": Cause(_sign_in_ten_times, prepare=_own_another_factor),
    "made coordinator without a passkey": Cause(_coordinate_without_a_passkey),
    "token revoked": Cause(_revoke_token, by="token"),
    "account shut": Cause(
        lambda case: actions.deactivate_officer(case.officer.pk, actor=case.administrator), by="token"
    ),
    "account shut, by session": Cause(
        lambda case: actions.deactivate_officer(case.officer.pk, actor=case.administrator)
    ),
    "password and factor taken away": Cause(_let_in_anew),
    "made platform administrator": Cause(
        lambda case: actions.change_officer(
            case.officer.pk, actor=case.administrator, is_platform_administrator=True
        ),
        ends="groups",
        status=404,
    ),
    "removed": Cause(_remove, by="token", ends="left", status=404),
    "left": Cause(lambda case: leave_group(case.membership(case.officer)), ends="left", status=404),
    "made auditor": Cause(_change_role(Role.AUDITOR), by="token", ends="left", status=403),
    "made observer": Cause(_change_role(Role.OBSERVER), by="token", ends="post", event="member", status=403),
    "group closed": Cause(_close, by="token", ends="post", event="phase", status=409, prepare=_over),
    "group archived": Cause(
        lambda case: archive(case.membership(case.coordinator)),
        by="token",
        ends="read",
        event="phase",
        status=410,
        prepare=_closed_long_ago,
    ),
}
