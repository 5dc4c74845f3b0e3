"""The shape of what clients send, for API and socket alike: types only. The rules are in `drafts` and the forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from messaging.drafts import Draft
from messaging.errors import InvalidMessage
from problems import FieldProblem


def in_utc(at: datetime) -> datetime:
    """Return a time in UTC: PostgreSQL knows fewer zones than RFC 3339, and no sums at both ends of time."""
    try:
        found = at if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        found = None
    if found is None or not MINYEAR < found.year < MAXYEAR:
        raise PydanticCustomError("datetime_range", "This time is too far away.")
    return found


Moment = Annotated[datetime, AfterValidator(in_utc)]


class Strict(BaseModel):
    """What is not named here is refused: a misspelt field must not vanish silently.

    No ninja.Schema: that one looks each field up through a getter for models, which costs more than the check.
    """

    model_config = ConfigDict(extra="forbid")


class GradingIn(Strict):
    """How far source and information can be relied upon."""

    source: str = Field(max_length=1, description="A (always reliable) to F (cannot be judged)")
    information: str = Field(max_length=1, description="1 (confirmed) to 6 (cannot be judged)")


class ConfirmedIn(Strict):
    """What the sender was asked about before sending, and says is right."""

    field: str = Field(max_length=100, description="As the answer of `…/screening` names it.")
    code: str = Field(max_length=40, description="Kind of the finding, or code of the question.")
    passage: str = Field("", max_length=300, description="The words that were found; empty for a question.")
    reason: Literal["thing", "place", "number", "official", "right"] = Field(
        description=(
            "thing: names a thing, a ship, a company. place: names a place. number: the number of a thing. "
            "official: an official in office. right: the answer to a question, it is right."
        )
    )


class MessageIn(Strict):
    """A message as it is sent. `id` is minted by the client: sending the same again is safe."""

    id: UUID = Field(
        description="Minted by the client. The same id with the same content answers the first message."
    )
    kind: str = Field(
        max_length=16,
        description=(
            "note, warning, feedback, seizure, request, reply, movement, nil, sitrep, bulletin, administrative"
        ),
    )
    body: dict[str, Any] = Field(description="The fields of the group's form for this kind: `GET …/templates`.")
    subject: str = Field("", max_length=1000, description="At most 160 characters; empty: made from the body.")
    language: str = Field("", max_length=16, description="Of the free text, ISO 639-1; empty: the officer's.")
    priority: str = Field("routine", max_length=16, description="routine, priority, immediate")
    addressed_to: dict[str, Any] | None = Field(
        None,
        description=(
            'Whose attention is asked for: {"all": true} or any of {"countries": ["NG"], "roles": ["analyst"], '
            '"officers": ["<uuid>"]}. It is no secrecy: every member of the group reads everything.'
        ),
    )
    in_reply_to: UUID | None = Field(
        None, description="The message that this answers; feedback and replies need it."
    )
    due_at: Moment | None = Field(None, description="Until when an answer is wanted, with a time zone.")
    acknowledge: bool | None = Field(None, description="Whether a receipt is wanted; null: as usual for this kind.")
    handling: str = Field("AMBER", max_length=16, description="TLP 2.0: RED, AMBER+STRICT, AMBER, GREEN, CLEAR")
    grading: GradingIn | None = None
    supersedes: UUID | None = Field(None, description="The message that this corrects.")
    attachments: Annotated[list[UUID], Field(max_length=50)] = []
    confirmed: Annotated[list[ConfirmedIn], Field(max_length=100)] = []
    template: UUID | None = Field(None, description="The form that was filled in; refused when it was replaced.")

    def draft(self) -> Draft:
        """Return it as what the actions take."""
        return Draft(
            id=self.id,
            kind=self.kind,
            body=self.body,
            subject=self.subject,
            language=self.language,
            priority=self.priority,
            addressed_to=self.addressed_to or {},
            in_reply_to=self.in_reply_to,
            due_at=self.due_at,
            acknowledge=self.acknowledge,
            handling=self.handling,
            grading=self.grading.model_dump() if self.grading else None,
            supersedes=self.supersedes,
            attachments=self.attachments,
            confirmed=[one.model_dump() for one in self.confirmed],
            template=self.template,
        )


class StatusIn(Strict):
    """A move of a message's status."""

    status: str = Field(max_length=16, description="submitted, returned, validated_ncp, validated_ocu, withdrawn")
    reason: str = Field("", max_length=10_000, description="Needed to return or withdraw; sealed like the message.")


class SeenIn(Strict):
    """How far the officer has read."""

    seq: int = Field(ge=0, description="Sequence number of the newest event that was read.")


def message_of(data: Any) -> Draft:
    """Return the draft in a frame's item. Raises InvalidMessage, with the same problems as the API gives."""
    if not isinstance(data, Mapping):
        data = {}
    try:
        return MessageIn.model_validate(dict(data)).draft()
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        raise InvalidMessage(
            errors=[
                FieldProblem(".".join(str(part) for part in one["loc"]), str(one["type"]), str(one["msg"]))
                for one in problems
            ]
        ) from None
