"""The operations of the API and the verbs of the socket: what each needs, and a call that is valid but for that."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from groups.access import Right
from tests.isolation.entries import Entry, Feeder, Member, Of, Owner, Verified, group, one_of
from tests.isolation.world import seizure_body

READ, WRITE, TRANSFERS = "messages:read", "messages:write", "transfers"
ONCE, CREATED = one_of(200), one_of(201)
NOTE = {"text": "Nothing to tell."}


def fresh_id() -> str:
    """Return an identifier for something that a call makes."""
    return str(uuid4())


def member(right: Right, scope: str, **values: Any) -> Entry:
    """Return the entry of an operation below a group's address."""
    return Entry(Member(right), objects=group(), scope=scope, **values)


def of_object(part: str, kind: str, right: Right, scope: str, **values: Any) -> Entry:
    """Return the entry of an operation that names an object, and its group only by that."""
    return Entry(Member(right), objects={part: Of(kind)}, scope=scope, **values)


def message(kind: str, body: Any, **values: Any) -> dict[str, Any]:
    """Return a message as it is sent."""
    return {"id": fresh_id, "kind": kind, "body": body, **values}


def sent(*answers: int, **values: Any) -> Entry:
    """Return the entry of a change of a file that was sent: its uploader finds it closed, others nothing."""
    return of_object("attachment_id", "text", Right.POST, WRITE, answers=one_of(404, *answers), **values)


def unsent(scope: str, **values: Any) -> Entry:
    """Return the entry of an operation on a file that is part of no message yet."""
    return Entry(Owner(), objects={"attachment_id": Of("upload")}, scope=scope, **values)


