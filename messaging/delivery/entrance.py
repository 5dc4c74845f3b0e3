"""The way in: a socket is accepted, its client signed in together with all who come now, its conversation begun.

Nothing of a sign-in is remembered: each is looked up in the database. Who was signed out between that and the
moment when the hub knows the socket is turned away all the same. What must not live here: the Origin
(`messaging.live`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.actions import use_tokens
from accounts.socket_auth import Credential, Identity, credential_of, identities_of
from accounts.tries import wrong_tokens
from messaging.delivery.conversation import Conversation, Receive
from messaging.delivery.desk import Desk
from messaging.delivery.hub import SIGNED_OUT, hub
from messaging.delivery.outbox import Send
from messaging.delivery.per_loop import PerLoop
from messaging.delivery.reads import in_thread
from messaging.measures import measures
from problems import Refusal

logger = logging.getLogger("cencomm.messaging")
SUBPROTOCOL = "cencomm.v1"
TRY_LATER = 1013
NOTE_USE_SECONDS = 2.0


async def converse(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Accept a socket whose origin was checked, sign its client in, and speak with it.

    Closes with 4401 if nobody signs in, with 1013 if that cannot be found out now, or too many wrong tokens came
    from this address.
    """
    await receive()  # websocket.connect
    offered = SUBPROTOCOL in scope.get("subprotocols", ())
    credential = credential_of(scope)  # before the socket is accepted: the server forgets the scope then
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None})
    mark, address = hub().listen(), (scope.get("client") or ("",))[0]
    if credential.secret and wrong_tokens.wait_with(credential.secret, address):
        await _turn_away(send, TRY_LATER)
        return
    try:
        identity = await _entrance().identify(credential)
    except Refusal:
        await _turn_away(send, TRY_LATER)
        return
    if credential.secret:
        wrong_tokens.note_with(credential.secret, address, right=identity is not None)
    if identity is None or hub().ended_since(mark, identity):
        shown = "a token" if credential.secret else "a session" if credential.session_key else "nothing"
        logger.info("a socket that showed %s was not let in", shown)
        await _turn_away(send, SIGNED_OUT)
        return
    await Conversation(identity, receive, send).run()


async def _turn_away(send: Send, code: int) -> None:
    measures.closed[code] += 1
    await send({"type": "websocket.close", "code": code})


class Entrance:
    """Where the clients of one loop are signed in."""

    def __init__(self) -> None:
        self._desk: Desk[Credential, Identity | None] = Desk(identities_of)
        self._used: set[UUID] = set()
        self._noting: asyncio.Task[None] | None = None

    async def identify(self, credential: Credential) -> Identity | None:
        """Say who shows this, None for nobody who may come in. Raises Unavailable, Unexpected."""
        if not credential.secret and not credential.session_key:
            return None
        identity = await self._desk.ask(credential)
        if identity is not None and identity.token_id is not None and not identity.use_noted:
            self._used.add(identity.token_id)
            if self._noting is None:
                self._noting = asyncio.create_task(self._note_use())
        return identity

    async def _note_use(self) -> None:
        """Write that tokens were used: once for all of a storm, and nobody waits for it."""
        await asyncio.sleep(NOTE_USE_SECONDS)
        used, self._used, self._noting = self._used, set(), None
        try:
            await in_thread(lambda: use_tokens(used))
        except Exception as error:  # noqa: BLE001
            # The next use is noted again; a sign-in does not hang on it.
            logger.error("the use of %d tokens was not noted: %s", len(used), type(error).__name__)


_entrance = PerLoop(Entrance)
