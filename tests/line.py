"""A line between a client and a server that a test can cut, silence and lead elsewhere; plain sockets in threads.

What waits while a direction is silent is carried when it speaks again, as with packets that TCP sends again. What
must not live here: many lines with a weather of their own, which a suite of faults has.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cencomm.ports import PATIENCE

RESET = struct.pack("ii", 1, 0)  # SO_LINGER that makes close() send a reset


class Line:
    """One listening port in front of a server of this machine."""

    def __init__(self, target: int) -> None:
        self._target: int | None = target
        self._home = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._up, self._down = threading.Event(), threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.mend()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _reset(end)

    def break_off(self) -> None:
        """Reset every connection, and every one that is tried."""
        self._target = None
        self.cut()

    def mend(self, target: int | None = None) -> None:
        """Carry everything again, to a server elsewhere if one is named."""
        self._home = target or self._home
        self._target = self._home
        self._up.set()
        self._down.set()

    def half_open(self) -> None:
        """Keep every connection and carry nothing, as a network does that went away without a word."""
        self._up.clear()
        self._down.clear()

    def lose_answers(self) -> None:
        """Carry what is asked, and hold what is answered."""
        self._down.clear()

    def stop(self) -> None:
        """Take no more connections and drop all."""
        self._listener.close()
        self.break_off()
        self._up.set()
        self._down.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                near, _address = self._listener.accept()
                threading.Thread(target=self._carry_both, args=(near,), daemon=True).start()

    def _carry_both(self, near: socket.socket) -> None:
        try:
            if self._target is None:
                raise ConnectionRefusedError
            far = socket.create_connection(("127.0.0.1", self._target), timeout=PATIENCE)
        except OSError:
            _reset(near)
            return
        far.settimeout(None)
        with self._lock:
            self._open |= {near, far}
        threading.Thread(target=self._carry, args=(near, far, self._up), daemon=True).start()
        self._carry(far, near, self._down)

    def _carry(self, source: socket.socket, sink: socket.socket, carried: threading.Event) -> None:
        try:
            while data := source.recv(16 * 1024):
                carried.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            with self._lock:
                self._open -= {source, sink}
            _reset(source)
            _reset(sink)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.shutdown(socket.SHUT_RDWR)  # wakes whoever waits on it
    end.close()


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """A line to a server of this machine while the block runs."""
    line = Line(port)
    try:
        yield line
    finally:
        line.stop()
