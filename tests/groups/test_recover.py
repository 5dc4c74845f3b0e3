"""A member who lost every second factor is let in anew by a contact point and a coordinator, together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

from accounts import actions as accounts
from accounts.actions import make_recovery_codes
from accounts.errors import NotBySamePerson, NotYourself, RecoveryNotOpen
from accounts.models import AuthenticatorDevice, Invitation, Officer, Recovery, RecoveryCode
from audit.models import Entry
from groups import actions, presentation
from groups.errors import NoSuchMember, NotAllowed, Stranger
from groups.models import ClosedUserGroup, Membership, Role
from tests.cast import authenticator_of, join, membership_of, passkey_of, sign_in, token_for


@pytest.fixture
def fatou_lost_it(fatou: Officer) -> Officer:
    """Fatou, of bruno's house, with every kind of factor; all of it lies in a river."""
    authenticator_of(fatou)
    passkey_of(fatou)
    make_recovery_codes(fatou)
    return fatou


def entries(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action=f"account:recovery:{action}").order_by("pk"))


def opened(by: Officer, officer: Officer, group: ClosedUserGroup) -> Recovery:
    return actions.open_recovery(membership_of(by, group), member_id=membership_of(officer, group).pk)


@pytest.mark.parametrize("first", ["bruno", "amina"])
def test_two_people_let_an_officer_in_anew(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup, first: str
) -> None:
    one, other = (bruno, amina) if first == "bruno" else (amina, bruno)
    theirs, token = sign_in(Client(), fatou_lost_it), token_for(fatou_lost_it)
    recovery = opened(one, fatou_lost_it, group)
    assert theirs.get("/account/").status_code == 200
    actions.confirm_recovery(membership_of(other, group), recovery_id=recovery.pk)
    assert theirs.get("/account/").status_code == 302
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    for kept in (AuthenticatorDevice, RecoveryCode, WebAuthnCredential):
        assert not kept.objects.filter(**owner(kept, fatou_lost_it)).exists()
    fatou_lost_it.refresh_from_db()
    assert not fatou_lost_it.has_usable_password()
    _recovery, _invitation, secret = actions.draw_recovery(membership_of(bruno, group), recovery_id=recovery.pk)
    assert Client().get(f"/invitation/{secret}/").status_code == 302
    assert [e.actor for e in entries("opened")] == [one.pk]
    assert [e.actor for e in entries("confirmed")] == [other.pk]
    assert [e.actor for e in entries("drawn")] == [bruno.pk]
    assert {e.group for e in Entry.objects.filter(action__startswith="account:recovery:")} == {group.pk}


def owner(kept: type, officer: Officer) -> dict[str, Officer]:
    return {"device__user": officer} if kept is RecoveryCode else {"user": officer}


def test_nobody_confirms_alone(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    recovery = opened(amina, fatou_lost_it, group)
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)
    assert AuthenticatorDevice.objects.filter(user=fatou_lost_it).exists()
    with pytest.raises(RecoveryNotOpen):
        actions.draw_recovery(membership_of(bruno, group), recovery_id=recovery.pk)


