"""The ASGI application: HTTP by Django, `/ws/v1` by messaging's live delivery behind an origin check."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()

from messaging.live import websocket_routes  # noqa: E402

application = ProtocolTypeRouter(  # type: ignore[no-untyped-call]
    {"http": http, "websocket": URLRouter(websocket_routes)}  # type: ignore[no-untyped-call]
)
