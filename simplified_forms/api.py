"""The API of forms: the versions in force. Read only; templates are edited on their page."""

from ninja import Router

router = Router(tags=["forms"])
