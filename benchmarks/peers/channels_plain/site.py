"""Settings, consumer and application of the tutorial's chat. LAYER is "redis", "pubsub" or "memory"."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

_database = conninfo_to_dict(os.environ["PEER_DATABASE_URL"])
_LAYERS = {
    "redis": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}
_layer: dict[str, Any] = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
if os.environ.get("LAYER", "memory") in _LAYERS:
    _layer = {"BACKEND": _LAYERS[os.environ["LAYER"]], "CONFIG": {"hosts": [os.environ["PEER_REDIS_URL"]]}}
settings.configure(
    SECRET_KEY="x" * 50,
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels", "benchmarks.peers.channels_plain.chat"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _database["dbname"],
            "USER": _database["user"],
            "HOST": _database["host"],
            "PORT": _database.get("port", ""),
            "CONN_MAX_AGE": 600,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    CHANNEL_LAYERS={"default": _layer},
    USE_TZ=True,
)
import django  # noqa: E402

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.db import connection  # noqa: E402
from django.urls import path  # noqa: E402

from benchmarks.peers.channels_plain.chat.models import Chat  # noqa: E402


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """The tutorial's consumer, with one row per message."""

    async def connect(self) -> None:
        self.room = f"chat_{self.scope['url_route']['kwargs']['group']}"
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
        message = json.loads(text_data)["message"]
        await Chat.objects.acreate(text=message)
        await self.channel_layer.group_send(self.room, {"type": "chat.message", "message": message})

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"message": event["message"]}))


def make_tables() -> None:
    """Create the chat's table."""
    with connection.schema_editor() as editor:
        editor.create_model(Chat)


if os.environ.get("PEER_MAKES_TABLES"):
    make_tables()
application = ProtocolTypeRouter({"websocket": URLRouter([path("<int:group>", ChatConsumer.as_asgi())])})  # type: ignore[no-untyped-call]
