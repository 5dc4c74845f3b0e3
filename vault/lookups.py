"""Names of machines turned into addresses, within a time: the C library itself takes no limit for it.

What must not live here: connections.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from concurrent.futures import Future

type _Asked = tuple[int, str, int]  # the process: a fork leaves threads behind

_lock = threading.Lock()
_under_way: dict[_Asked, Future[list[str]]] = {}


def addresses_of(host: str, port: int, *, seconds: float) -> list[str]:
    """Return the addresses of a machine, in the order to try them. Raises OSError, TimeoutError after so long.

    A look that hangs goes on in a thread of its own, one for a name however many wait for it.
    """
    asked = (os.getpid(), host, port)
    with _lock:
        found = _under_way.get(asked)
        if found is None:
            found = _under_way[asked] = Future()
            try:
                threading.Thread(target=_look_up, args=(asked, found), daemon=True, name="name-look-up").start()
            except RuntimeError:  # no thread can be had: the next one tries again
                del _under_way[asked]
                raise OSError(errno.EAGAIN, "no thread for a look at a name") from None
    return list(found.result(seconds))  # each waiter's own


def _look_up(asked: _Asked, found: Future[list[str]]) -> None:
    _process, host, port = asked
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.set_result([str(place[0]) for *_rest, place in places])
    except Exception as error:  # noqa: BLE001 - it is for whoever waits
        found.set_exception(error)
    finally:
        with _lock:
            _under_way.pop(asked, None)
