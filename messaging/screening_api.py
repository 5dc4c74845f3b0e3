"""The HTTP API of screening: what to ask a sender before sending. Nothing is stored, and no text is logged."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from groups.access import Right
from groups.gates import caller, member_of
from messaging.errors import MessageTooLarge
from messaging.limits import take_screening
from messaging.queries.screening import advice_on
from messaging.schemas import Strict
from simplified_forms.screening import LABELS

router = Router(tags=["messages"])


class FileIn(Strict):
    """A file that is to go with the message, as far as words go."""

    name: str = Field("", max_length=1000)
    caption: str = Field("", max_length=4000)


class ScreeningIn(Strict):
    """A message that is being written: what would be sent, as far as it is screened."""

    kind: str = Field(max_length=16)
    body: dict[str, Any]
    subject: str = Field("", max_length=1000)
    files: Annotated[list[FileIn], Field(max_length=10)] = []


@router.post("/groups/{group_id}/screening", summary="What to ask before sending")
def screening(request: HttpRequest, group_id: UUID, payload: ScreeningIn) -> dict[str, Any]:
    """Answer `{"nominal_allowed", "findings": [{field, kind, label, start, end, passage}], "questions": [...]}`.

    A finding is a passage that may point at a person, from `start` to `end` (characters of that field); a group
    with nominal data gets none. A question (field, code, message) is about a value that is odd and may be right.
    Neither forbids anything: what the sender says to them goes with the message as `confirmed`. Nothing is stored.
    A stranger: 404. A member who cannot write: 403. Too long: 413. Too fast: 429 with `Retry-After`.
    """
    officer = caller(request, "messages:write")
    membership = member_of(officer, group_id, Right.POST)
    if len(request.body) > settings.CENCOMM_LIMITS["message_bytes"]:
        raise MessageTooLarge
    take_screening(officer.pk)
    advice = advice_on(
        membership,
        kind=payload.kind,
        subject=payload.subject,
        body=payload.body,
        files=[(file.name, file.caption) for file in payload.files],
    )
    return {
        "nominal_allowed": advice.nominal_allowed,
        "findings": [
            {
                "field": one.field,
                "kind": one.finding.kind.value,
                "label": str(LABELS[one.finding.kind]),
                "start": one.finding.start,
                "end": one.finding.end,
                "passage": one.passage,
            }
            for one in advice.findings
        ],
        "questions": [
            {"field": question.field, "code": question.code, "message": question.message}
            for question in advice.questions
        ],
    }
