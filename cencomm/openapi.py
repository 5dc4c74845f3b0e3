"""What the OpenAPI document says beyond what the endpoints' signatures tell: answers, refusals, how to sign in.

Refusals are derived for each operation from what it takes (a body, parts of a path, a group); the answers are in
`cencomm.openapi_answers`. A test asks a running server with made-up requests and holds every answer against this
document. What must not live here: anything that an answer is made from.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from cen.fields import components as cen_components
from cencomm.openapi_answers import ANSWERS

PROBLEM_TYPE = "application/problem+json"
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_PROBLEM = {
    "type": "object",
    "description": "A refusal, as RFC 9457 has it. `code` is stable; `title` and `detail` are for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
    },
}
_WHY = {
    400: "The request cannot be read",
    401: "No session, no valid token",
    403: "The scope, the right or the CSRF token is missing",
    404: "There is no such thing, or it is not open to you: the same words for both",
    409: "It stands otherwise by now: closed, sent before with other content, not possible from here",
    410: "The group was archived: nothing of it can be read again",
    413: "Larger than what is accepted",
    415: "A kind of content that is not taken here",
    422: "Some fields are at fault: see `errors`",
    429: "Too fast: come back after `Retry-After` seconds",
    500: "A fault of the server, noted without content",
    503: "The database or the keys do not answer: come back after `Retry-After` seconds",
}
_ALWAYS = {400, 401, 403, 429, 500, 503}
_OF_A_GROUP = ("/groups/{", "/messages/{", "/transfers/{", "/attachments/{")


class DocumentedAPI(NinjaAPI):
    """The API with a document that names every answer."""

    _documents: dict[str | None, OpenAPISchema]

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the document; it is made once, since nothing in it depends on who asks."""
        if not hasattr(self, "_documents"):
            self._documents = {}
        if path_prefix not in self._documents:  # none is the API's own place, an empty one is no prefix at all
            document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
            _complete(document)
            self._documents[path_prefix] = document
        return self._documents[path_prefix]


def _complete(document: OpenAPISchema) -> None:
    components = document["components"]
    components["schemas"] |= {"Problem": _PROBLEM, **cen_components()}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of an officer or a client system"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of a browser; calls that write carry `X-CSRFToken`",
        },
    }
    document["security"] = [{"token": []}, {"session": []}]
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete_operation(path, method, item[method])


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = {int(status): answer for status, answer in operation["responses"].items()}
    answers = ANSWERS.get((method, path.removeprefix("/api/v1")), {})
    for status, schema in answers.items():
        responses.setdefault(status, {"description": "OK"})["content"] = {"application/json": {"schema": schema}}
    if 204 in responses and "content" not in responses.get(200, {}):
        responses.pop(200, None)  # put there by default
    for status in sorted(_refusals(path, method, operation)):
        responses.setdefault(
            status,
            {
                "description": _WHY[status],
                "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}


def _refusals(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """Return the statuses of the refusals that an operation can give, by what it takes."""
    found = set(_ALWAYS)
    if operation.get("parameters") or operation.get("requestBody"):
        found.add(422)
    if "{" in path or "/groups" in path:
        found.add(404)
    if any(mark in path for mark in _OF_A_GROUP):
        found.add(410)
    if method not in {"get", "head"}:
        found |= {409, 413}
    if "/attachments" in path:  # a file may still be on its way, or be checked, or be of a kind that is not taken
        found |= {409, 415}
    return found
