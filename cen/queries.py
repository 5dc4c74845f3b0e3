"""Reads of CEN: pages of seizures, totals, facets, one seizure with its history. No writes.

Every question runs under a time limit. Counts are kept by process for as long as no intake has been committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db import OperationalError, connections, transaction
from django.db.models import Count, Max, Q
from psycopg.errors import QueryCanceled

from cen.errors import BadCursor, QuestionTooBroad, SeizureUnknown
from cen.filters import CODE_FILTERS, NOT_STATED, Filters
from cen.models import OURS, Intake, Seizure, SeizureVersion, Source
from cen.rows import DATABASE
from cen.tally import Sums, scan, tally

ANSWER_SECONDS = 15
PAGE_ROWS = 50
MAX_PAGE_ROWS = 500
FACET_VALUES = 40
NAMING = ("operation_code", "source_reference", "warning_reference")  # what the name of an operation stands in

Generation = tuple[int, int | None]


@contextmanager
def asking(seconds: int = ANSWER_SECONDS) -> Iterator[None]:
    """Run reads in one transaction whose statements end after `seconds`. Refuses QuestionTooBroad."""
    try:
        with transaction.atomic(using=DATABASE):
            with connections[DATABASE].cursor() as cursor:
                # Aggregates keep their groups in memory: 64 MB hold far more groups than any question has.
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true), set_config('work_mem', '64MB', true)",
                    [f"{int(seconds)}s"],
                )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise QuestionTooBroad from None
        raise


def generation() -> Generation:
    """Return what changes with every committed intake: the key under which counts may be kept."""
    with asking():
        answer = Intake.objects.aggregate(count=Count("pk"), last=Max("pk"))
    return answer["count"], answer["last"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some seizures, newest first, and the position after them where there are more."""

    seizures: list[Seizure]
    after: str | None


def seizures_page(filters: Filters, *, after: str = "", limit: int = PAGE_ROWS) -> Page:
    """Return one page of the seizures that pass, newest first. `after` is the position of the page before."""
    limit = max(1, min(limit, MAX_PAGE_ROWS))
    found = filters.seizures().select_related("source").order_by("-seized_on", "-id")
    if after:
        seized_on, identifier = _position(after)
        found = found.filter(seized_on__lte=seized_on).filter(Q(seized_on__lt=seized_on) | Q(id__lt=identifier))
    with asking():
        seizures = list(found[: limit + 1])
    more = len(seizures) > limit
    seizures = seizures[:limit]
    for one in seizures:
        if not _is_told(one.source, one.operation_code, filters.known):
            _veil(one)
    return Page(seizures, position_of(seizures[-1]) if more else None)


def _is_told(source: Source, operation: str, known: frozenset[str] | None) -> bool:
    """Whether a reader who may know of these operations is told of this one."""
    return known is None or source.name != OURS or operation in known


def _veil(seizure: Seizure) -> None:
    """Take from a seizure, as it is shown, what names its operation."""
    for name in NAMING:
        setattr(seizure, name, "")


def position_of(seizure: Seizure) -> str:
    """Return the cursor that points behind this seizure."""
    return f"{seizure.seized_on.isoformat()}_{seizure.pk}"


def _position(text: str) -> tuple[date, int]:
    day, _mark, identifier = text.partition("_")
    try:
        if len(text) > 40 or not identifier.isascii() or not identifier.isdigit():
            raise BadCursor
        return date.fromisoformat(day), int(identifier)
    except ValueError:
        raise BadCursor from None


def total(filters: Filters) -> int:
    """Return how many seizures pass."""
    return _total(filters.for_counts(), generation())


@lru_cache(maxsize=512)
def _total(filters: Filters, _generation: Generation) -> int:
    with asking():
        if filters == Filters():
            return sum(sums.seizures for sums in tally("all"))
        return filters.seizures().count()


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet: its code (`-` for not stated) and how many seizures choosing it would show."""

    code: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One code filter with its values, most frequent first, chosen ones always among them."""

    name: str
    values: tuple[FacetValue, ...]


def facets(filters: Filters) -> list[Facet]:
    """Return every facet. A facet's counts leave its own choice aside, so that more can be chosen."""
    now, counted = generation(), filters.for_counts()
    return [_facet(counted, name, now, known_by(name, filters)) for name in CODE_FILTERS]


def known_by(dimension: str, filters: Filters) -> frozenset[str] | None:
    """Return which values of a dimension its reader may know of, None where he may know of all."""
    return filters.known if dimension == "operation" else None


def as_told(found: Sequence[Sums], known: frozenset[str] | None) -> Sequence[Sums]:
    """Return the sums by operation as a reader is told of them: one that he may not know of is not stated."""
    if known is None:
        return found
    with asking():
        ours = Source.objects.filter(name=OURS).values_list("pk", flat=True).first()
    return [
        one if one.key[1] != str(ours) or one.key[0] in known else one._replace(key=("", one.key[1]))
        for one in found
    ]


@lru_cache(maxsize=2048)
def _facet(filters: Filters, name: str, now: Generation, known: frozenset[str] | None) -> Facet:
    chosen = filters.chosen(name)
    counts: Counter[str] = Counter()
    found = sums_by_one(filters.without(name).for_counts(), name) if chosen else sums_by(filters, name, now)
    for sums in as_told(found, known):
        counts[sums.key[0] or NOT_STATED] += sums.seizures
    if name == "source":
        with asking():
            names = dict(Source.objects.values_list("pk", "name"))
        counts = Counter({names[int(key)]: count for key, count in counts.items()})
    ranked = sorted(counts.items(), key=lambda pair: (pair[0] == NOT_STATED, -pair[1], pair[0]))
    kept = [pair for place, pair in enumerate(ranked) if place < FACET_VALUES or pair[0] in chosen]
    kept += [(code, 0) for code in chosen if code not in counts]
    return Facet(name, tuple(FacetValue(code, count, code in chosen) for code, count in kept))


def sums_by(filters: Filters, dimension: str, now: Generation) -> list[Sums]:
    """Return the sums by one dimension; a scan that is needed for it yields all others too, kept for the next."""
    if filters == Filters():
        with asking():
            return list(tally(dimension))
    return _scanned(filters, now)[dimension]


@lru_cache(maxsize=24)
def _scanned(filters: Filters, _generation: Generation) -> dict[str, list[Sums]]:
    with asking():
        return scan(filters.seizures())


def sums_by_one(filters: Filters, dimension: str) -> list[Sums]:
    """Return the sums by one dimension where the others are not wanted."""
    with asking():
        return list(tally(dimension)) if filters == Filters() else scan(filters.seizures(), [dimension])[dimension]


def seizure(reference: str, *, known: frozenset[str] | None) -> Seizure:
    """Return one seizure by its CEN reference, also a withdrawn one, as its reader may see it.

    `known`: the operations that he may know of. Refuses SeizureUnknown.
    """
    with asking():
        found = Seizure.objects.select_related("source").filter(cen_reference=reference[:24]).first()
    if found is None:
        raise SeizureUnknown
    if not _is_told(found.source, found.operation_code, known):
        _veil(found)
    return found


def earlier_versions(of: Seizure, *, known: frozenset[str] | None) -> list[SeizureVersion]:
    """Return the versions that were replaced, newest first, as their reader may see them."""
    with asking():
        versions = list(of.versions.order_by("-version")[:100])
    for one in versions:
        if not _is_told(of.source, one.content.get("operation_code") or "", known):
            one.content |= dict.fromkeys(NAMING, "")
    return versions
