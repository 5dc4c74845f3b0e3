"""Every read of messaging, gathered under one name: `from messaging import queries`."""

from messaging.queries.counts import card_facts, console_counts
from messaging.queries.events import EventPage, events_after, latest_events
from messaging.queries.messages import Filters, MessagePage, message_in, messages_page
from messaging.queries.opening import Opened, Receipts, Sealed, contents, opened
from messaging.queries.receipts import groups_of_receipts
from messaging.queries.searching import search
from messaging.queries.situation import situation
from messaging.queries.threads import Detail, detail_of, group_of_message, history_of

__all__ = [
    "Detail",
    "EventPage",
    "Filters",
    "MessagePage",
    "Opened",
    "Receipts",
    "Sealed",
    "card_facts",
    "console_counts",
    "contents",
    "detail_of",
    "events_after",
    "group_of_message",
    "groups_of_receipts",
    "history_of",
    "latest_events",
    "message_in",
    "messages_page",
    "opened",
    "search",
    "situation",
]
