"""Ports, waiting and processes, for tests that start whole servers."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cencomm.embedded import EmbeddedPostgres
from cencomm.embedded_redis import socket_folder

PATIENCE = 300.0  # longer than anything that comes at all takes on a machine that is busy
# Below the ports that the system gives to those who do not mind which: nobody gets one of these by chance. The bus
# of a node of a Redis cluster listens 10,000 above the node, and those are below them, too.
_PORTS, _BLOCK = range(12_000, 22_000), 100


def _own_ports() -> Iterator[int]:
    """Yield each port once: blocks of them, which no other run of tests on this machine has meanwhile."""
    for first in range(_PORTS.start, _PORTS.stop, _BLOCK):
        with socket.socket(type=socket.SOCK_DGRAM) as claim:  # by UDP, which no server of these tests speaks
            if _binds(claim, first):
                yield from (port for port in range(first, first + _BLOCK) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return _binds(probe, port)


def _binds(one: socket.socket, port: int) -> bool:
    try:
        one.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


_ports, _one_at_a_time = _own_ports(), threading.Lock()


def free_port() -> int:
    """Return a port of this machine that nobody listens on, and that nobody else is given meanwhile."""
    with _one_at_a_time:
        return next(_ports)


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float = PATIENCE, what: str = "") -> None:
    """Return when the condition holds; fail the test when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what or condition}"
        time.sleep(0.05)


def ask(port: int, path: str) -> tuple[int, Any]:
    """Return status and JSON of one address of this machine."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        line.request("GET", path)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        line.close()


def has_ended(process: int) -> bool:
    """Whether a process is gone, or only waits for its parent to take note."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def freeze(process: subprocess.Popen[bytes]) -> None:
    """Stop a process in the middle of what it does; return once all of its threads stand still."""
    process.send_signal(signal.SIGSTOP)

    def stands_still() -> bool:
        try:
            threads = [file.read_text() for file in Path(f"/proc/{process.pid}/task").glob("*/stat")]
        except OSError:  # one ended meanwhile
            return False
        return {one.rpartition(")")[2].split()[0] for one in threads} == {"T"}

    wait_until(stands_still, what="a process that stands still")


@contextmanager
def ended_after(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process with the block: politely, then by force."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def processes_on(data: Path) -> dict[int, str]:
    """Return the command of every process that works on a data folder, by its environment or its command line."""
    cluster, sockets = str(EmbeddedPostgres(data).cluster), str(socket_folder(data))
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().replace("\0", " ")
            given = (folder / "environ").read_text(errors="replace")
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        # Redis writes its own title over its command line and its environment.
        ours = f"CENCOMM_DATA={data}\0" in given or cluster in command or sockets in command
        if state != "Z" and ours:
            found[int(folder.name)] = command
    return found
