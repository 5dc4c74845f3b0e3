"""The account of the canary: the product sends a message to itself each minute, and somebody must be its sender.

It has no password, no authenticator and an address that nobody can guess, so nobody signs in as it, invites it or
takes it into a group; lists of people and administrations leave it out. What it does is audited like anybody's.
What must not live here: what it sends (`cencomm.canary`).
"""

from __future__ import annotations

import secrets
from uuid import UUID

from django.db import transaction

import audit
from accounts.models import Administration, Officer

OFFICER = UUID("b1cbbf1d-38a6-4f0d-8f5c-1f6a5d0c0001")
ADMINISTRATION = UUID("b1cbbf1d-38a6-4f0d-8f5c-1f6a5d0c0002")
COUNTRY = "ZZ"  # ISO 3166: no country


@transaction.atomic
def canary_officer() -> Officer:
    """Return the canary's account; made once, whoever asks first."""
    administration, _made = Administration.objects.get_or_create(
        pk=ADMINISTRATION,
        defaults={"country": COUNTRY, "name": "CENcomm", "kind": Administration.Kind.OTHER},
    )
    officer, made = Officer.objects.get_or_create(
        pk=OFFICER,
        defaults={
            "email": f"canary-{secrets.token_hex(16)}@cencomm.invalid",
            "name": "Canary",
            "administration": administration,
        },
    )
    if made:
        officer.set_unusable_password()
        officer.save(update_fields=["password"])
        audit.record(audit.Action.OFFICER_CREATED, actor=None, subject=f"officer:{officer.pk}")
    return Officer.objects.select_related("administration").get(pk=officer.pk)
