"""The gate of the administration pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.http import HttpRequest, HttpResponse

from accounts.errors import AdministratorsOnly
from accounts.models import Officer


def administrator_view[**P](
    view: Callable[Concatenate[HttpRequest, Officer, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Gate a page: the view gets the platform administrator second; others AdministratorsOnly."""

    @wraps(view)
    def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        officer = request.user
        if not (isinstance(officer, Officer) and officer.is_platform_administrator):
            raise AdministratorsOnly
        return view(request, officer, *args, **kwargs)

    return gated
