"""Making a group: the one act of groups that has no membership yet, so it takes a platform administrator."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import IntegrityError, transaction

import audit
from accounts.errors import AdministratorsOnly
from accounts.models import Officer
from groups import announcements, keys, phases
from groups.actions.members import join
from groups.errors import CodeTaken
from groups.models import ClosedUserGroup, GroupCountry, Role
from groups.settings import GroupSettings, check_code, check_country
from vault import keystore


def create_group(
    actor: Officer,
    *,
    code: str,
    name: str,
    first_coordinator: Officer,
    kind: str = ClosedUserGroup.Kind.OPERATION,
    starts_on: date | None = None,
    ends_on: date | None = None,
    form_mode: str = ClosedUserGroup.FormMode.SIMPLIFIED,
    countries: Iterable[str] = (),
) -> ClosedUserGroup:
    """Make a group with its keys, its countries and one coordinator, who runs it from then on.

    The platform administrator who makes it gets no membership. The coordinator's country always takes part. An
    operation starts in planning, a standing group is operational at once. Raises AdministratorsOnly (403),
    InvalidSettings (422), CodeTaken (409), and what `join` refuses of the coordinator.
    """
    if not (actor.is_platform_administrator and actor.is_active):
        raise AdministratorsOnly
    settings = GroupSettings(name=name, starts_on=starts_on, ends_on=ends_on, form_mode=form_mode)
    settings.check(kind)
    group = ClosedUserGroup(
        code=check_code(code), kind=kind, phase=phases.first_phase(kind), **settings.as_fields()
    )
    taking_part = {check_country(country) for country in countries} | {first_coordinator.country}
    try:
        with transaction.atomic():
            _insert(group)
            keys.create_keys(group, actor=actor.pk)
            GroupCountry.objects.bulk_create(
                GroupCountry(group=group, country=country) for country in sorted(taking_part)
            )
            audit.record(
                audit.Action.GROUP_CREATED,
                actor=actor.pk,
                group=group.pk,
                subject=f"group:{group.pk}",
                kind=group.kind,
                form_mode=group.form_mode,
                countries=",".join(sorted(taking_part))[:200],
            )
            announcements.announce_created(group, actor=actor.pk)
            join(group, officer=first_coordinator, role=Role.COORDINATOR, actor=actor.pk)
    except BaseException:
        # The key lies outside the database: a rollback does not take it away.
        if keystore().has_group_key(group.pk):
            keystore().destroy_group_key(group.pk)
        raise
    return group


def _insert(group: ClosedUserGroup) -> None:
    try:
        with transaction.atomic():
            group.save(force_insert=True)
    except IntegrityError as error:
        if ClosedUserGroup.objects.filter(code=group.code).exists():
            raise CodeTaken from None
        raise error
