"""The HTTP API of groups: which are mine, who is in one. Gates, then queries; no rule lives here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from groups import queries
from groups.access import Right
from groups.gates import caller, member_of

router = Router(tags=["groups"])


@router.get("/groups", summary="My groups")
def groups(request: HttpRequest) -> dict[str, Any]:
    """Answer `{"groups": [...]}`: id, code, name, kind, phase, days, role, rights, `epoch` and `head` of each."""
    officer = caller(request, "messages:read")
    return {"groups": [queries.group_summary(membership) for membership in queries.groups_of(officer)]}


@router.get("/groups/{group_id}", summary="One group, its members and countries")
def group(request: HttpRequest, group_id: UUID) -> dict[str, Any]:
    """Answer the group as in the list, with description, members and countries. A stranger gets 404."""
    return queries.group_detail(member_of(caller(request, "messages:read"), group_id, Right.SEE_GROUP))
