"""One web process: checks that the start is safe, then serves the ASGI application with uvicorn."""

from __future__ import annotations

import contextlib
import os
import socket
import sys


def refuse_unsafe_start() -> list[str]:
    """Return what makes this start unsafe, each with what to do; empty when nothing does."""
    import django
    from django.core import checks
    from django.db import connections
    from django.db.utils import OperationalError

    django.setup()
    try:
        found = checks.run_checks(databases=list(connections))
    except OperationalError as error:
        return [f"The database does not answer: {str(error).splitlines()[0]}. Does it run, is DATABASE_URL right?"]
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close()
    return [f"{message.msg} {message.hint or ''}".strip() for message in found if message.is_serious()]


def serve(*, host: str, port: int, listener: int | None = None) -> int:
    """Serve until told to stop; `listener` is a listening socket that the parent process opened."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    problems = refuse_unsafe_start()
    if problems:
        for problem in problems:
            sys.stderr.write(f"CENcomm does not start: {problem}\n")
        return 78  # EX_CONFIG
    import uvicorn
    from django.conf import settings

    config = uvicorn.Config(
        "cencomm.asgi:application",
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=settings.CENCOMM_LIMITS["frame_bytes"],
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,  # addresses of pages tell who reads what
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=os.environ.get("CENCOMM_PROXIES", "127.0.0.1,::1"),
        backlog=2048,
        timeout_graceful_shutdown=8,
    )
    sockets = None
    if listener is not None:
        shared = socket.socket(fileno=listener)
        shared.setblocking(False)
        sockets = [shared]
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has stopped
        uvicorn.Server(config).run(sockets=sockets)
    return 0