def test_whoever_changes_sides_still_does_not_confirm_alone(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    recovery = opened(bruno, fatou_lost_it, group)
    Membership.objects.filter(officer=bruno, group=group).update(role=Role.COORDINATOR)
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(membership_of(bruno, group), recovery_id=recovery.pk)
    assert Recovery.objects.get().confirmed_by is None


def test_two_coordinators_are_one_side(
    amina: Officer, chloe: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    Membership.objects.filter(officer=chloe, group=group).update(role=Role.COORDINATOR)
    recovery = opened(amina, fatou_lost_it, group)
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(membership_of(chloe, group), recovery_id=recovery.pk)


def test_a_contact_point_of_another_house_has_no_say(
    amina: Officer, bruno: Officer, dmitri: Officer, group: ClosedUserGroup
) -> None:
    authenticator_of(dmitri)
    with pytest.raises(NotAllowed):
        opened(bruno, dmitri, group)
    recovery = opened(amina, dmitri, group)
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(membership_of(bruno, group), recovery_id=recovery.pk)
    assert presentation.recovery_lines(membership_of(bruno, group)) == []


def test_only_the_contact_point_draws_the_link_and_once(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    recovery = opened(bruno, fatou_lost_it, group)
    actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)
    with pytest.raises(NotAllowed):
        actions.draw_recovery(membership_of(amina, group), recovery_id=recovery.pk)
    actions.draw_recovery(membership_of(bruno, group), recovery_id=recovery.pk)
    with pytest.raises((RecoveryNotOpen, NoSuchMember)):
        actions.draw_recovery(membership_of(bruno, group), recovery_id=recovery.pk)


def invited(officer: Officer, by: Officer, *, accepted: bool = True) -> None:
    """As if an officer had come in by a link that another was shown."""
    now = timezone.now()
    Invitation.objects.create(
        officer=officer,
        invited_by=by,
        secret_hash=officer.pk.bytes + by.pk.bytes,
        expires_at=now + timedelta(days=7),
        accepted_at=now if accepted else None,
    )


@pytest.mark.parametrize("first", ["contact", "coordinator"])
@pytest.mark.parametrize("way", ["at once", "at two removes", "both by a third"])
def test_a_coordinator_who_invents_a_contact_point_is_one_person(
    amina: Officer,
    chloe: Officer,
    fatou_lost_it: Officer,
    group: ClosedUserGroup,
    make_officer: Callable[..., Officer],
    first: str,
    way: str,
) -> None:
    invented = make_officer("invented", "GH")
    join(group, invented, Role.CONTACT_POINT)
    if way == "at once":
        invited(invented, amina)
    elif way == "at two removes":
        invited(invented, chloe)
        invited(chloe, amina)
    else:
        invited(invented, chloe)
        invited(amina, chloe)
    one, other = (invented, amina) if first == "contact" else (amina, invented)
    recovery = opened(one, fatou_lost_it, group)
    assert not presentation.recovery_lines(membership_of(other, group))[0].may_confirm
    with pytest.raises(NotBySamePerson):
        actions.confirm_recovery(membership_of(other, group), recovery_id=recovery.pk)
    assert AuthenticatorDevice.objects.filter(user=fatou_lost_it).exists()


def test_whom_an_administrator_invited_is_somebody_of_ones_own(
    amina: Officer, bruno: Officer, padma: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    invited(amina, padma)
    invited(bruno, padma)
    recovery = opened(bruno, fatou_lost_it, group)
    actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)


def test_a_contact_point_who_did_not_agree_draws_nothing(
    amina: Officer,
    bruno: Officer,
    fatou_lost_it: Officer,
    group: ClosedUserGroup,
    make_officer: Callable[..., Officer],
) -> None:
    third = make_officer("third", "GH")
    join(group, third, Role.CONTACT_POINT)
    recovery = opened(bruno, fatou_lost_it, group)
    actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)
    assert not presentation.recovery_lines(membership_of(third, group))[0].may_draw
    with pytest.raises(NotAllowed):
        actions.draw_recovery(membership_of(third, group), recovery_id=recovery.pk)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_group_lets_no_platform_administrator_in_anew(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup, when: str
) -> None:
    """An officer who was made one keeps the row of a membership that opens nothing."""
    named = Officer.objects.filter(pk=fatou_lost_it.pk)
    if when == "before":
        named.update(is_platform_administrator=True)
        with pytest.raises(NoSuchMember):
            opened(bruno, fatou_lost_it, group)
        return
    recovery = opened(bruno, fatou_lost_it, group)
    named.update(is_platform_administrator=True)
    with pytest.raises(NoSuchMember):
        actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)


@pytest.mark.parametrize("role", [Role.ANALYST, Role.OFFICER, Role.OBSERVER, Role.AUDITOR])
def test_other_roles_have_no_say(
    amina: Officer, olga: Officer, fatou_lost_it: Officer, group: ClosedUserGroup, role: Role
) -> None:
    Membership.objects.filter(officer=olga, group=group).update(role=role)
    with pytest.raises(NotAllowed):
        opened(olga, fatou_lost_it, group)


def test_a_stranger_has_no_say(
    client: Client,
    eve: Officer,
    amina: Officer,
    fatou_lost_it: Officer,
    group: ClosedUserGroup,
    other_group: ClosedUserGroup,
) -> None:
    recovery = opened(amina, fatou_lost_it, group)
    sign_in(client, eve)
    assert client.get(f"/groups/{group.pk}/recovery/").status_code == 404
    for act in ("confirm", "link", "withdraw"):
        assert client.post(f"/groups/{group.pk}/recovery/{recovery.pk}/{act}/").status_code == 404
        assert client.post(f"/groups/{other_group.pk}/recovery/{recovery.pk}/{act}/").status_code in {403, 404}
    assert Recovery.objects.get().withdrawn_at is None


