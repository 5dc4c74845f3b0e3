"""Who may read CEN and who may feed it. One rule each; every view and endpoint of CEN passes through here.

Every officer who signed in with a second factor may read: CEN holds no persons, and belongs to no group. What names
an operation is for those who may know that there is one (`known_operations`): CEN does not know who they are, and
asks whoever has said that he does. A token needs `cen:read` to read. Only a token with `cen:write` feeds CEN: no
page does, and no session may.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase

from accounts import api_auth
from cen.errors import ReaderRequired, TokenRequired

READ_SCOPE = "cen:read"
WRITE_SCOPE = "cen:write"

type KnownTo = Callable[[UUID | None], frozenset[str] | None]
_asked: list[KnownTo] = []


def tell_operations(known_to: KnownTo) -> None:
    """Have those operations of this product told that `known_to` returns for an officer, None for all of them.

    For a client system it is asked with None. Where nobody has said so, CEN stands alone and tells everybody.
    """
    _asked[:] = [known_to]


def known_operations(request: HttpRequest) -> frozenset[str] | None:
    """Return the codes of this product's operations that whoever asks may know of; None for all."""
    return _asked[0](actor_of(request)) if _asked else None


def reader_view[**P, R: HttpResponseBase](
    view: Callable[Concatenate[HttpRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Gate a page: an active officer (the middleware has asked for the second factor)."""

    @wraps(view)
    def gated(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not request.user.is_authenticated or not request.user.is_active:
            raise ReaderRequired
        return view(request, *args, **kwargs)

    return gated


def require_reader(request: HttpRequest) -> None:
    """Gate an endpoint that reads: a session, or a token with the scope."""
    api_auth.require_scope(request, READ_SCOPE)


def feeding_source(request: HttpRequest) -> tuple[str, str]:
    """Gate the intake; return the name of the source that this token feeds, and the name of the client.

    A client system feeds its own source. A token of an officer feeds the source of the officer's administration,
    whoever of its officers sends. Neither can name another's source, nor `cencomm`, which is this product's own.
    """
    token: Any = getattr(request, "token", None)
    if token is None:
        raise TokenRequired
    api_auth.require_scope(request, WRITE_SCOPE)
    if token.client_system:
        return f"client:{token.client_system}"[:80], f"token:{token.pk}"
    return f"administration:{token.officer.administration_id}", f"token:{token.pk}"


def actor_of(request: HttpRequest) -> UUID | None:
    """Return the officer behind a request; none for a client system."""
    user: Any = request.user
    return user.pk if user is not None and user.is_authenticated and isinstance(user.pk, UUID) else None


def token_of(request: HttpRequest) -> str | None:
    """Return the id of the token behind a request, for the audit trail; none for a session."""
    token: Any = getattr(request, "token", None)
    return str(token.pk) if token is not None else None
