"""What became of claimed rows, written in one statement however many there are. No decision is made here."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from django.db import connection

from exports.models import Transfer

_STATEMENT = """
UPDATE exports_transfer AS held SET
    state = new.state, attempts = new.attempts, cen_reference = new.cen_reference, cen_version = new.cen_version,
    outcome = new.outcome, reason_code = new.reason_code, reason_fields = new.reason_fields::jsonb,
    finished_at = new.finished_at
FROM unnest(
    %s::uuid[], %s::text[], %s::int[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[]
) AS new (
    id, state, attempts, cen_reference, cen_version, outcome, reason_code, reason_fields, finished_at
)
WHERE held.id = new.id
"""


def write_receipts(transfers: Sequence[Transfer]) -> None:
    """Store state, receipt and reasons of rows that the caller holds locked."""
    columns = zip(
        *(
            (
                one.pk,
                str(one.state),
                one.attempts,
                one.cen_reference,
                one.cen_version,
                one.outcome,
                one.reason_code,
                orjson.dumps(one.reason_fields).decode(),
                one.finished_at,
            )
            for one in transfers
        ),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [list(column) for column in columns])
