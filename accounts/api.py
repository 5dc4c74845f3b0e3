"""The HTTP API of accounts."""

from ninja import Router

router = Router()
