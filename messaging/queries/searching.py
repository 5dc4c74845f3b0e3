"""Search opens and scans: no plaintext and no index of words is kept anywhere.

Rows come through a server-side cursor in binary batches, newest first; each is opened, its folded text compared,
and dropped unless it fits. A scan stops at its page, or at its time, and tells where to go on.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

import audit
from groups.models import ClosedUserGroup, Membership
from groups.queries import sealer_for
from messaging.content import contains_all, message_opener, read_content
from messaging.folding import fold
from messaging.models import Message
from messaging.queries.messages import MAX_PAGE, Filters, MessagePage, filtered
from messaging.queries.opening import messages_of, opened, told_broken
from vault import SealBroken

BATCH = 2000
SCAN_SECONDS = 5.0
MAX_WORDS = 12


def search(membership: Membership, *, filters: Filters, after: int | None = None, limit: int = 50) -> MessagePage:
    """Return messages that contain every word of `filters.text` (case and accents aside) and fit the other filters.

    A word matches inside longer words too, and in references. Leaves an audit entry: a search reads everything.
    Raises NotAllowed, KeyDestroyed.
    """
    size = min(max(limit, 1), MAX_PAGE)
    words = [word.encode() for word in fold(filters.text).split()[:MAX_WORDS]]
    commodities = frozenset(filters.commodities)
    stop_at = time.monotonic() + SCAN_SECONDS
    found: list[str] = []
    cursor: int | None = None
    scanned = 0
    complete = True
    for pk, reference, plain, seq in scan(membership.group, filtered(membership, filters, after=after)):
        scanned += 1
        if _fits(words, commodities, reference, plain):
            found.append(pk)
            if len(found) == size:
                cursor = seq
                break
        if scanned % 500 == 0 and time.monotonic() > stop_at:
            cursor, complete = seq, False
            break
    audit.record_now(
        audit.Action.MESSAGES_SEARCHED,
        actor=membership.officer_id,
        group=membership.group_id,
        subject=f"group:{membership.group_id}",
        scanned=scanned,
        found=len(found),
    )
    rows = messages_of(membership).in_bulk(found)
    ordered = [rows[pk] for pk in map(UUID, found) if pk in rows]
    return MessagePage(opened(membership, ordered), cursor, complete)


def _fits(words: list[bytes], commodities: frozenset[str], reference: str, plain: bytes) -> bool:
    if words and not contains_all(plain, words):
        folded = reference.lower().encode()
        for word in words:
            if word not in folded:
                return False
    return not commodities or _has_commodity(plain, commodities)


def _has_commodity(plain: bytes, commodities: frozenset[str]) -> bool:
    """Whether a body names one of the commodities, or one of a group of commodities ("DRG")."""
    body = read_content(plain).body
    named = [body.get("commodity"), *(line.get("commodity") for line in _lines(body))]
    return any(code in commodities or code.split(".")[0] in commodities for code in named if isinstance(code, str))


def _lines(body: dict[str, Any]) -> list[dict[str, Any]]:
    goods = body.get("goods")
    return [line for line in goods if isinstance(line, dict)] if isinstance(goods, list) else []


def scan(group: ClosedUserGroup, messages: QuerySet[Message]) -> Iterator[tuple[str, str, bytes, int]]:
    """Yield id in text, reference, opened plaintext and seq of messages of one group, in the order of `messages`.

    Messages whose seal is broken are left out.
    """
    sql, parameters = (
        messages.select_related(None)
        # As text, which is what opening needs: to make a hundred thousand UUIDs of them takes longer than to open.
        .annotate(id_text=Cast("pk", TextField()), sender_text=Cast("sender_id", TextField()))
        .values_list("id_text", "reference", "sender_text", "key_epoch", "sealed", "seq")
        .query.sql_with_params()
    )
    openers: dict[int, Callable[[str, str, bytes], bytes]] = {}
    with transaction.atomic():
        connection.ensure_connection()
        raw: Any = connection.connection
        with raw.cursor(name=f"scan_{uuid.uuid4().hex}", binary=True) as cursor:
            cursor.itersize = BATCH
            cursor.execute(sql, parameters)
            for pk, reference, sender, epoch, sealed, seq in cursor:
                try:
                    if epoch not in openers:
                        openers[epoch] = message_opener(sealer_for(group, epoch))
                    plain = openers[epoch](pk, sender, sealed)
                except SealBroken:
                    told_broken(pk)
                    continue
                yield pk, reference, plain, seq
