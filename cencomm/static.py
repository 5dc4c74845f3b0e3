"""Static files from the web process itself, with validators, so that one machine needs no second server.

In production the proxy may serve the same folder; nothing here reads outside the finders' folders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from gzip import compress
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

Handler = Callable[[HttpRequest], HttpResponse]
# The kinds of files that a page of ours loads. What else lies in the folders (licences, what an editor or a package
# left there) is served to nobody.
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml; charset=utf-8",
}
WORTH_COMPRESSING = 1000  # bytes


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, ready to be sent."""

    body: bytes
    gzipped: bytes | None
    content_type: str
    etag: str


@lru_cache(maxsize=2048)
def _load(path: str, stamp: tuple[float, int]) -> StaticFile:
    body = Path(path).read_bytes()
    gzipped = compress(body, 6) if len(body) > WORTH_COMPRESSING else None
    return StaticFile(body, gzipped, KINDS[Path(path).suffix], f'"{hashlib.sha256(body).hexdigest()[:24]}"')


@lru_cache(maxsize=4096)
def _found(name: str) -> str | None:
    found = finders.find(name)
    return str(found) if found and Path(str(found)).suffix in KINDS and Path(str(found)).is_file() else None


class StaticFilesMiddleware:
    """Answer `/static/…` with an ETag; a browser asks again and mostly gets 304."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        prefix = settings.STATIC_URL
        if not request.path.startswith(prefix) or request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        path = _found(request.path.removeprefix(prefix))
        if path is None:
            return HttpResponse(status=404)
        status = Path(path).stat()
        file = _load(path, (status.st_mtime, status.st_size))
        if request.headers.get("If-None-Match") == file.etag:
            return HttpResponseNotModified(headers={"ETag": file.etag, "Cache-Control": "no-cache"})
        headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        body = file.body
        if file.gzipped and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = file.gzipped, "gzip"
        return HttpResponse(body, content_type=file.content_type, headers=headers)