def test_a_former_member_is_not_found(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, removed: Officer, eve: Officer, group: ClosedUserGroup
) -> None:
    gone = Membership.objects.get(officer=removed, group=group)
    with pytest.raises(NoSuchMember):
        actions.open_recovery(membership_of(amina, group), member_id=gone.pk)
    mine = membership_of(bruno, group)
    Membership.objects.filter(pk=mine.pk).update(left_at=timezone.now())
    with pytest.raises(Stranger):
        actions.open_recovery(mine, member_id=membership_of(fatou_lost_it, group).pk)


def test_nobody_recovers_himself(amina: Officer, group: ClosedUserGroup) -> None:
    authenticator_of(amina)
    with pytest.raises(NotYourself):
        opened(amina, amina, group)


def test_an_opener_who_left_counts_no_more(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    recovery = opened(bruno, fatou_lost_it, group)
    Membership.objects.filter(officer=bruno, group=group).update(left_at=timezone.now())
    with pytest.raises(NotAllowed):
        actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)


def test_it_runs_out_and_can_be_opened_again(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    recovery = opened(bruno, fatou_lost_it, group)
    with pytest.raises(RecoveryNotOpen):
        opened(amina, fatou_lost_it, group)
    Recovery.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises((RecoveryNotOpen, NoSuchMember)):
        actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)
    assert opened(bruno, fatou_lost_it, group).pk != recovery.pk


def test_a_withdrawn_one_is_not_confirmed(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    recovery = opened(bruno, fatou_lost_it, group)
    actions.withdraw_recovery(membership_of(amina, group), recovery_id=recovery.pk)
    with pytest.raises((RecoveryNotOpen, NoSuchMember)):
        actions.confirm_recovery(membership_of(amina, group), recovery_id=recovery.pk)
    assert len(entries("withdrawn")) == 1


def test_the_table_itself_wants_two_people(amina: Officer, fatou_lost_it: Officer, group: ClosedUserGroup) -> None:
    recovery = opened(amina, fatou_lost_it, group)
    with pytest.raises(IntegrityError), transaction.atomic():
        Recovery.objects.filter(pk=recovery.pk).update(confirmed_by=amina)


def test_accounts_wants_two_people_whatever_groups_say(
    amina: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    recovery = opened(amina, fatou_lost_it, group)
    for actor, refusal in ((amina, NotBySamePerson), (fatou_lost_it, NotYourself)):
        with pytest.raises(refusal):
            accounts.confirm_recovery(recovery.pk, actor=actor, side="contact_point")
    assert Recovery.objects.get().confirmed_by is None


def test_the_pages_lead_through_it(
    amina: Officer, bruno: Officer, fatou_lost_it: Officer, group: ClosedUserGroup
) -> None:
    contact, coordinator = sign_in(Client(), bruno), sign_in(Client(), amina)
    page = f"/groups/{group.pk}/recovery/"
    assert f'href="{page}"' in contact.get(f"/groups/{group.pk}/members/").content.decode()
    member = str(membership_of(fatou_lost_it, group).pk)
    assert contact.post(f"{page}open/", {"member": member}).status_code == 422
    assert contact.post(f"{page}open/", {"member": member, "confirm": "on"}).status_code == 302
    [line] = coordinator.get(page).context["lines"]
    assert (line.may_confirm, line.may_draw) == (True, False)
    assert not contact.get(page).context["lines"][0].may_confirm
    assert coordinator.post(f"{page}{line.recovery.pk}/confirm/").status_code == 302
    assert not coordinator.get(page).context["lines"][0].may_draw
    shown = contact.post(f"{page}{line.recovery.pk}/link/")
    assert Client().get(shown.context["link"]).status_code == 302
    assert contact.get(page).context["lines"] == []


def test_the_choice_of_a_contact_point_is_the_own_house(
    bruno: Officer, amina: Officer, group: ClosedUserGroup, make_officer: Callable[..., Officer]
) -> None:
    kofi = make_officer("kofi", "GH")
    join(group, kofi, Role.OFFICER)
    page = sign_in(Client(), bruno).get(f"/groups/{group.pk}/recovery/")
    assert {label for _value, label in page.context["form"].fields["member"].choices} == {
        "–",  # nobody is chosen by oversight
        "Fatou · GH",
        "Kofi · GH",
    }
