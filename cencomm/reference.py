"""The readable documentation of the HTTP API: the OpenAPI document as a page, without scripts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cencomm.api import api

METHODS = ("get", "head", "post", "put", "patch", "delete")


@require_GET
def reference(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API: what it takes, what it answers."""
    document = api.get_openapi_schema()
    return render(
        request, "reference.html", {"version": document["info"]["version"], "tags": operations_of(document)}
    )


def operations_of(document: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the operations of an OpenAPI document by tag, in the document's order."""
    tags: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                tags[(methods[method].get("tags") or [""])[0]].append(
                    _operation(document, path, method, methods[method])
                )
    return list(tags.items())


def _operation(document: Mapping[str, Any], path: str, method: str, found: Mapping[str, Any]) -> dict[str, Any]:
    body = found.get("requestBody", {}).get("content", {})
    return {
        "method": method.upper(),
        "path": path,
        "summary": found.get("summary", ""),
        "description": found.get("description", ""),
        "parameters": [
            {
                "name": parameter["name"],
                "where": parameter["in"],
                "required": parameter.get("required", False),
                "type": _type(parameter.get("schema", {})),
                "description": parameter.get("description") or parameter.get("schema", {}).get("description", ""),
            }
            for parameter in found.get("parameters", [])
        ],
        "body": [_fields(document, content.get("schema", {})) for content in body.values()][:1],
        "answers": [
            (status, answer.get("description", "")) for status, answer in found.get("responses", {}).items()
        ],
    }


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fields of an object schema: name, type, whether it must be there."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "type": _type(field),
            "required": name in required,
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    return str(schema.get("format") or schema.get("type") or "any")
