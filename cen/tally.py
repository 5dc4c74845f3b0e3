"""Sums over all of CEN, kept beside the seizures and in their transactions: what the first page asks every time.

`cen_tally` holds one row per dimension, key and unit, and additions of intakes since the last `fold_tally`; a sum
over its rows is exact at any moment. Questions without a filter read it; `scan` answers all others alike.
What must not live here: what an answer looks like (`cen.queries`, `cen.statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from cen.models import Seizure
from cen.rows import DATABASE

FOLD_EVERY = 20
_FOLD_LOCK = 0x43454E01  # an advisory lock of this database: one folds at a time

# The rows are grouped in a few passes first, each by columns that belong together; what comes out is small, and
# every dimension is grouped from it. Column of a pass -> its expression over a seizure.
_PASSES: dict[str, dict[str, str]] = {
    "kinds": {
        "month": "date_trunc('month', seized_on::timestamp)",
        "commodity_group": "commodity_group",
        "conveyance": "conveyance",
        "direction": "direction",
        "location_type": "location_type",
    },
    "goods": {"country": "country", "commodity": "commodity"},
    "ways": {"departure": "departure_country", "destination": "destination_country"},
    "finds": {"concealment": "concealment", "detection": "detection", "transit": "transit_countries"},
    "origins": {"operation": "operation_code", "source": "source_id"},
}
# Dimension -> the columns of its key, where they are not just the one of its own name.
_KEYS: dict[str, tuple[str, ...]] = {
    "all": (),
    "month": ("month", "commodity_group"),
    "route": ("departure", "destination"),
    "operation": ("operation", "source"),  # not everybody is told of those of every source
}
ARRAYS = ("detection", "transit")
_PASS_OF = {column: name for name, columns in _PASSES.items() for column in columns}
DIMENSIONS = ("all", "route", *_PASS_OF)
_EXPRESSIONS = {
    "month": "to_char(month, 'YYYY-MM')",
    "source": "source::text",
    **{name: f"unnest(CASE WHEN {name} = '{{}}' THEN ARRAY['']::varchar[] ELSE {name} END)" for name in ARRAYS},
}
_COLUMNS = (
    "seized_on",
    "commodity_group",
    "commodity",
    "country",
    "departure_country",
    "destination_country",
    "conveyance",
    "concealment",
    "direction",
    "location_type",
    "operation_code",
    "source_id",
    "detection",
    "transit_countries",
    "unit_normalised",
    "cases",
    "quantity_normalised",
)


class Sums(NamedTuple):
    """The sums of one key and unit. Quantities have a unit; where the unit is empty nothing was normalised."""

    key: tuple[str, str]
    unit: str
    seizures: int
    cases: int
    quantity: Decimal


def _passes(names: Iterable[str], way: str) -> str:
    """Return the passes over `part` as further parts of its WITH; `way` is what one seizure counts."""
    return "".join(
        f", {name} AS MATERIALIZED (SELECT "  # noqa: S608 - words of this module
        + "".join(f"{expression} AS {column}, " for column, expression in _PASSES[name].items())
        + f"unit_normalised AS unit, sum({way}) AS seizures, sum({way} * cases) AS cases,"
        f" coalesce(sum({way} * quantity_normalised), 0) AS quantity FROM part"
        f" GROUP BY {', '.join(str(place + 1) for place in range(len(_PASSES[name]) + 1))})"
        for name in names
    )


def _pass_of(dimension: str) -> str:
    keys = _KEYS.get(dimension, (dimension,))
    return _PASS_OF[keys[0]] if keys else "goods"


def _grouped(dimensions: Iterable[str]) -> str:
    """Return the SELECTs that group what the passes left by each dimension's key and by unit."""
    selects = []
    for dimension in dimensions:
        keys = [_EXPRESSIONS.get(column, column) for column in _KEYS.get(dimension, (dimension,))]
        named = ", ".join([*keys, "''", "''"][:2])
        selects.append(
            f"SELECT '{dimension}', {named}, unit, sum(seizures), sum(cases), sum(quantity)"  # noqa: S608
            f" FROM {_pass_of(dimension)} GROUP BY 1, 2, 3, 4"
        )
    return " UNION ALL ".join(selects)


