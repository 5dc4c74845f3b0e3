"""The API of forms: the versions in force. Read only; templates are edited on their page."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import get_language
from ninja import Router

from groups.access import Right
from groups.gates import caller, member_of
from simplified_forms import queries

router = Router(tags=["forms"])


@router.get("/groups/{group_id}/templates", summary="The forms in force, per kind")
def templates(request: HttpRequest, group_id: UUID) -> dict[str, Any]:
    """Answer `{"templates": [{id, kind, mode, version, name, published_at, spec, description}]}`, one per kind.

    `spec` is what the coordinator chose; `description` is the form ready to draw in the officer's language (its
    shape: `docs/protocol.md`). Of the two seizure forms the one of the group's form mode is given. A stranger gets
    404.
    """
    officer = caller(request, "messages:read")
    membership = member_of(officer, group_id, Right.READ)
    language = get_language() or officer.language
    return {
        "templates": [
            {
                "id": str(template.pk),
                "kind": template.kind,
                "mode": template.mode,
                "version": template.version,
                "name": template.name,
                "published_at": template.published_at,
                "spec": template.spec,
                "description": queries.form_description(template, language),
            }
            for template in queries.templates_in_force(membership.group)
        ]
    }
