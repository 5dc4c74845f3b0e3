"""The shapes of the API's answers, by method and path, as JSON Schema. Text only: no answer is made from them.

Objects name what is always there (`required`); what may be missing stands among the properties only. A new field of
an answer is to be named here. `tests/robustness/test_contract.py` holds answers of a running server against it.
"""

from __future__ import annotations

from typing import Any, Final

type Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}
ID: Final[Schema] = {"type": "string", "format": "uuid"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
DAY: Final[Schema] = {"type": "string", "format": "date"}
ANYTHING: Final[Schema] = {"type": "object"}


def maybe(schema: Schema) -> Schema:
    """Return a schema that takes null as well."""
    return {"anyOf": [schema, {"type": "null"}]}


def some(schema: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema}


def by_name(schema: Schema) -> Schema:
    """Return the schema of an object whose names are data: codes of countries, of units."""
    return {"type": "object", "additionalProperties": schema}


def thing(also: dict[str, Schema] | None = None, **always: Schema) -> Schema:
    """Return the schema of an object: `always` is there, `also` may be missing. `from_` stands for `from`."""
    properties = {name.rstrip("_"): schema for name, schema in always.items()}
    return {"type": "object", "required": list(properties), "properties": {**properties, **(also or {})}}


_FILE = thing(
    {"unreadable": FLAG, "detail": TEXT},
    id=ID,
    name=TEXT,
    caption=TEXT,
    kind=maybe(TEXT),
    media_type=maybe(TEXT),
    size=COUNT,
    state=TEXT,
    reason=maybe(TEXT),
    width=maybe(COUNT),
    height=maybe(COUNT),
    preview=FLAG,
    sha256=maybe(TEXT),
)
_OFFICER = thing(id=ID, name=TEXT)
_GROUP = thing(
    id=ID, code=TEXT, name=TEXT, kind=TEXT, phase=TEXT, form_mode=TEXT, starts_on=maybe(DAY), ends_on=maybe(DAY),
    cut_off_hour={"type": "integer", "minimum": 0, "maximum": 23}, role=TEXT, country=TEXT, rights=some(TEXT),
    epoch=ID, head=COUNT,
)  # fmt: skip
_GROUP_DETAIL = thing(
    {**_GROUP["properties"]},
    id=ID,
    code=TEXT,
    description=TEXT,
    roles=by_name(some(TEXT)),
    members=some(thing(id=ID, officer=ID, name=TEXT, administration=TEXT, country=TEXT, role=TEXT)),
    countries=some(thing(country=TEXT, contact_point=maybe(ID))),
)
_MESSAGE = thing(
    {"unreadable": FLAG, "confirmed": some(thing(field=TEXT, code=TEXT, passage=TEXT, reason=TEXT))},
    id=ID,
    group=ID,
    seq=COUNT,
    reference=TEXT,
    kind=TEXT,
    subject=TEXT,
    body=ANYTHING,
    language=TEXT,
    priority=TEXT,
    sender=_OFFICER,
    administration=thing(id=ID, name=TEXT, country=TEXT),
    country=TEXT,
    addressed_to=ANYTHING,
    in_reply_to=maybe(ID),
    thread=ID,
    due_at=maybe(TIME),
    acknowledge=FLAG,
    acknowledgements=maybe(thing(expected=by_name(COUNT), done=by_name(COUNT), officers=some(ID))),
    answered_by=some(TEXT),
    handling=TEXT,
    grading=maybe(thing(source=TEXT, information=TEXT)),
    attachments=some(_FILE),
    template=thing(id=ID, version=COUNT),
    status=TEXT,
    exercise=FLAG,
    supersedes=maybe(ID),
    superseded_by=maybe(ID),
    sent_at=TIME,
)
_PAGE = thing(messages=some(_MESSAGE), next=maybe(COUNT), complete=FLAG)
_RECEIPT = thing(officer=_OFFICER, country=TEXT, at=TIME)
_HAPPENING = thing(
    dict.fromkeys(("country", "from", "to", "reason", "reference"), TEXT) | {"message": ID},
    what=TEXT,
    at=TIME,
    officer=maybe(_OFFICER),
)
_MESSAGE_DETAIL = thing(
    dict(_MESSAGE["properties"]),
    id=ID,
    seq=COUNT,
    thread_messages=some(_MESSAGE),
    acknowledged=some(_RECEIPT),
    history=some(_HAPPENING),
)
_EVENT = thing(op=TEXT, group=ID, seq=COUNT, event=thing(type=TEXT, at=TIME, actor=maybe(ID)))
_QUESTIONS = thing(
    sent=COUNT, open=COUNT, overdue=COUNT, answered=COUNT, in_time=COUNT, median_hours=maybe({"type": "number"}),
    waiting_countries=by_name(COUNT),
)  # fmt: skip
_SITUATION = thing(
    day=thing(date=DAY, starts_at=TIME, ends_at=TIME, cut_off_hour=COUNT),
    coverage=some(
        thing(
            country=TEXT, state=TEXT, seizures=COUNT, nil_returns=COUNT, messages=COUNT, seizures_total=COUNT,
            last_message_at=maybe(TIME), last_report_at=maybe(TIME), members=COUNT, has_contact_point=FLAG,
        )
    ),
    questions=thing(warning=_QUESTIONS, request=_QUESTIONS),
    messages=by_name(COUNT),
    status=by_name(COUNT),
    seizures=ANYTHING,
)  # fmt: skip
_COUNTS = thing(
    seen=COUNT, unread=COUNT, open=COUNT, overdue=COUNT, waiting=COUNT, to_acknowledge=COUNT, to_validate=COUNT,
    returned=COUNT,
)  # fmt: skip
_TEMPLATE = thing(
    id=ID, kind=TEXT, mode=TEXT, version=COUNT, name=TEXT, published_at=TIME, spec=ANYTHING, description=ANYTHING
)
_BATCH = thing(
    id=ID,
    group=ID,
    started_at=TIME,
    finished_at=maybe(TIME),
    progress=thing(total=COUNT, queued=COUNT, accepted=COUNT, refused=COUNT),
    receipts=some(
        thing(
            message=ID, source_reference=TEXT, version=COUNT, state=TEXT, outcome=TEXT, cen_reference=TEXT,
            reason_code=TEXT, reason=TEXT, fields=some(TEXT),
        )
    ),
)  # fmt: skip
_REVIEW = thing(
    counts=thing(ready=COUNT, blocked=COUNT, not_validated=COUNT),
    ready=some(thing(id=ID, reference=TEXT, digest=TEXT, records=some({}))),
    blocked=some(thing(id=ID, reference=TEXT, blockers=some(thing(kind=TEXT, code=TEXT, field=TEXT, text=TEXT)))),
)
_PROGRESS = thing(id=ID, offset=COUNT, size=COUNT, state=TEXT, piece=COUNT)
_FIGURES = thing(seizures=COUNT, cases=COUNT, quantities=by_name(TEXT))
_TAKEN = thing(
    accepted=COUNT,
    updated=COUNT,
    unchanged=COUNT,
    refused=COUNT,
    receipts=some(
        thing(
            {
                "cen_reference": TEXT,
                "version": COUNT,
                "reason_code": TEXT,
                "reason": TEXT,
                "errors": some(ANYTHING),
            },
            source_reference=TEXT,
            outcome={"type": "string", "enum": ["accepted", "updated", "unchanged", "refused"]},
        )
    ),
)

ANSWERS: Final[dict[tuple[str, str], dict[int, Schema]]] = {
    ("get", "/me"): {
        200: thing(
            officer=maybe(
                thing(id=ID, email=TEXT, name=TEXT, language=TEXT, time_zone=TEXT, is_platform_administrator=FLAG)
            ),
            administration=maybe(thing(id=ID, name=TEXT, country=TEXT, kind=TEXT, region=maybe({}))),
            languages=some(thing(code=TEXT, name=TEXT)),
            client_system=maybe(TEXT),
            scopes=maybe(some(TEXT)),
        )
    },
    ("get", "/groups"): {200: thing(groups=some(_GROUP))},
    ("get", "/groups/{group_id}"): {200: _GROUP_DETAIL},
    ("get", "/groups/{group_id}/templates"): {200: thing(templates=some(_TEMPLATE))},
    ("get", "/groups/{group_id}/events"): {
        200: thing(epoch=ID, head=COUNT, last=COUNT, restart=FLAG, events=some(_EVENT))
    },
    ("get", "/groups/{group_id}/messages"): {200: _PAGE},
    ("post", "/groups/{group_id}/search"): {200: _PAGE},
    ("post", "/groups/{group_id}/messages"): {200: _MESSAGE, 201: _MESSAGE},
    ("post", "/groups/{group_id}/screening"): {
        200: thing(
            nominal_allowed=FLAG,
            findings=some(thing(field=TEXT, kind=TEXT, label=TEXT, start=COUNT, end=COUNT, passage=TEXT)),
            questions=some(thing(field=TEXT, code=TEXT, message=TEXT)),
        )
    },
    ("get", "/messages/{message_id}"): {200: _MESSAGE_DETAIL},
    ("put", "/messages/{message_id}/acknowledgement"): {
        200: thing(message=ID, officer=ID, country=TEXT, seq=COUNT, at=TIME)
    },
    ("post", "/messages/{message_id}/status"): {200: _MESSAGE},
    ("put", "/groups/{group_id}/seen"): {200: thing(seq=COUNT)},
    ("get", "/groups/{group_id}/counts"): {200: _COUNTS},
    ("get", "/groups/{group_id}/situation"): {200: _SITUATION},
    ("get", "/groups/{group_id}/transfers/review"): {200: _REVIEW},
    ("post", "/groups/{group_id}/transfers"): {201: _BATCH},
    ("get", "/transfers/{batch_id}"): {200: _BATCH},
    ("post", "/groups/{group_id}/attachments"): {200: _PROGRESS, 201: _PROGRESS},
    ("put", "/attachments/{attachment_id}/caption"): {200: _FILE},
    ("get", "/attachments/{attachment_id}/state"): {200: _FILE},
    ("post", "/cen/seizures"): {200: _TAKEN, 207: _TAKEN},
    ("get", "/cen/seizures"): {200: thing(seizures=some(ANYTHING), next=maybe(TEXT))},
    ("get", "/cen/statistics"): {
        200: thing(
            by=TEXT,
            rows=some(thing({"year_before": _FIGURES}, labels=some(TEXT), **_FIGURES["properties"])),
            truncated=FLAG,
            total=_FIGURES,
        )
    },
}
