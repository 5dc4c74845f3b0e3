"""The HTTP API, mounted once: sign-in, problem documents, every app's router. No endpoint lives here."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.responses import NinjaJSONEncoder

from accounts.api import router as accounts_router
from accounts.api_auth import signed_in
from cen.api import router as cen_router
from cencomm import __version__
from cencomm.errors import BadRequest, InvalidInput, NotFound, NotSignedIn, TooLarge
from cencomm.logs import address_of
from cencomm.middleware import problem_response
from cencomm.openapi import DocumentedAPI
from exports.api import router as exports_router
from groups.api import router as groups_router
from messaging.api import router as messaging_router
from messaging.attachments.api import router as attachments_router
from messaging.delivery.errors import Unavailable, Unexpected
from messaging.screening_api import router as screening_router
from problems import FieldProblem, Refusal
from simplified_forms.api import router as forms_router

logger = logging.getLogger("cencomm.api")


class OrjsonParser(Parser):
    """Read a JSON body."""

    def parse_body(self, request: HttpRequest) -> Any:
        return orjson.loads(request.body)


class OrjsonRenderer(BaseRenderer):
    """Write a JSON body."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, default=NinjaJSONEncoder().default)


api = DocumentedAPI(
    title="CENcomm",
    version=__version__,
    description="Closed user groups, sealed messages, seizure forms, and their way into CEN.",
    auth=signed_in,
    parser=OrjsonParser(),
    renderer=OrjsonRenderer(),
    urls_namespace="api",
    docs_url=None,
    docs_decorator=require_safe,
)


@api.exception_handler(Refusal)
def _refused(request: HttpRequest, exc: Refusal) -> HttpResponse:
    return problem_response(exc)


@api.exception_handler(AuthenticationError)
def _not_signed_in(request: HttpRequest, exc: AuthenticationError) -> HttpResponse:
    return problem_response(NotSignedIn())


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    # Of pydantic's report only place, code and sentence are told back, never the input.
    errors = [
        FieldProblem(
            field=".".join(str(part) for part in error["loc"][1:] if part not in {"payload", "data"}),
            code=str(error["type"]),
            message=str(error["msg"]),
        )
        for error in exc.errors
    ]
    return problem_response(InvalidInput(errors=errors))


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, exc: HttpError) -> HttpResponse:
    refusal = BadRequest()
    refusal.status = exc.status_code
    return problem_response(refusal)


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, exc: Http404) -> HttpResponse:
    return problem_response(NotFound())


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, exc: RequestDataTooBig) -> HttpResponse:
    return problem_response(TooLarge())


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _unavailable(request: HttpRequest, exc: Exception) -> HttpResponse:
    logger.error("the database failed", exc_info=exc)
    return problem_response(Unavailable())


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, exc: Exception) -> HttpResponse:
    logger.error("%s %s failed", request.method, address_of(request), exc_info=exc)
    return problem_response(Unexpected())


@api.exception_handler(SuspiciousOperation)
def _suspicious(request: HttpRequest, exc: SuspiciousOperation) -> HttpResponse:
    return problem_response(BadRequest())


for router in (
    accounts_router, groups_router, forms_router, messaging_router, attachments_router, screening_router,
    exports_router, cen_router,
):  # fmt: skip
    api.add_router("", router)
