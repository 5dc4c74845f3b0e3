"""Writes on administrations and officers. What proves who they are lives in the modules beside this one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

import audit
from accounts.actions.sessions import revoke_everything, tighten_sessions
from accounts.errors import AdministrationExists, AdministratorsOnly, BadPassword, NotYourself, OfficerExists
from accounts.models import Administration, Invitation, Officer, Region
from accounts.revocations import announce
from problems import FieldProblem


def create_administration(
    *,
    country: str,
    name: str,
    kind: str = Administration.Kind.CUSTOMS,
    region: Region | None = None,
    actor: Officer | None = None,
) -> Administration:
    """Add an administration of `country` (alpha-2). Raises AdministrationExists for a name that is taken."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                administration = Administration.objects.create(
                    country=country.upper(), name=name.strip(), kind=kind, region=region
                )
        except IntegrityError as error:
            raise AdministrationExists from error
        audit.record(
            audit.Action.ADMINISTRATION_CREATED,
            actor=actor.pk if actor else None,
            subject=f"administration:{administration.pk}",
            country=administration.country,
        )
    return administration


def change_administration(
    administration_id: UUID, *, country: str, name: str, kind: str, region: Region | None, actor: Officer
) -> Administration:
    """Change what is known of an administration. Raises AdministrationExists for a name that is taken."""
    with transaction.atomic():
        administration = Administration.objects.select_for_update(no_key=True).get(pk=administration_id)
        administration.country = country.upper()
        administration.name = name.strip()
        administration.kind = kind
        administration.region = region
        try:
            with transaction.atomic():
                administration.save()
        except IntegrityError as error:
            raise AdministrationExists from error
        audit.record(
            audit.Action.ADMINISTRATION_CHANGED, actor=actor.pk, subject=f"administration:{administration.pk}"
        )
    return administration


def create_officer(
    *,
    email: str,
    name: str,
    administration: Administration,
    language: str = "en",
    time_zone: str = "UTC",
    password: str | None = None,
    is_platform_administrator: bool = False,
    actor: Officer | None = None,
) -> Officer:
    """Add an officer, who cannot sign in before a password and a second factor exist.

    Raises OfficerExists for an address that is taken (without regard to case) and BadPassword.
    """
    officer = Officer(
        email=email.strip().lower(),
        name=name.strip(),
        administration=administration,
        language=language if language in dict(settings.LANGUAGES) else "en",
        time_zone=time_zone,
        is_platform_administrator=is_platform_administrator,
    )
    if password is None:
        officer.set_unusable_password()
    else:
        check_password_quality(password, officer)
        officer.set_password(password)
    with transaction.atomic():
        try:
            with transaction.atomic():
                officer.save(force_insert=True)
        except IntegrityError as error:
            raise OfficerExists from error
        audit.record(
            audit.Action.OFFICER_CREATED,
            actor=actor.pk if actor else None,
            subject=f"officer:{officer.pk}",
            administration=str(administration.pk),
            is_platform_administrator=is_platform_administrator,
        )
    return officer


def change_profile(officer: Officer, *, language: str, time_zone: str) -> None:
    """Set the officer's own language and time zone."""
    with transaction.atomic():
        Officer.objects.filter(pk=officer.pk).update(language=language, time_zone=time_zone)
        audit.record(
            audit.Action.OFFICER_CHANGED,
            actor=officer.pk,
            subject=f"officer:{officer.pk}",
            language=language,
            time_zone=time_zone,
        )
    officer.language, officer.time_zone = language, time_zone


def change_officer(officer_id: UUID, *, actor: Officer, **values: Any) -> Officer:
    """Change name, administration or the platform role of an officer; nobody takes his own role away."""
    unknown = set(values) - {"name", "administration", "is_platform_administrator", "language", "time_zone"}
    if unknown:
        message = "this is not changed here"
        raise TypeError(message)
    with transaction.atomic():
        officer = _held_by_administrator(officer_id, actor)
        if officer.pk == actor.pk and not values.get("is_platform_administrator", True):
            raise NotYourself
        promoted = values.get("is_platform_administrator", False) and not officer.is_platform_administrator
        for name, value in values.items():
            setattr(officer, name, value)
        officer.save(update_fields=sorted(values))
        if promoted:
            # Platform administrators read no content: open sockets end. A link that a coordinator was told for this
            # account would open an administrator's now.
            Invitation.objects.filter(
                officer=officer, accepted_at=None, withdrawn_at=None, invited_by__is_platform_administrator=False
            ).update(withdrawn_at=timezone.now())
            announce(officer.pk)
            tighten_sessions(officer.pk)
        audit.record(
            audit.Action.OFFICER_CHANGED,
            actor=actor.pk,
            subject=f"officer:{officer.pk}",
            fields=",".join(sorted(values)),
        )
    return officer


def deactivate_officer(officer_id: UUID, *, actor: Officer) -> None:
    """Shut an account: sessions, tokens and open invitations end with it. Nobody shuts his own."""
    if officer_id == actor.pk:
        raise NotYourself
    with transaction.atomic():
        _held_by_administrator(officer_id, actor)
        moved = Officer.objects.filter(pk=officer_id, is_active=True).update(is_active=False)
        if not moved:
            return
        revoke_everything(officer_id, actor=actor.pk)
        audit.record(audit.Action.OFFICER_DEACTIVATED, actor=actor.pk, subject=f"officer:{officer_id}")


def _held_by_administrator(officer_id: UUID, actor: Officer) -> Officer:
    """Return the officer with his row and the actor's held: of two who end each other at once, one does.

    Raises AdministratorsOnly where the actor's account was shut, or his role taken, since he asked.
    """
    rows = Officer.objects.select_for_update(no_key=True).filter(pk__in=[officer_id, actor.pk]).order_by("pk")
    held = {officer.pk: officer for officer in rows}
    if not (held[actor.pk].is_active and held[actor.pk].is_platform_administrator):
        raise AdministratorsOnly
    return held[officer_id]


def activate_officer(officer_id: UUID, *, actor: Officer) -> None:
    """Open a shut account again; its sessions and tokens stay ended."""
    with transaction.atomic():
        _held_by_administrator(officer_id, actor)
        if Officer.objects.filter(pk=officer_id, is_active=False).update(is_active=True):
            audit.record(audit.Action.OFFICER_ACTIVATED, actor=actor.pk, subject=f"officer:{officer_id}")


def check_password_quality(password: str, officer: Officer) -> None:
    """Refuse short, common and name-like passwords (BadPassword). There are no composition rules."""
    try:
        validate_password(password, officer)
    except ValidationError as error:
        problems = [FieldProblem("password", e.code or "invalid", e.messages[0]) for e in error.error_list]
        raise BadPassword(" ".join(p.message for p in problems), errors=problems) from error
