"""The pages of CEN: search, one seizure, charts. Each gates, parses, asks, answers; each read is audited."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

import audit
from cen import queries
from cen.access import actor_of, known_operations, reader_view
from cen.charts import CHARTS, chart
from cen.downloads import MAX_CSV_ROWS, MAX_XLSX_ROWS
from cen.errors import BadFilter
from cen.filters import Filters, read_filters
from cen.pages import chips, facet_groups, filter_bar, seizure_row, seizure_sections, version_rows
from problems import FieldProblem

# A selection of more seizures than this gets its facets after the page.
FACETS_AT_ONCE = 30_000


@require_safe
@reader_view
def search(request: HttpRequest) -> HttpResponse:
    """The search page: filter bar, facets, chips, a table of seizures, downloads."""
    filters, problems = read_filters(request.GET, known=known_operations(request))
    page = queries.seizures_page(filters, after=request.GET.get("after", ""))
    total = queries.total(filters)
    _record_read(request, "cen:page", filters)
    context = {
        **_common(filters, problems, total),
        "rows": [seizure_row(one) for one in page.seizures],
        "next": f"?{filters.query_string(plus=('after', page.after))}" if page.after else "",
        "paged": "after" in request.GET,
        "csv_fits": total <= MAX_CSV_ROWS,
        "xlsx_fits": total <= MAX_XLSX_ROWS,
    }
    return render(request, "cen/search.html", context)


@require_safe
@reader_view
def charts(request: HttpRequest) -> HttpResponse:
    """The charts, under the same filters as the search. The figures come from `chart_data`."""
    filters, problems = read_filters(request.GET, known=known_operations(request))
    context = {
        **_common(filters, problems, queries.total(filters)),
        "charts": [{"by": by, "title": title, "shape": shape} for by, title, shape in CHARTS],
    }
    return render(request, "cen/charts.html", context)


@require_safe
@reader_view
def facets(request: HttpRequest) -> HttpResponse:
    """The facets alone, for a page whose selection is too large to count while its reader waits for the rows."""
    filters, _problems = read_filters(request.GET, known=known_operations(request))
    return render(request, "cen/facets.html", {"facets": facet_groups(filters, queries.facets(filters))})


@require_safe
@reader_view
def chart_data(request: HttpRequest) -> HttpResponse:
    """What one chart draws, as JSON."""
    filters, problems = read_filters(request.GET, known=known_operations(request))
    by = request.GET.get("by", "")
    if by not in {known for known, _title, _shape in CHARTS}:
        problems.append(FieldProblem("by", "unknown_code", _("This code is not in its list.")))
    if problems:
        raise BadFilter(errors=problems)
    answer = chart(by, filters)
    _record_read(request, "cen:chart", filters, by=by)
    return JsonResponse(answer)


@require_safe
@reader_view
def seizure(request: HttpRequest, reference: str) -> HttpResponse:
    """One seizure, as it stands, and the versions that were replaced."""
    known = known_operations(request)
    found = queries.seizure(reference, known=known)
    versions = queries.earlier_versions(found, known=known)
    audit.record_now(audit.Action.CEN_SEARCHED, actor=actor_of(request), subject=f"cen:{found.cen_reference}")
    context = {
        "seizure": found,
        "row": seizure_row(found),
        "sections": seizure_sections(found),
        "versions": version_rows(found, versions),
    }
    return render(request, "cen/seizure.html", context)


def _common(filters: Filters, problems: list[FieldProblem], total: int) -> dict[str, Any]:
    query = filters.query_string()
    later = total > FACETS_AT_ONCE and filters.for_counts() != Filters()
    return {
        "total": total,
        "facets_url": _address("cen:facets", query) if later else "",
        "facets": [] if later else facet_groups(filters, queries.facets(filters)),
        "filters": filters,
        "problems": problems,
        "bar": filter_bar(filters),
        "chips": chips(filters),
        "query": query,
        "search_url": _address("cen:search", query),
        "charts_url": _address("cen:charts", query),
        "csv_url": _address("cen:download_csv", query),
        "xlsx_url": _address("cen:download_xlsx", query),
    }


def _address(name: str, query: str) -> str:
    return f"{reverse(name)}?{query}" if query else reverse(name)


def _record_read(request: HttpRequest, subject: str, filters: Filters, **details: str) -> None:
    audit.record_now(
        audit.Action.CEN_SEARCHED,
        actor=actor_of(request),
        subject=subject,
        filters=",".join(filters.names())[:200],
        **details,
    )
