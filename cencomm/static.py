"""Static files from the web process itself, with validators, so that one machine needs no second server.

In production the proxy may serve the same folder; nothing here reads outside the finders' folders.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from gzip import compress
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

Handler = Callable[[HttpRequest], HttpResponse]
COMPRESSED = {
    "text/css",
    "text/javascript",
    "application/json",
    "image/svg+xml",
    "text/plain",
    "application/geo+json",
}
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("application/manifest+json", ".webmanifest")


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
    content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    gzipped = compress(body, 6) if content_type in COMPRESSED and len(body) > 1000 else None
    return StaticFile(body, gzipped, content_type, f'"{hashlib.sha256(body).hexdigest()[:24]}"')


@lru_cache(maxsize=4096)
def _found(name: str) -> str | None:
    found = finders.find(name)
    return str(found) if found and Path(str(found)).is_file() else None


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
        content_type = file.content_type
        if content_type.startswith("text/"):
            content_type += "; charset=utf-8"
        return HttpResponse(body, content_type=content_type, headers=headers)
