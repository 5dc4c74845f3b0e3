"""The type-ahead endpoint. Signed-in officers only (middleware); it reads public lists, so nothing is audited."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from nomenclature.errors import BadQuery
from nomenclature.search import MAX_LIMIT, MAX_QUERY, find

_LIMIT = 20
_KEPT_SECONDS = 300


@require_safe
def search(request: HttpRequest) -> JsonResponse:
    """Answer `?list=place&q=apapa[&language=fr][&country=NG][&limit=20]` with the best codes."""
    query = request.GET.get("q", "")
    if len(query) > MAX_QUERY:
        raise BadQuery(_("Search for fewer words: %(count)d characters at most.") % {"count": MAX_QUERY})
    limit = request.GET.get("limit", str(_LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 1 <= int(limit) <= MAX_LIMIT):
        raise BadQuery(_("The limit is a number from 1 to %(count)d.") % {"count": MAX_LIMIT})
    matches = find(
        request.GET.get("list", ""),
        query,
        language=request.GET.get("language") or get_language() or "en",
        limit=int(limit),
        country=request.GET.get("country", "")[:2] or None,
    )
    response = JsonResponse({"results": [match._asdict() for match in matches]})
    patch_cache_control(response, private=True, max_age=_KEPT_SECONDS)
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response
