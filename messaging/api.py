"""The HTTP API of messaging."""

from ninja import Router

router = Router()