FILE = {"id": fresh_id, "name": "a.txt", "size": 4, "media_type": "text/plain"}
NAMING = one_of(201, 403, 404, 409, 422)
OTHER_FORM = message("seizure", lambda: seizure_body("twine"), template=Of("template"))
FEEDBACK = message("feedback", {"outcome": "NTH"}, in_reply_to=Of("warning"))
OPERATIONS: dict[tuple[str, str], tuple[Entry, ...]] = {
    ("GET", "/me"): (Entry(Verified()),),
    ("GET", "/groups"): (Entry(Verified(), scope=READ),),
    ("GET", "/groups/{group_id}"): (member(Right.SEE_GROUP, READ),),
    ("GET", "/groups/{group_id}/templates"): (member(Right.READ, READ),),
    ("GET", "/groups/{group_id}/events"): (
        member(Right.READ, READ),
        member(Right.READ, READ, query={"after": 0, "epoch": Of("epoch")}),
    ),
    ("GET", "/groups/{group_id}/messages"): (
        member(Right.READ, READ),
        member(Right.READ, READ, query={"thread": Of("report")}, narrows=True),
    ),
    ("POST", "/groups/{group_id}/search"): (
        member(Right.READ, READ, send={"text": "lit"}),
        member(Right.READ, READ, send={"commodity": ["DRG.tramadol"], "thread": Of("report")}, narrows=True),
    ),
    ("POST", "/groups/{group_id}/messages"): (
        member(Right.POST, WRITE, send=message("note", NOTE), answers=CREATED),
        member(Right.POST, WRITE, send=message("note", NOTE, in_reply_to=Of("note")), answers=CREATED),
        member(Right.POST, WRITE, send=FEEDBACK, answers=CREATED),
        member(Right.POST_SEIZURE, WRITE, send=message("seizure", lambda: seizure_body("twine")), answers=CREATED),
        member(
            Right.POST_COORDINATION, WRITE, send=message("administrative", {"text": "At six."}), answers=CREATED
        ),
        # what a message names beside its group: its author's or not, of this group or of another
        member(Right.POST, WRITE, send=message("note", NOTE, supersedes=Of("note")), answers=NAMING),
        member(Right.POST, WRITE, send=message("note", NOTE, attachments=[Of("upload")]), answers=NAMING),
        member(Right.POST, WRITE, send=message("note", NOTE, attachments=[Of("text")]), answers=NAMING),
        member(Right.POST_SEIZURE, WRITE, send=OTHER_FORM, answers=NAMING),
    ),
    ("POST", "/groups/{group_id}/screening"): (
        member(Right.POST, WRITE, send={"kind": "note", "body": {"text": "At six."}}),
    ),
    ("GET", "/messages/{message_id}"): (of_object("message_id", "note", Right.READ, READ),),
    ("PUT", "/messages/{message_id}/acknowledgement"): (
        of_object("message_id", "warning", Right.ACKNOWLEDGE, WRITE),
    ),
    ("POST", "/messages/{message_id}/status"): (
        of_object("message_id", "report", Right.VALIDATE_ALL, WRITE, send={"status": "validated_ocu"}),
    ),
    ("PUT", "/groups/{group_id}/seen"): (member(Right.READ, WRITE, send={"seq": 1}),),
    ("GET", "/groups/{group_id}/counts"): (member(Right.READ, READ),),
    ("GET", "/groups/{group_id}/situation"): (member(Right.READ, READ),),
    ("GET", "/groups/{group_id}/transfers/review"): (member(Right.SEE_TRANSFERS, TRANSFERS),),
    ("POST", "/groups/{group_id}/transfers"): (
        member(
            Right.TRANSFER,
            TRANSFERS,
            send={"messages": [{"id": Of("seizure"), "digest": ""}]},
            answers=one_of(201, 409),
            step_up=True,
        ),
    ),
    ("GET", "/transfers/{batch_id}"): (of_object("batch_id", "batch", Right.SEE_TRANSFERS, TRANSFERS),),
    # -- files: one that was sent is its group's, one that was not is its uploader's
    ("POST", "/groups/{group_id}/attachments"): (member(Right.POST, WRITE, send=FILE, answers=CREATED),),
    ("GET", "/attachments/{attachment_id}"): (
        of_object("attachment_id", "text", Right.READ, READ),
        of_object("attachment_id", "picture", Right.READ, READ),
        unsent(READ, answers=one_of(409)),
    ),
    ("GET", "/attachments/{attachment_id}/preview"): (
        of_object("attachment_id", "picture", Right.READ, READ),
        unsent(READ, answers=one_of(409)),
    ),
    ("GET", "/attachments/{attachment_id}/state"): (
        of_object("attachment_id", "text", Right.READ, READ),
        unsent(READ),
    ),
    ("HEAD", "/attachments/{attachment_id}"): (unsent(WRITE), sent(200)),
    ("PATCH", "/attachments/{attachment_id}"): (
        unsent(WRITE, send=b"text", headers={"Upload-Offset": "0"}, answers=one_of(204)),
        sent(409, send=b"text", headers={"Upload-Offset": "0"}),
    ),
    ("PUT", "/attachments/{attachment_id}/caption"): (
        unsent(WRITE, send={"caption": "Nothing to see."}),
        sent(409, send={"caption": "Nothing to see."}),
    ),
    ("DELETE", "/attachments/{attachment_id}"): (unsent(WRITE, answers=one_of(204)), sent(409)),
    # -- CEN belongs to no group
    ("GET", "/cen/seizures"): (Entry(Verified(), scope="cen:read"),),
    ("GET", "/cen/statistics"): (Entry(Verified(), scope="cen:read", query={"by": "month"}),),
    ("POST", "/cen/seizures"): (Entry(Feeder(), scope="cen:write", send=[], answers=one_of(200, 207)),),
}  # fmt: skip

# What a client may ask over a socket. `Of("group")` and the other places stand where the protocol has identifiers.
VERBS: dict[str, tuple[Entry, ...]] = {
    "ping": (Entry(Verified(), send={}),),
    "follow": (
        Entry(Member(Right.READ), scope=READ, send={"group": Of("group")}),
        Entry(Member(Right.READ), scope=READ, send={"group": Of("group"), "after": 0, "epoch": Of("epoch")}),
    ),
    "post": (
        Entry(Member(Right.POST), scope=WRITE, send={"group": Of("group"), "message": message("note", NOTE)}),
        Entry(
            Member(Right.POST_COORDINATION),
            scope=WRITE,
            send={"group": Of("group"), "message": message("administrative", {"text": "At six."})},
        ),
    ),
    "acknowledge": (Entry(Member(Right.ACKNOWLEDGE), scope=WRITE, send={"message": Of("warning")}),),
    "seen": (Entry(Member(Right.READ), scope=WRITE, send={"group": Of("group"), "seq": 1}),),
}
