"""The HTTP API of accounts: who am I."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router

from accounts.models import Officer, Token

router = Router(tags=["me"])


@router.get("/me", summary="Who I am: officer, administration, languages")
def me(request: HttpRequest) -> dict[str, Any]:
    """Answer for an officer; for the token of a client system `officer` is null."""
    token: Token | None = getattr(request, "token", None)
    officer = request.user if isinstance(request.user, Officer) else None
    return {
        "officer": officer and _officer(officer),
        "administration": officer and _administration(officer),
        "languages": [{"code": code, "name": str(name)} for code, name in settings.LANGUAGES],
        "client_system": token.client_system if token and not officer else None,
        "scopes": token.scopes if token else None,
    }


def _officer(officer: Officer) -> dict[str, Any]:
    return {
        "id": str(officer.pk),
        "email": officer.email,
        "name": officer.name,
        "language": officer.language,
        "time_zone": officer.time_zone,
        "is_platform_administrator": officer.is_platform_administrator,
    }


def _administration(officer: Officer) -> dict[str, Any]:
    administration = officer.administration
    return {
        "id": str(administration.pk),
        "name": administration.name,
        "country": administration.country,
        "kind": administration.kind,
        "region": administration.region_id,
    }
