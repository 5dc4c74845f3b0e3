"""The HTTP API of attachments. Gate, parse, act, answer. Uploads go by offsets, as in the core of tus 1.0."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.datastructures import MultiValueDictKeyError
from django.utils.translation import gettext as _
from ninja import Router, Status
from pydantic import Field, ValidationError

from groups.access import Right
from groups.gates import caller, member_of
from messaging.attachments import actions
from messaging.attachments.actions import Upload
from messaging.attachments.answers import file_answer, offset_answer, problem_with_offset
from messaging.attachments.errors import (
    AttachmentTooLarge,
    BadPiece,
    BadUpload,
    OffsetConflict,
    UploadComplete,
)
from messaging.attachments.facts import state_json
from messaging.attachments.reading import membership_for, read_attachment
from messaging.attachments.wording import reason_text
from messaging.models import Attachment
from messaging.schemas import Strict
from problems import FieldProblem

router = Router(tags=["attachments"])
READ, WRITE = "messages:read", "messages:write"
PIECE_TYPE = "application/offset+octet-stream"
MAX_DESCRIPTION = 16 * 1024
_NUMBER = re.compile(r"[0-9]{1,15}")
_BINARY = {"type": "string", "format": "binary"}


class UploadIn(Strict):
    """A file that is about to be sent."""

    id: UUID = Field(description="Minted by the client: the same id again goes on with the same upload.")
    name: Annotated[str, Field(max_length=1000)]
    size: int = Field(ge=0, description="In bytes.")
    media_type: Annotated[str, Field(max_length=255)] = ""
    caption: Annotated[str, Field(max_length=4000, description="At most 500 characters.")] = ""

    def upload(self) -> Upload:
        """Return it as what the actions take."""
        return Upload(**self.model_dump())


class CaptionIn(Strict):
    """What a file shows."""

    caption: Annotated[str, Field(max_length=4000, description="At most 500 characters; empty takes it away.")]


@router.post(
    "/groups/{group_id}/attachments",
    summary="Begin an upload, or go on with it",
    response={200: dict[str, Any], 201: dict[str, Any]},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": UploadIn.model_json_schema()},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": _BINARY,
                            "id": {"type": "string", "format": "uuid"},
                            "caption": {"type": "string", "maxLength": 500},
                        },
                    }
                },
            },
        }
    },
)
def begin(request: HttpRequest, group_id: UUID) -> Status[dict[str, Any]]:
    """Say what comes; the answer tells from which `offset` on, and how large a `piece` may be.

    201 for a new file; 200 for the same id with the same facts, with the offset that it has reached; 409
    `upload_conflict` for other facts. A small file may come whole as the part `file` of multipart/form-data.
    """
    membership = member_of(caller(request, WRITE), group_id, Right.POST)
    if request.content_type == "multipart/form-data":
        upload, content = _small_file(request)
    else:
        upload, content = _described(request), b""
    attachment, created = actions.begin_upload(membership, upload=upload)
    if content and attachment.state == Attachment.State.UPLOADING and attachment.offset == 0:
        with suppress(OffsetConflict, UploadComplete):  # twice at once: the other has brought it
            actions.add_piece(membership, attachment_id=attachment.pk, offset=0, piece=content)
        attachment = actions.own_attachment(membership, attachment.pk)
    return Status(201 if created else 200, _progress(attachment))


@router.api_operation(["HEAD"], "/attachments/{attachment_id}", summary="How far an upload has come")
def progress(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    """Answer `Upload-Offset` and `Upload-Length` in the headers, to the uploader alone."""
    membership, _found = membership_for(caller(request, WRITE), attachment_id, Right.POST)
    attachment = actions.own_attachment(membership, attachment_id)
    return offset_answer(offset=attachment.offset, size=attachment.size, status=200)


@router.patch(
    "/attachments/{attachment_id}",
    summary="Send the next piece of a file",
    openapi_extra={
        "requestBody": {"required": True, "content": {PIECE_TYPE: {"schema": _BINARY}}},
        "parameters": [
            {"name": "Upload-Offset", "in": "header", "required": True, "schema": {"type": "integer", "minimum": 0}}
        ],
        "responses": {204: {"description": "Taken; `Upload-Offset` tells from where to go on"}},
    },
)
def add_piece(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    """Add what comes at `Upload-Offset`: at most `piece` bytes, at least 64 KiB unless it is the last.

    204 with the new `Upload-Offset` once it is safely stored. 409 `offset_conflict` with the right one where
    another was expected: after a cut line ask HEAD and go on from there. With the last piece the check begins.
    """
    membership, _found = membership_for(caller(request, WRITE), attachment_id, Right.POST)
    if request.content_type != PIECE_TYPE:
        raise BadPiece
    offset = request.headers.get("Upload-Offset", "")
    if not _NUMBER.fullmatch(offset):
        raise BadPiece
    limit = settings.CENCOMM_LIMITS["piece_bytes"]
    piece = request.read(limit + 1)
    if len(piece) > limit:
        raise AttachmentTooLarge
    try:
        attachment = actions.add_piece(membership, attachment_id=attachment_id, offset=int(offset), piece=piece)
    except OffsetConflict as refusal:
        return problem_with_offset(refusal, refusal.offset)
    return offset_answer(offset=attachment.offset, size=attachment.size, status=204)


@router.put("/attachments/{attachment_id}/caption", summary="Say what a file shows")
def caption(request: HttpRequest, attachment_id: UUID, payload: CaptionIn) -> dict[str, Any]:
    """Set the caption of a file that was not sent yet; answer its state."""
    membership, _found = membership_for(caller(request, WRITE), attachment_id, Right.POST)
    attachment = actions.write_caption(membership, attachment_id=attachment_id, caption=payload.caption)
    return state_json(membership.group, attachment)


@router.get("/attachments/{attachment_id}/state", summary="What a file is and whether it passed its check")
def state(request: HttpRequest, attachment_id: UUID) -> dict[str, Any]:
    """Answer the file as messages show it, and `detail` beside it: why it was refused, in words."""
    membership, attachment = membership_for(caller(request, READ), attachment_id, Right.READ)
    return {**state_json(membership.group, attachment), "detail": reason_text(attachment.reason)}


@router.get(
    "/attachments/{attachment_id}",
    summary="The content of a file",
    openapi_extra={"responses": {200: {"description": "The file", "content": {"*/*": {"schema": _BINARY}}}}},
)
def content(request: HttpRequest, attachment_id: UUID) -> HttpResponseBase:
    """Answer the file: a picture as it was drawn anew, everything else as a download. 409 while it is checked."""
    membership, attachment = membership_for(caller(request, READ), attachment_id, Right.READ)
    return file_answer(request, read_attachment(membership, attachment, part="content"))


@router.get(
    "/attachments/{attachment_id}/preview",
    summary="A small picture of a picture",
    openapi_extra={
        "responses": {200: {"description": "The preview", "content": {"image/webp": {"schema": _BINARY}}}}
    },
)
def preview(request: HttpRequest, attachment_id: UUID) -> HttpResponseBase:
    """Answer a WebP of at most 640 pixels a side; 404 for what is no picture."""
    membership, attachment = membership_for(caller(request, READ), attachment_id, Right.READ)
    return file_answer(request, read_attachment(membership, attachment, part="preview"))


@router.delete("/attachments/{attachment_id}", summary="Remove a file that was not sent", response={204: None})
def remove(request: HttpRequest, attachment_id: UUID) -> Status[None]:
    """Remove a file before it is part of a message; after that: 409 `attachment_sent`."""
    membership, _found = membership_for(caller(request, WRITE), attachment_id, Right.POST)
    actions.remove_upload(membership, attachment_id=attachment_id)
    return Status(204, None)


def _progress(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": str(attachment.pk),
        "offset": attachment.offset,
        "size": attachment.size,
        "state": attachment.state,
        "piece": settings.CENCOMM_LIMITS["piece_bytes"],
    }


def _described(request: HttpRequest) -> Upload:
    body = request.read(MAX_DESCRIPTION + 1)
    if len(body) > MAX_DESCRIPTION:
        raise AttachmentTooLarge
    try:
        return UploadIn.model_validate_json(body).upload()
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        raise BadUpload(
            errors=[
                FieldProblem(".".join(str(part) for part in one["loc"]), str(one["type"]), str(one["msg"]))
                for one in problems
            ]
        ) from None


def _small_file(request: HttpRequest) -> tuple[Upload, bytes]:
    """Return what a form brings: one file, in memory (`FILE_UPLOAD_HANDLERS` knows no other place)."""
    try:
        file = request.FILES["file"]
        given = UUID(request.POST["id"]) if "id" in request.POST else uuid4()
    except (MultiValueDictKeyError, MultiPartParserError, ValueError):
        raise BadUpload(errors=[FieldProblem("file", "required", _("This needs one file."))]) from None
    limit = settings.CENCOMM_LIMITS["piece_bytes"]
    if not isinstance(file, UploadedFile) or (file.size or 0) > limit:
        raise AttachmentTooLarge
    read = file.read(limit + 1)
    upload = Upload(
        id=given,
        name=file.name or "",
        size=len(read),
        media_type=file.content_type or "",
        caption=request.POST.get("caption", "")[:4000],
    )
    return upload, read
