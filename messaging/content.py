"""What is sealed of a message: folded search text, subject and body, as one value at one place.

Layout under the seal: length of the folded text (4 bytes, big-endian), the folded text (UTF-8), then JSON. A search
compares the first part and parses the second only of what it found. Used by actions and queries only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from messaging.folding import search_text
from vault import Place, SealBroken, Sealer

TABLE = "messaging_message"


class Content(NamedTuple):
    """What a message says; `attachments`: the ids of its files, in their order; `confirmed`: see `Draft`."""

    subject: str
    body: dict[str, Any]
    attachments: Sequence[str] = ()
    confirmed: Sequence[dict[str, str]] = ()

    def __repr__(self) -> str:
        return "<Content>"  # never in a log or a trace


def message_opener(sealer: Sealer) -> Callable[[str, str, bytes], bytes]:
    """Return what opens the contents of many messages: each by its id and its sender's, in text, and its value."""
    return sealer.opener(TABLE, "content")


def message_place(message_id: UUID | str, sender_id: UUID | str) -> Place:
    """Return where a message's content is sealed."""
    return Place(TABLE, "content", str(message_id), str(sender_id))


def reason_place(move_id: UUID | str, officer_id: UUID | str) -> Place:
    """Return where the reason of a status move is sealed."""
    return Place("messaging_statusmove", "reason", str(move_id), str(officer_id))


def seal_content(
    sealer: Sealer, content: Content, *, message_id: UUID, sender_id: UUID, words: Sequence[str] = ()
) -> bytes:
    """Return a message's sealed value. `words` are found as the subject is: names and captions of its files."""
    folded = search_text("\n".join([content.subject, *words]), content.body).encode()
    plain = len(folded).to_bytes(4, "big") + folded
    said: dict[str, Any] = {"subject": content.subject, "body": content.body}
    if content.attachments:
        said["attachments"] = list(content.attachments)
    if content.confirmed:
        said["confirmed"] = list(content.confirmed)
    plain += orjson.dumps(said)
    return sealer.seal(plain, message_place(message_id, sender_id))


def read_content(plain: bytes) -> Content:
    """Return the content of an opened value. Raises SealBroken for what no message can be."""
    try:
        data = orjson.loads(plain[4 + int.from_bytes(plain[:4], "big") :])
        return Content(data["subject"], data["body"], data.get("attachments", ()), data.get("confirmed", ()))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise SealBroken from None


def contains_all(plain: bytes, words: list[bytes]) -> bool:
    """Whether the folded text of an opened value contains every one of the folded words."""
    end = 4 + int.from_bytes(plain[:4], "big")
    for word in words:  # noqa: SIM110 - run for each of a hundred thousand messages: a generator costs more than it finds
        if plain.find(word, 4, end) < 0:
            return False
    return True
