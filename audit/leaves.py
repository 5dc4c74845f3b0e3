"""The exact bytes of an entry that are hashed into the tree: the same from the database, a proof, or an export.

A leaf is a JSON object with sorted names, no spaces, UTF-8, times in UTC to the microsecond. What must not live
here: who asks, the tree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

# In this order `entry_of` takes the columns; every one but the details is text or null.
COLUMNS = (
    "e.id, e.transaction::text, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
    'e.action, e.actor::text, e."group"::text, e.subject, e.details::text'
)


class SealedEntry(NamedTuple):
    """One entry as it is hashed."""

    id: int
    transaction: str
    at: str
    action: str
    actor: str | None
    group: str | None
    subject: str
    details: Any

    @property
    def leaf(self) -> bytes:
        """The bytes that are hashed."""
        return json.dumps(self._asdict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def entry_of(row: Sequence[Any]) -> SealedEntry:
    """Return the entry that a row of `COLUMNS` holds."""
    return SealedEntry._make((*row[:7], json.loads(row[7])))
