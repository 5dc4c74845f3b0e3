"""Who asks, over the API."""

from django.http import HttpRequest


def signed_in(request: HttpRequest) -> object | None:
    return request.user if request.user.is_authenticated else None
