"""The HTTP API of CEN: intake for other systems, search, statistics. Gates, parses, asks, answers."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router
from pydantic import Field

import audit
from cen import queries
from cen.access import actor_of, feeding_source, known_operations, require_reader, token_of
from cen.actions import Receipt, take_in
from cen.errors import BadFilter, IntakeTooLarge, NotRecords, TooManyRecords
from cen.filters import CODE_FILTERS, PLAIN_FILTERS, Filters, filter_schemas, read_filters
from cen.presentation import seizure_json, statistic_json
from cen.statistics import BY, statistic
from problems import FieldProblem

router = Router(tags=["CEN"])

MAX_RECORDS = 5_000
MAX_BYTES = 8 * 1024 * 1024
NDJSON = "application/x-ndjson"
_FILTER_PARAMETERS = [{"name": name, "in": "query", "schema": schema} for name, schema in filter_schemas().items()]


def _answer(content: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(content), status=status, content_type="application/json")


@router.post(
    "/cen/seizures",
    summary="Take seizures into CEN",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "array",
                        "maxItems": MAX_RECORDS,
                        "items": {"$ref": "#/components/schemas/IntakeRecord"},
                    }
                },
                NDJSON: {"schema": {"type": "string"}},
            },
        },
        "responses": {200: {"description": "Every record is in CEN"}, 207: {"description": "Some were refused"}},
    },
)
def post_seizures(request: HttpRequest) -> HttpResponse:
    """Take a JSON array of records, or one record per line (`application/x-ndjson`).

    At most 5,000 records and 8 MiB. One receipt comes back for each record, in order. 200: every record is in
    CEN (accepted, updated, or unchanged because it was there already). 207: some were refused, each with its
    reason; the others are in. The answer comes after the commit. Sending the same again changes nothing.
    """
    source, client = feeding_source(request)
    records = _records_of(request)
    receipts = take_in(records, source=source, client=client, actor=actor_of(request))
    counts = {
        outcome: sum(receipt.outcome == outcome for receipt in receipts)
        for outcome in ("accepted", "updated", "unchanged", "refused")
    }
    answer = {**counts, "receipts": [_receipt_json(receipt) for receipt in receipts]}
    return _answer(answer, 207 if counts["refused"] else 200)


def _records_of(request: HttpRequest) -> list[Any]:
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise IntakeTooLarge
    if request.content_type == NDJSON:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) > MAX_RECORDS:
            raise TooManyRecords
        return [_line(line) for line in lines]
    try:
        records = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotRecords from None
    if not isinstance(records, list):
        raise NotRecords
    if len(records) > MAX_RECORDS:
        raise TooManyRecords
    return records


def _line(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None  # a record of its own that the schema refuses, so that the other lines still enter


def _receipt_json(receipt: Receipt) -> dict[str, Any]:
    answer: dict[str, Any] = {"source_reference": receipt.source_reference, "outcome": receipt.outcome}
    if receipt.cen_reference:
        answer |= {"cen_reference": receipt.cen_reference, "version": receipt.version}
    if receipt.outcome == "refused":
        errors = [{"field": e.field, "code": e.code, "message": e.message} for e in receipt.errors]
        answer |= {"reason_code": receipt.reason_code, "reason": receipt.reason, "errors": errors}
    return answer


@router.get("/cen/seizures", summary="Search the seizures of CEN", openapi_extra={"parameters": _FILTER_PARAMETERS})
def get_seizures(request: HttpRequest, after: str = "", limit: int = queries.PAGE_ROWS) -> HttpResponse:
    """Return seizures, newest first. `after` takes the `next` of the page before; at most 500 a page.

    A code filter may come several times; its values widen it, different filters narrow. `-` means "not stated".
    """
    filters = _filters_of(request, also={"after", "limit"})
    page = queries.seizures_page(filters, after=after, limit=limit)
    audit.record_now(audit.Action.CEN_SEARCHED, actor=actor_of(request), subject="cen:api", filters=_names(filters))
    return _answer({"seizures": [seizure_json(one) for one in page.seizures], "next": page.after})


@router.get("/cen/statistics", summary="Aggregates of CEN", openapi_extra={"parameters": _FILTER_PARAMETERS})
def get_statistics(
    request: HttpRequest, by: Annotated[str, Field(json_schema_extra={"enum": list(BY)})]
) -> HttpResponse:
    """Return seizures, cases and normalised quantities by month, commodity, country, route, conveyance and more.

    Months come per commodity group, with the same month of the year before. A seizure that was found in two
    ways counts under both. At most 200 rows; `truncated` tells whether there are more.
    """
    filters = _filters_of(request, also={"by"})
    if by not in BY:
        problem = FieldProblem("by", "unknown_code", _("This code is not in its list."))
        raise BadFilter(errors=[problem])
    answer = statistic_json(statistic(by, filters))
    audit.record_now(
        audit.Action.CEN_SEARCHED,
        actor=actor_of(request),
        subject="cen:statistics",
        by=by,
        filters=_names(filters),
        token=token_of(request),
    )
    return _answer(answer)


def _filters_of(request: HttpRequest, *, also: set[str]) -> Filters:
    require_reader(request)
    filters, problems = read_filters(request.GET, known=known_operations(request))
    unknown = set(request.GET) - also - set(PLAIN_FILTERS) - set(CODE_FILTERS)
    problems += [
        FieldProblem(name[:60], "unknown_field", _("There is no such filter.")) for name in sorted(unknown)[:20]
    ]
    if problems:
        raise BadFilter(errors=problems)
    return filters


def _names(filters: Filters) -> str:
    return ",".join(filters.names())[:200]
