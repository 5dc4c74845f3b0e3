"""The gates: they turn an officer and a group's id into a Membership, or stop. Nothing passes around them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, Concatenate
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from accounts.api_auth import require_scope
from accounts.models import Officer
from groups.access import RIGHTS, Right
from groups.errors import NotAllowed, Stranger
from groups.models import ClosedUserGroup, Membership, Role

# Who was made a platform administrator reads no content any more, whatever memberships are left from before.
_PRESENT = Q(left_at__isnull=True, officer__is_active=True, officer__is_platform_administrator=False)


def member_of(officer: Officer, group_id: UUID, right: Right) -> Membership:
    """Return the officer's membership with its group and officer loaded.

    Raises Stranger (404) for anybody who is no member now, NotAllowed (403) for a member without the right.
    """
    membership = (
        Membership.objects.select_related("group", "officer__administration")
        .filter(_PRESENT, group_id=group_id, officer_id=officer.pk)
        .first()
    )
    if membership is None:
        raise Stranger
    if not membership.has(right):
        raise NotAllowed
    return membership


def caller(request: HttpRequest, scope: str) -> Officer:
    """Return the officer who calls the API. Raises ScopeMissing, Stranger for a client system: a member of nothing.

    Ask it before anything is looked up: else a token without the scope would learn by 403 or 404 what there is.
    """
    require_scope(request, scope)
    if not isinstance(request.user, Officer):
        raise Stranger
    return request.user


def members_among(pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], tuple[UUID, Role]]:
    """Return id and role of the present membership, for each of these officers and groups that has one; one query.

    What `member_of` asks for one, for many at once: whoever is not in the answer is a stranger.
    """
    found = Membership.objects.filter(
        _PRESENT, officer_id__in={officer for officer, _ in pairs}, group_id__in={group for _, group in pairs}
    ).values_list("officer_id", "group_id", "pk", "role")
    wanted = set(pairs)
    return {(officer, group): (pk, Role(role)) for officer, group, pk, role in found if (officer, group) in wanted}


def hold_group(membership: Membership, right: Right) -> ClosedUserGroup:
    """Lock the group's row until the transaction ends, and check the membership again under that lock.

    Every write starts here: between the gate and the lock a member may have been removed, lost the role, or the
    phase may have moved. Returns the group as it is now, and brings the membership's role to what it is now. Raises
    Stranger (404) or NotAllowed (403).
    """
    group = ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=membership.group_id)
    role = Membership.objects.filter(_PRESENT, pk=membership.pk).values_list("role", flat=True).first()
    if role is None:
        raise Stranger
    if right not in RIGHTS[Role(role)]:
        raise NotAllowed
    membership.role = role
    return group


def member_view[**P](
    right: Right,
) -> Callable[[Callable[Concatenate[HttpRequest, Membership, P], HttpResponse]], Callable[..., HttpResponse]]:
    """Gate a page: the view gets the Membership instead of the URL's `group_id`."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, Membership, P], HttpResponse],
    ) -> Callable[..., HttpResponse]:
        @wraps(view)
        def gated(request: HttpRequest, group_id: UUID, *args: Any, **kwargs: Any) -> HttpResponse:
            officer = request.user
            if not isinstance(officer, Officer):
                raise Stranger
            return view(request, member_of(officer, group_id, right), *args, **kwargs)

        gated.right = right  # type: ignore[attr-defined]
        return gated

    return decorate
