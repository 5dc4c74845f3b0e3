"""The HTTP API of messaging. Gate, parse, act, answer; rules live in actions, reads in queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from groups.access import Right
from groups.errors import Stranger
from groups.gates import caller, member_of
from groups.models import Membership
from messaging import actions, queries
from messaging.errors import MessageUnknown
from messaging.limits import HIGHEST
from messaging.presentation import message_json, time_json
from messaging.queries import Filters, MessagePage
from messaging.schemas import MessageIn, Moment, SeenIn, StatusIn

router = Router(tags=["messages"])
READ, WRITE = "messages:read", "messages:write"
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,64}$")]
Codes = Annotated[list[Code], Field(max_length=50)]


class PositionIn(Schema):
    """A position in the stream."""

    after: int | None = Field(
        None, ge=0, le=HIGHEST, description="Sequence number of the last event that the client has."
    )
    epoch: UUID | None = Field(None, description="The `epoch` under which the client got that number.")
    limit: int = Field(500, ge=1, le=500)


class MessagesIn(Schema):
    """Filters of a list of messages; a filter that may be given several times means "any of these"."""

    kind: Codes = []
    country: Codes = Field([], max_length=50, description="Country of the sender's membership.")
    status: Codes = []
    priority: Codes = []
    sent_from: Moment | None = Field(None, alias="from", description="Sent at or after this time.")
    sent_to: Moment | None = Field(None, alias="to", description="Sent before this time.")
    thread: UUID | None = None
    mine: bool = False
    overdue: bool = Field(False, description="Warnings and requests that lack an answer past their due time.")
    open: bool = Field(False, description="Warnings and requests that lack an answer.")
    waiting: bool = Field(False, description="Of those, the ones that my country is to answer.")
    standing: bool = Field(False, description="Neither corrected nor withdrawn.")
    after: int | None = Field(None, ge=0, le=HIGHEST, description="The `next` of the page before.")
    limit: int = Field(50, ge=1, le=500)

    def filters(self) -> Filters:
        """Return them as what the queries take."""
        return Filters(
            kinds=self.kind,
            countries=self.country,
            statuses=self.status,
            priorities=self.priority,
            sent_from=self.sent_from,
            sent_to=self.sent_to,
            thread=self.thread,
            mine=self.mine,
            overdue=self.overdue,
            open=self.open,
            waiting=self.waiting,
            standing=self.standing,
        )


class SearchIn(MessagesIn):
    """The same filters, and what is looked for inside of sealed messages."""

    commodity: Codes = Field([], max_length=50, description="Code (`DRG.cocaine`) or group of codes (`DRG`).")
    text: str = Field("", max_length=200, description="Words that must all occur; case and accents do not matter.")

    def filters(self) -> Filters:
        """Return them as what the queries take."""
        return replace(super().filters(), commodities=self.commodity, text=self.text)


@router.get("/groups/{group_id}/events", summary="The event stream from a position")
def events(request: HttpRequest, group_id: UUID, data: Query[PositionIn]) -> dict[str, Any]:
    """Answer `{"epoch", "head", "last", "restart", "events": [...]}`: every event after a position, without gaps.

    An item is what the socket sends: `{"op": "event", "group", "seq", "event": {"type", …}}`. Ask again with
    `after=last` until `last` equals `head`. `restart: true`: the position cannot be served (history was restored
    from a backup); start afresh without one. Without `after` the newest events are given.
    """
    membership = _member(request, group_id, Right.READ, READ)
    if data.after is None:
        page = queries.latest_events(membership, limit=min(data.limit, 100))
    else:
        page = queries.events_after(membership, after=data.after, epoch=data.epoch, limit=data.limit)
    return {
        "epoch": str(page.epoch),
        "head": page.head,
        "last": page.last,
        "restart": page.restart,
        "events": page.items,
    }


@router.get("/groups/{group_id}/messages", summary="Messages by filters, newest first")
def messages(request: HttpRequest, group_id: UUID, data: Query[MessagesIn]) -> dict[str, Any]:
    """Answer `{"messages": [...], "next", "complete"}`: `next` is null at the end, else the next page's `after`."""
    membership = _member(request, group_id, Right.READ, READ)
    return _page_json(queries.messages_page(membership, filters=data.filters(), after=data.after, limit=data.limit))


@router.post("/groups/{group_id}/search", summary="Messages by what is sealed in them, newest first")
def search(request: HttpRequest, group_id: UUID, payload: SearchIn) -> dict[str, Any]:
    """Answer as the list of messages does. What is looked for is in the body: addresses are kept in many places.

    `text` and `commodity` open and scan; a scan that takes too long stops with `complete: false` and goes on from
    `next`. Every such search leaves an audit entry.
    """
    membership = _member(request, group_id, Right.READ, READ)
    wanted = payload.filters()
    read = queries.search if wanted.sealed else queries.messages_page
    return _page_json(read(membership, filters=wanted, after=payload.after, limit=payload.limit))


