"""How a clean record becomes a row of `cen_seizure`: the columns in order, COPY in, UPDATE of a correction.

What must not live here: any decision about a record (`cen.actions`), any read for people (`cen.queries`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connections

from cen.schema import CleanRecord

DATABASE = "cen"

# Column -> what it holds where the record does not state it. Order is the order of COPY.
STATED_COLUMNS: dict[str, Any] = {
    "operation_code": "",
    "seized_on": None,
    "country": "",
    "place_code": "",
    "place_text": "",
    "location_type": "",
    "direction": "",
    "conveyance": "",
    "commodity": "",
    "commodity_group": "",
    "description": "",
    "quantity": None,
    "unit": "",
    "quantity_normalised": None,
    "unit_normalised": "",
    "departure_country": "",
    "transit_countries": [],
    "destination_country": "",
    "origin_country": "",
    "detection": [],
    "selection": [],
    "concealment": "",
    "offence": "",
    "cases": 1,
    "hs": "",
    "value": None,
    "currency": "",
    "warning_reference": "",
    "reported_at": None,
    "entered_at": None,
    "transport": {},
    "search_text": "",
}
_LISTS = ("transit_countries", "detection", "selection")
_KEY_COLUMNS = (
    "id",
    "cen_reference",
    "source_id",
    "source_reference",
    "version",
    "content_digest",
    "received_at",
    "version_received_at",
)
COPY_COLUMNS = (*_KEY_COLUMNS, *STATED_COLUMNS)
_COPY = f"COPY cen_seizure ({', '.join(COPY_COLUMNS)}) FROM STDIN"


@dataclass(frozen=True, slots=True)
class Standing:
    """What CEN holds under one source reference now."""

    id: int
    cen_reference: str
    version: int
    digest: bytes


def stated_row(record: CleanRecord) -> list[Any]:
    """Return the values of STATED_COLUMNS in order, arrays and JSON as PostgreSQL writes them.

    Codes hold letters, digits, points and underscores only, so that an array needs no quoting.
    """
    values = record.values
    row = [values.get(name, missing) for name, missing in STATED_COLUMNS.items()]
    for position in _LIST_POSITIONS:
        row[position] = "{" + ",".join(row[position]) + "}"
    row[_TRANSPORT_POSITION] = orjson.dumps(row[_TRANSPORT_POSITION]).decode()
    return row


_NAMES = list(STATED_COLUMNS)
_LIST_POSITIONS = tuple(_NAMES.index(name) for name in _LISTS)
_TRANSPORT_POSITION = _NAMES.index("transport")


def standing(source_id: int, references: Sequence[str], *, lock: bool = False) -> dict[str, Standing]:
    """Return what CEN holds under these references. `lock` takes the rows, in order, until the commit."""
    statement = (
        "SELECT source_reference, id, cen_reference, version, content_digest FROM cen_seizure"
        " WHERE source_id = %s AND source_reference = ANY(%s)"
    )
    if lock:
        statement += " ORDER BY source_reference FOR UPDATE"
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(statement, [source_id, list(references)])
        return {row[0]: Standing(row[1], row[2], row[3], bytes(row[4])) for row in cursor.fetchall()}


def replaced_versions(seizure_ids: Sequence[int]) -> dict[tuple[int, int], bytes]:
    """Return (seizure, version) -> digest of the versions that were replaced."""
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(
            "SELECT seizure_id, version, content_digest FROM cen_seizureversion WHERE seizure_id = ANY(%s)",
            [list(seizure_ids)],
        )
        return {(row[0], row[1]): bytes(row[2]) for row in cursor.fetchall()}


def copy_in(source_id: int, records: Iterable[CleanRecord], *, now: datetime) -> dict[str, Standing]:
    """Write new seizures by COPY and return what was written. Raises IntegrityError where one exists already.

    The records come sorted by reference: two calls that overlap then wait for each other and never deadlock.
    """
    records = list(records)
    written: dict[str, Standing] = {}
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('cen_seizure', 'id')) FROM generate_series(1, %s)",
            [len(records)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        # COPY raises psycopg's own errors: they become Django's, as those of every other statement.
        with connections[DATABASE].wrap_database_errors, cursor.copy(_COPY) as copy:
            for identifier, record in zip(ids, records, strict=True):
                reference = f"CEN-{now.year}-{identifier:07d}"
                held = Standing(identifier, reference, record.version, record.digest)
                copy.write_row(
                    (
                        identifier,
                        reference,
                        source_id,
                        record.source_reference,
                        record.version,
                        record.digest,
                        now,
                        now,
                        *stated_row(record),
                    )
                )
                written[record.source_reference] = held
    return written


def keep_versions(seizure_ids: Sequence[int], *, now: datetime) -> None:
    """Copy seizures, whole, into the history before they change."""
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(
            "INSERT INTO cen_seizureversion"
            " (seizure_id, version, content_digest, content, received_at, superseded_at)"
            " SELECT id, version, content_digest,"
            " to_jsonb(held) - ARRAY['id', 'source_id', 'content_digest', 'search_text']"
            # As text: whoever reads JSON numbers as floats would lose digits.
            " || jsonb_build_object('quantity', quantity::text, 'value', value::text,"
            " 'quantity_normalised', quantity_normalised::text),"
            " version_received_at, %s"
            " FROM cen_seizure AS held WHERE id = ANY(%s)",
            [now, list(seizure_ids)],
        )


def put_versions(changes: Sequence[tuple[int, CleanRecord]], *, now: datetime) -> None:
    """Replace seizures by their new versions; a withdrawal only marks its seizure."""
    head = "UPDATE cen_seizure SET version = %s, content_digest = %s, version_received_at = %s"
    stated = ", ".join(f"{name} = {_cast(name)}" for name in STATED_COLUMNS)
    with connections[DATABASE].cursor() as cursor:
        corrections = [
            (record.version, record.digest, now, *stated_row(record), identifier)
            for identifier, record in changes
            if not record.withdrawn
        ]
        if corrections:
            cursor.executemany(f"{head}, withdrawn_at = NULL, {stated} WHERE id = %s", corrections)
        withdrawals = [
            (record.version, record.digest, now, now, identifier)
            for identifier, record in changes
            if record.withdrawn
        ]
        if withdrawals:
            cursor.executemany(f"{head}, withdrawn_at = %s WHERE id = %s", withdrawals)


def _cast(name: str) -> str:
    if name in _LISTS:
        return "%s::varchar[]"
    return "%s::jsonb" if name == "transport" else "%s"
