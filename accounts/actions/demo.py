"""Invented people, where the demo is loaded: they get an authenticator whose code a command can print."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import transaction

import audit
from accounts import totp
from accounts.authenticator_keys import seal_key
from accounts.errors import DemoOnly
from accounts.models import DEMO_DOMAIN, AuthenticatorDevice, Officer


def enrol_demo_officer(officer: Officer) -> None:
    """Give an invented officer a confirmed authenticator; one that exists stays. Raises DemoOnly elsewhere."""
    if not settings.CENCOMM_DEMO or not officer.email.endswith(DEMO_DOMAIN):
        raise DemoOnly
    with transaction.atomic():
        if AuthenticatorDevice.objects.filter(user=officer, confirmed=True).exists():
            return
        key_id = uuid.uuid4()
        AuthenticatorDevice.objects.create(
            user=officer,
            name="authenticator",
            confirmed=True,
            key_id=key_id,
            sealed_key=seal_key(totp.new_key(), key_id=key_id, officer_id=officer.pk),
        )
        audit.record(
            audit.Action.FACTOR_ADDED,
            actor=None,
            subject=f"officer:{officer.pk}",
            factor="authenticator",
            demo=True,
        )
