"""How a file is answered: streamed, never to be guessed at, run, framed or stored. Who may is not decided here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from accounts.lasting import LongAnswer
from messaging.attachments.reading import Readable
from problems import Refusal

# Nothing in a file may load, run, submit or navigate anything, wherever a browser comes to open it.
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def file_answer(request: HttpRequest, readable: Readable) -> LongAnswer:
    """Return a file as an answer, which ends in the middle for a reader who may read it no more.

    Pictures, which we drew ourselves, may be shown; all else is a download.
    """
    picture = readable.media_type.startswith("image/")
    charset = "; charset=utf-8" if readable.media_type.startswith("text/") else ""
    return LongAnswer(
        request,
        readable.blocks,
        still=readable.still,
        content_type=readable.media_type + charset,
        headers={
            "Content-Length": str(readable.size),
            "Content-Disposition": content_disposition_header(not picture, readable.name) or "attachment",
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Accept-Ranges": "none",
        },
    )


def offset_answer(*, offset: int, size: int, status: int) -> HttpResponse:
    """Return how far an upload has come, in the headers of tus 1.0."""
    response = HttpResponse(status=status)
    response.headers["Upload-Offset"] = str(offset)
    response.headers["Upload-Length"] = str(size)
    return response


def problem_with_offset(refusal: Refusal, offset: int) -> HttpResponse:
    """Return a refusal that tells where the upload stands."""
    import orjson

    body = orjson.dumps(refusal.as_problem())
    response = HttpResponse(body, status=refusal.status, content_type="application/problem+json")
    response.headers["Upload-Offset"] = str(offset)
    return response
