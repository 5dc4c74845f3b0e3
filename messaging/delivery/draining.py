"""How the sockets of a process that ends take their leave: one after the other, answered, told to come back.

They are told with close code 1012 (service restart), spread over a time that grows with their number, so that
whoever takes them in meets no storm. What must not live here: when a process ends (`cencomm.web_server`).
"""

from __future__ import annotations

import asyncio
import random
from typing import Protocol, cast

from messaging.delivery.hub import hub

RESTART = 1012
LEAVING_PER_SECOND = 200  # what one process takes in without anybody waiting


class Leaver(Protocol):
    """What this needs of a socket."""

    async def leave(self, code: int) -> None: ...


def pause_between(count: int, *, within: float) -> float:
    """Return the seconds between one socket's leave and the next."""
    return min(within, count / LEAVING_PER_SECOND) / count


async def drain(*, within: float) -> None:
    """Let every socket of this loop's hub go, and those that still arrive meanwhile; return when all have left."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while (clients := hub().clients) and (left := deadline - loop.time()) > 0:
        random.shuffle(clients)
        pause = pause_between(len(clients), within=left)
        leaving = []
        for client in clients:
            leaving.append(asyncio.create_task(cast("Leaver", client).leave(RESTART)))
            await asyncio.sleep(pause)
        await asyncio.wait(leaving, timeout=max(deadline - loop.time(), 0.1))
        await asyncio.sleep(0.05)  # a socket that was told to go is detached when its conversation ends
