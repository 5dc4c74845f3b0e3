"""A Redis of our own between the web processes of one machine: on a Unix socket that only this user reaches.

It carries wake-ups and counts rates, both of which may be lost; nothing is on disk. What must not live here: what
is said over it (`messaging.redis_wakeups`), and any Redis that somebody else runs (REDIS_URL).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from pathlib import Path

from cencomm.cli_errors import CommandRefused
from cencomm.supervisor import Child

READY_WITHIN_SECONDS = 20


def redis_program() -> str | None:
    """Return the path of redis-server, None where this machine has none."""
    path = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin" + os.pathsep + "/usr/local/bin"
    return shutil.which("redis-server", path=path)


def socket_folder(data: Path) -> Path:
    """Return the folder of the socket: in the data folder, or below /tmp where that path is too long for one."""
    inside = data / "redis"
    if len(str(inside)) < 80:
        return inside
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    return Path(f"/tmp/cencomm-redis-{digest}")  # noqa: S108


def redis_child(data: Path, logs: Path) -> tuple[Child, str]:
    """Return the process to run and the address for REDIS_URL. Raises CommandRefused."""
    program = redis_program()
    if program is None:
        message = (
            "More than one web process needs Redis between them: install it (apt install redis-server), set "
            "REDIS_URL, or leave --workers at 1."
        )
        raise CommandRefused(message, code=69)
    folder = socket_folder(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        message = f"The folder {folder} is not ours alone: delete it, or use a shorter data folder."
        raise CommandRefused(message, code=73)
    place = folder / "redis.sock"
    settings = {
        "port": "0",
        "unixsocket": str(place),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
        "maxmemory": "64mb",
        "maxmemory-policy": "volatile-ttl",
        "daemonize": "no",
    }
    command = [program, *(word for name, value in settings.items() for word in (f"--{name}", value))]
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}
    return Child("redis", command, environment, logs / "redis.log"), f"unix://{place}?db=0"


def wait_for_redis(child: Child, address: str) -> None:
    """Return when it answers. Raises CommandRefused with its last words."""
    import redis

    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while child.is_running() and time.monotonic() < deadline:
        try:
            with redis.Redis.from_url(address, socket_timeout=2) as client:
                client.ping()
                return
        except (redis.RedisError, OSError):
            time.sleep(0.05)
    message = f"Redis does not start; its last words:\n{child.last_words()}"
    raise CommandRefused(message, code=69)