def _addition(condition: str) -> str:
    """Return the statement that counts the seizures of a condition in (first parameter 1) or out (-1)."""
    return (
        f"WITH part AS MATERIALIZED (SELECT {', '.join(_COLUMNS)}, %s::int AS way FROM cen_seizure"  # noqa: S608
        f" WHERE withdrawn_at IS NULL{condition}){_passes(_PASSES, 'way')}"
        " INSERT INTO cen_tally (dimension, key_0, key_1, unit, seizures, cases, quantity)"
        f" {_grouped(DIMENSIONS)}"
    )


_ADD_SOME = _addition(" AND id = ANY(%s)")
_ADD_ALL = _addition("")
_FOLD = (
    "WITH additions AS (DELETE FROM cen_tally RETURNING *)"
    " INSERT INTO cen_tally (dimension, key_0, key_1, unit, seizures, cases, quantity)"
    " SELECT dimension, key_0, key_1, unit, sum(seizures), sum(cases), sum(quantity) FROM additions"
    " GROUP BY dimension, key_0, key_1, unit HAVING sum(seizures) <> 0"
)
_READ = (
    "SELECT key_0, key_1, unit, sum(seizures), sum(cases), sum(quantity) FROM cen_tally WHERE dimension = %s"
    " GROUP BY key_0, key_1, unit HAVING sum(seizures) <> 0"
)


def count_in(seizure_ids: Sequence[int]) -> None:
    """Add seizures as they stand now, in the transaction that wrote them. Withdrawn ones count nowhere."""
    _add(1, seizure_ids)


def count_out(seizure_ids: Sequence[int]) -> None:
    """Take seizures away as they stand now, in the transaction that is about to change them."""
    _add(-1, seizure_ids)


def _add(way: int, seizure_ids: Sequence[int]) -> None:
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(_ADD_SOME, [way, list(seizure_ids)])


def fold_tally() -> None:
    """Join the additions of past intakes into one row per key, unless another transaction is doing so."""
    with connections[DATABASE].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_FOLD_LOCK])
        row = cursor.fetchone()
        if row is not None and row[0]:
            cursor.execute(_FOLD)


def recount_tally() -> None:
    """Count everything anew, in the caller's transaction; intakes wait meanwhile. For repair and tests."""
    with connections[DATABASE].cursor() as cursor:
        cursor.execute("LOCK TABLE cen_tally IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM cen_tally")
        cursor.execute(_ADD_ALL, [1])


def scan(found: QuerySet[Seizure], dimensions: Sequence[str] = DIMENSIONS) -> dict[str, list[Sums]]:
    """Return the sums of the seizures found, by dimension: the rows are read once, however many dimensions."""
    answer: dict[str, list[Sums]] = {dimension: [] for dimension in dimensions}
    try:
        rows, parameters = found.values(*_COLUMNS).query.get_compiler(using=DATABASE).as_sql()
    except EmptyResultSet:
        return answer
    passes = dict.fromkeys(_pass_of(dimension) for dimension in dimensions)
    statement = f"WITH part AS MATERIALIZED ({rows}){_passes(passes, '1')} {_grouped(dimensions)}"
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(statement, parameters)
        for dimension, first, second, unit, seizures, cases, quantity in cursor.fetchall():
            answer[dimension].append(Sums((first, second), unit, int(seizures), int(cases), quantity))
    return answer


def tally(dimension: str) -> Iterator[Sums]:
    """Yield the sums of one dimension over all seizures that are not withdrawn."""
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(_READ, [dimension])
        for first, second, unit, seizures, cases, quantity in cursor.fetchall():
            yield Sums((first, second), unit, int(seizures), int(cases), quantity)
