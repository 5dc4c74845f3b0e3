"""A platform administrator stands in for a contact point: he opens a reset, and somebody else has to agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import actions as accounts
from accounts.errors import CoordinatorNeeded, NotBySamePerson, NotYourself, OpenedBefore, RecoveryNotOpen
from accounts.models import AuthenticatorDevice, Invitation, Officer, OfficerSession, Recovery
from accounts.queries import reset_of
from audit.models import Entry
from groups import actions, presentation
from groups.errors import NoSuchMember, NotAllowed
from groups.models import ClosedUserGroup, Membership, Role
from tests.cast import authenticator_of, membership_of, sign_in, token_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(fatou: Officer) -> Officer:
    """Fatou, who was signed in yesterday."""
    authenticator_of(fatou)
    Officer.objects.filter(pk=fatou.pk).update(last_login=timezone.now() - timedelta(days=1))
    fatou.refresh_from_db()
    return fatou


@pytest.fixture
def second(make_officer: Callable[..., Officer]) -> Officer:
    """Another administrator, whom nobody here has invited."""
    return make_officer("second", "FR", is_platform_administrator=True)


def opened(padma: Officer, officer: Officer) -> Recovery:
    return accounts.open_reset(officer.pk, actor=padma)


def invited_by(inviter: Officer, officer: Officer) -> None:
    now = timezone.now()
    Invitation.objects.create(
        officer=officer, secret_hash=officer.pk.bytes, invited_by=inviter, expires_at=now, accepted_at=now
    )


def test_an_administrator_alone_changes_nothing(group: ClosedUserGroup, lost: Officer, padma: Officer) -> None:
    theirs, office = sign_in(Client(), lost), sign_in(Client(), padma)
    path = f"/administration/officers/{lost.pk}/"
    assert office.post(f"{path}reset/").status_code == 302
    assert office.post(f"{path}reset/confirm/").status_code == 409
    assert office.post(f"{path}reset/draw/").status_code == 409
    assert office.post(f"{path}invitation/").status_code == 409
    assert theirs.get("/account/").status_code == 200
    assert AuthenticatorDevice.objects.filter(user=lost).exists()
    assert not Invitation.objects.filter(officer=lost).exists()


def test_a_coordinator_agrees_and_the_administrator_draws(
    group: ClosedUserGroup, lost: Officer, padma: Officer, amina: Officer
) -> None:
    theirs, token = sign_in(Client(), lost), token_for(lost)
    office, unit = sign_in(Client(), padma), sign_in(Client(), amina)
    path, recovery = f"/administration/officers/{lost.pk}/reset/", f"/groups/{group.pk}/recovery/"
    office.post(path)
    reset = Recovery.objects.get()
    assert reset.group is None
    assert f"{recovery}{reset.pk}/confirm/" in unit.get(recovery).content.decode()
    assert unit.post(f"{recovery}{reset.pk}/confirm/").status_code == 302
    assert theirs.get("/account/").status_code == 302
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert unit.post(f"{recovery}{reset.pk}/link/").status_code == 403
    answer = office.post(f"{path}draw/")
    assert Client().get(answer.context["link"]).status_code == 302
    assert office.post(f"{path}draw/").status_code == 409
    acts = [(e.action, e.actor, e.group) for e in Entry.objects.filter(action__startswith="account:recovery:")]
    assert acts == [
        ("account:recovery:opened", padma.pk, None),
        ("account:recovery:confirmed", amina.pk, group.pk),
        ("account:recovery:drawn", padma.pk, None),
    ]


@pytest.mark.parametrize("who", ["bruno", "chloe", "olga", "audrey"])
def test_only_a_coordinator_confirms(
    request: pytest.FixtureRequest, group: ClosedUserGroup, lost: Officer, padma: Officer, who: str
) -> None:
    member = membership_of(request.getfixturevalue(who), group)
    reset = opened(padma, lost)
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(member, recovery_id=reset.pk)
    assert not [line for line in presentation.recovery_lines(member) if line.may_confirm or line.may_draw]


def test_a_coordinator_of_another_group_does_not(
    group: ClosedUserGroup, other_group: ClosedUserGroup, lost: Officer, padma: Officer, eve: Officer
) -> None:
    reset = opened(padma, lost)
    with pytest.raises(NoSuchMember):
        actions.confirm_recovery(membership_of(eve, other_group), recovery_id=reset.pk)
    assert presentation.recovery_lines(membership_of(eve, other_group)) == []


def test_another_administrator_does_not_where_a_coordinator_answers(
    group: ClosedUserGroup, lost: Officer, padma: Officer, second: Officer
) -> None:
    opened(padma, lost)
    with pytest.raises(CoordinatorNeeded):
        accounts.confirm_reset(lost.pk, actor=second)


def test_a_coordinator_whom_the_administrator_let_in_is_no_second_person(
    group: ClosedUserGroup, lost: Officer, padma: Officer, amina: Officer, chloe: Officer
) -> None:
    invited_by(padma, chloe)
    invited_by(chloe, amina)
    reset = opened(padma, lost)
    with pytest.raises(NotBySamePerson):
        actions.confirm_recovery(membership_of(amina, group), recovery_id=reset.pk)
    assert [line.may_confirm for line in presentation.recovery_lines(membership_of(amina, group))] == [False]


def test_whoever_is_no_administrator_any_more_has_opened_nothing(
    group: ClosedUserGroup, lost: Officer, padma: Officer, amina: Officer
) -> None:
    reset = opened(padma, lost)
    Officer.objects.filter(pk=padma.pk).update(is_platform_administrator=False)
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(membership_of(amina, group), recovery_id=reset.pk)


def test_becoming_an_administrator_and_back_is_no_way_round(
    group: ClosedUserGroup, lost: Officer, padma: Officer
) -> None:
    accounts.change_officer(lost.pk, actor=padma, is_platform_administrator=True)
    opened(padma, lost)
    with pytest.raises(NotBySamePerson):
        accounts.confirm_reset(lost.pk, actor=padma)
    with pytest.raises(OpenedBefore):
        accounts.invite_again(lost, actor=padma)


def test_an_officer_without_a_group_takes_two_administrators(
    lost: Officer, padma: Officer, second: Officer
) -> None:
    office, other = sign_in(Client(), padma), sign_in(Client(), second)
    path = f"/administration/officers/{lost.pk}/reset/"
    assert office.post(path).status_code == 302
    assert office.post(f"{path}confirm/").status_code == 409
    page = other.get(f"/administration/officers/{lost.pk}/").content.decode()
    assert f"{path}confirm/" in page
    assert other.post(f"{path}confirm/").status_code == 302
    assert not AuthenticatorDevice.objects.filter(user=lost).exists()
    assert "link" in other.post(f"{path}draw/").context


def test_an_administrator_is_let_in_by_two_others(padma: Officer, second: Officer, lost: Officer) -> None:
    authenticator_of(second)
    with pytest.raises(NotYourself):
        accounts.open_reset(second.pk, actor=second)
    opened(padma, second)
    with pytest.raises(NotYourself):
        accounts.confirm_reset(second.pk, actor=second)


def test_administrators_of_one_line_are_one_person(lost: Officer, padma: Officer, second: Officer) -> None:
    invited_by(padma, second)
    opened(padma, lost)
    with pytest.raises(NotBySamePerson):
        accounts.confirm_reset(lost.pk, actor=second)
    accounts.withdraw_reset(lost.pk, actor=padma)
    opened(second, lost)
    with pytest.raises(NotBySamePerson):
        accounts.confirm_reset(lost.pk, actor=padma)


def test_only_who_agreed_draws(lost: Officer, padma: Officer, second: Officer, make_officer: Any) -> None:
    third = make_officer("third", is_platform_administrator=True)
    opened(padma, lost)
    accounts.confirm_reset(lost.pk, actor=second)
    with pytest.raises(RecoveryNotOpen):
        accounts.draw_reset(lost.pk, actor=third)


def test_a_reset_is_withdrawn_and_runs_out(lost: Officer, padma: Officer, second: Officer) -> None:
    office = sign_in(Client(), second)
    opened(padma, lost)
    assert office.post(f"/administration/officers/{lost.pk}/reset/withdraw/").status_code == 302
    with pytest.raises(RecoveryNotOpen):
        accounts.confirm_reset(lost.pk, actor=second)
    opened(padma, lost)
    Recovery.objects.filter(withdrawn_at=None).update(expires_at=timezone.now())
    assert reset_of(lost.pk) is None
    with pytest.raises(RecoveryNotOpen):
        accounts.confirm_reset(lost.pk, actor=second)


def test_a_link_by_one_hand_is_for_accounts_that_were_never_opened(
    lost: Officer, padma: Officer, make_officer: Any
) -> None:
    new = make_officer("new", password=None)
    assert accounts.invite_again(new, actor=padma)
    AuthenticatorDevice.objects.filter(user=lost).delete()  # as a confirmed recovery leaves an account
    with pytest.raises(OpenedBefore):
        accounts.invite_again(lost, actor=padma)


def test_the_officer_sees_it_and_refuses_it(lost: Officer, padma: Officer, group: ClosedUserGroup) -> None:
    theirs = sign_in(Client(), lost)
    assert "/account/recovery/refuse/" not in theirs.get("/account/security/").content.decode()
    opened(padma, lost)
    page = theirs.get("/account/security/").content.decode()
    assert "/account/recovery/refuse/" in page
    assert "Padma" in page
    assert theirs.post("/account/recovery/refuse/").status_code == 302
    assert reset_of(lost.pk) is None
    assert theirs.post("/account/recovery/refuse/").status_code == 409
    assert Entry.objects.get(action="account:recovery:withdrawn").actor == lost.pk


def test_the_machine_lets_the_last_administrator_in(padma: Officer, capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import CommandError, call_command

    authenticator_of(padma)
    theirs = sign_in(Client(), padma)
    call_command("reset_officer", "--email", "Padma@demo.invalid", "--site", "http://testserver")
    link = capsys.readouterr().out.split()[-1]
    assert theirs.get("/account/").status_code == 302
    assert not OfficerSession.objects.filter(officer=padma, revoked_at=None).exists()
    assert Client().get(link).status_code == 302
    assert Entry.objects.get(action="account:factor:reset").actor is None
    with pytest.raises(CommandError):
        call_command("reset_officer", "--email", "nobody@demo.invalid")


def test_a_role_that_is_lost_meanwhile_confirms_nothing(
    group: ClosedUserGroup, lost: Officer, padma: Officer, amina: Officer
) -> None:
    reset, member = opened(padma, lost), membership_of(amina, group)
    Membership.objects.filter(pk=member.pk).update(role=Role.ANALYST)
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(member, recovery_id=reset.pk)
