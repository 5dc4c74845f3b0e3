"""One web process: checks that the start is safe, waits for the databases, then serves the ASGI application."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import socket
import sys
import time
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cencomm.waiting import WaitingRoom
    from cencomm.web_server import WebServer

UNSAFE = 78  # EX_CONFIG
NO_DATABASE = 69  # EX_UNAVAILABLE
SWITCH_SECONDS = 0.0005  # Python says 0.005: so long the loop may wait for a thread that works, and it for the loop
M_ARENA_MAX = -8  # malloc.h
GIVE_BACK_SECONDS = 60.0
GARBAGE_THRESHOLDS = (10_000, 10, 10)  # Python's first is 2,000: a socket is some eighty objects


def unsafe_settings() -> list[str]:
    """Return what makes this start unsafe before any database is asked, each with what to do."""
    import django

    django.setup()
    return _problems([])


def unsafe_databases() -> list[str]:
    """Return what makes this start unsafe, the databases included; they must answer."""
    from django.db import connections

    try:
        return _problems(list(connections))
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close()


def _problems(databases: list[str]) -> list[str]:
    from django.core import checks

    found = checks.run_checks(databases=databases)
    return [f"{message.msg} {message.hint or ''}".strip() for message in found if message.is_serious()]


def refuse(problems: list[str]) -> bool:
    """Say why there is no start; return whether there is a reason."""
    for problem in problems:
        sys.stderr.write(f"CENcomm does not start: {problem}\n")
    return bool(problems)


def serve(*, host: str, port: int, listener: int | None = None, ready: int | None = None) -> int:
    """Serve until told to stop; return the exit code.

    `listener` is a listening socket that the parent process opened, `ready` a pipe to say that it may be used.
    """
    share_one_heap()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    if refuse(unsafe_settings()):
        return UNSAFE
    from cencomm.logs import hold_back
    from cencomm.waiting import WaitingRoom, absent_databases
    from messaging.history import watch

    hold_back()
    absent = absent_databases()
    if not absent and refuse(unsafe_databases()):
        return UNSAFE
    watch()
    room = WaitingRoom(absent) if absent else None
    server = make_server(host, port, room, ready)
    if room is not None:
        server.hold_ready()
        Thread(target=open_when_ready, args=(server, room), daemon=True, name="waiting").start()
    sockets = None
    if listener is not None:
        shared = socket.socket(fileno=listener)
        shared.setblocking(False)
        sockets = [shared]
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has stopped
        server.run(sockets=sockets)
    return server.exit_code


def make_server(host: str, port: int, room: WaitingRoom | None, ready: int | None) -> WebServer:
    """Return the server of the application, or of the room where everybody waits for it."""
    import uvicorn
    from django.conf import settings

    from cencomm.web_protocols import LeanHttp, LeanSocket
    from cencomm.web_server import WebServer

    if room is None:
        from cencomm.asgi import application

        settle()
    config = uvicorn.Config(
        room or application,
        host=host,
        port=port,
        loop="uvloop",
        http=LeanHttp,
        ws=LeanSocket,
        ws_max_size=settings.CENCOMM_LIMITS["frame_bytes"],
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        access_log=False,  # addresses of pages tell who reads what
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=os.environ.get("CENCOMM_PROXIES", "127.0.0.1,::1"),
        backlog=2048,
        timeout_graceful_shutdown=8,
        reset_contextvars=True,  # a request that began in the context of another would share its thread
    )
    return WebServer(config, ready_fd=ready)


def share_one_heap() -> None:
    """Let all threads take memory from one heap; before the first of them starts.

    glibc gives each thread one of its own: what threads make and the loop drops then lies about in all of them, and
    a process grows for hours, as `bin/cencomm drill --soak` tells. Whoever holds Python's lock misses no own heap.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)


def give_back() -> bool:
    """Hand what lies free in the heap back to the system: glibc keeps what a burst has taken, for good.

    Whoever takes memory meanwhile waits. False where there is no glibc.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is None:
        return False
    trim(ctypes.c_size_t(0))
    return True


def settle() -> None:
    """Leave what the start made out of every later search for garbage; let loop and threads take turns sooner."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    Thread(target=_give_back_forever, daemon=True, name="memory").start()


def _give_back_forever() -> None:
    while give_back():
        time.sleep(GIVE_BACK_SECONDS)


def open_when_ready(server: WebServer, room: WaitingRoom) -> None:
    """Wait for the databases, check them, and let everybody in; or end the process with the reason."""
    try:
        _open_when_ready(server, room)
    except Exception as error:  # noqa: BLE001 - a database that went away again: whoever started this one tries anew
        refuse([f"It could not be finished: {type(error).__name__}."])
        server.end(NO_DATABASE)


def _open_when_ready(server: WebServer, room: WaitingRoom) -> None:
    from cencomm.waiting import patience, wait_for_databases

    if absent := wait_for_databases(seconds=patience()):
        refuse([f"The {name} does not answer: {reason}." for name, reason in absent.items()])
        server.end(NO_DATABASE)
        return
    if refuse(unsafe_databases()):
        server.end(UNSAFE)
        return
    from cencomm.asgi import application

    settle()
    room.open(application)
    server.tell_ready()