@router.post(
    "/groups/{group_id}/messages", summary="Send a message", response={200: dict[str, Any], 201: dict[str, Any]}
)
def post_message(request: HttpRequest, group_id: UUID, payload: MessageIn) -> Status[dict[str, Any]]:
    """Send a message; the answer comes after the commit and is the message as every member gets it.

    First time 201. The same `id` with the same content: 200 and the first answer. With other content: 409
    `conflicting_replay`. A closed or read-only group: 409 `operation_closed`. A body that fails its form: 422 with
    the fields. Too long: 413. Too fast: 429 with `Retry-After`. A stranger: 404. A member without the right: 403.
    """
    membership = _member(request, group_id, Right.SEE_GROUP, WRITE)
    posted = actions.post_message(membership, draft=payload.draft())
    [found] = queries.opened(membership, [posted.message])
    return Status(201 if posted.created else 200, message_json(found))


@router.get("/messages/{message_id}", summary="One message with thread, acknowledgements, history")
def message(request: HttpRequest, message_id: UUID) -> dict[str, Any]:
    """Answer the message, and `thread_messages`, `acknowledged`, `history` beside it."""
    membership = _member_of_message(request, message_id, Right.READ, READ)
    detail = queries.detail_of(membership, message_id)
    return {
        **message_json(detail.message),
        "thread_messages": [message_json(found) for found in detail.thread],
        "acknowledged": detail.acknowledgements,
        "history": detail.history,
    }


@router.put("/messages/{message_id}/acknowledgement", summary="Acknowledge a message")
def acknowledge(request: HttpRequest, message_id: UUID) -> dict[str, Any]:
    """Give this officer's receipt of a message. Idempotent: the first one counts."""
    try:
        officer = caller(request, WRITE)
        [group_id] = queries.groups_of_receipts([(officer.pk, message_id)])
        if group_id is None:
            raise Stranger
        receipt = actions.give_receipt(actions.Slip(officer.pk, group_id, message_id))
    except Stranger:
        raise MessageUnknown from None
    return {
        "message": str(message_id),
        "officer": str(receipt.officer_id),
        "country": receipt.country,
        "seq": receipt.seq,
        "at": time_json(receipt.at),
    }


@router.post("/messages/{message_id}/status", summary="Return, validate, withdraw")
def status(request: HttpRequest, message_id: UUID, payload: StatusIn) -> dict[str, Any]:
    """Move the status of a message; answer the message.

    submitted → validated_ncp (the contact point of its country) → validated_ocu (the coordination unit); returned
    with a reason, submitted again; withdrawn with a reason. A move that is not possible from here: 409.
    """
    membership = _member_of_message(request, message_id, Right.SEE_GROUP, WRITE)
    actions.move_status(membership, message_id=message_id, to=payload.status, reason=payload.reason)
    return message_json(queries.message_in(membership, message_id))


@router.put("/groups/{group_id}/seen", summary="Say how far I have read")
def seen(request: HttpRequest, group_id: UUID, payload: SeenIn) -> dict[str, Any]:
    """Remember how far this officer has read; it only grows."""
    membership = _member(request, group_id, Right.READ, WRITE)
    return {"seq": actions.mark_seen(membership, seq=payload.seq)}


@router.get("/groups/{group_id}/counts", summary="What is unread, open, overdue, waiting for me")
def counts(request: HttpRequest, group_id: UUID) -> dict[str, Any]:
    """Answer the counts of this officer's console."""
    return dict(queries.console_counts(_member(request, group_id, Right.READ, READ)))


@router.get("/groups/{group_id}/situation", summary="The situation of the operation")
def situation(request: HttpRequest, group_id: UUID) -> dict[str, Any]:
    """Answer coverage per country in this reporting day, open warnings, seizures by commodity, day and route."""
    return queries.situation(_member(request, group_id, Right.READ, READ))


def _page_json(page: MessagePage) -> dict[str, Any]:
    return {
        "messages": [message_json(found) for found in page.messages],
        "next": page.next,
        "complete": page.complete,
    }


def _member(request: HttpRequest, group_id: UUID, right: Right, scope: str) -> Membership:
    return member_of(caller(request, scope), group_id, right)


def _member_of_message(request: HttpRequest, message_id: UUID, right: Right, scope: str) -> Membership:
    """Gate by the message's group: a stranger is told the same of a message that is and of one that never was."""
    try:
        officer = caller(request, scope)
        return member_of(officer, queries.group_of_message(message_id), right)
    except Stranger:
        raise MessageUnknown from None
