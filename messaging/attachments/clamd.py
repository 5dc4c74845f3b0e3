"""Asks a ClamAV daemon about a stream, by its INSTREAM command. Nothing is asked where none is configured.

Source: clamd(8), "COMMANDS". What must not live here: what follows from the answer.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress

from django.conf import settings

from messaging.attachments.refusing import Later, Reason, Refused, Undecided

SECONDS = 120.0
MAX_ANSWER = 4096
PIECE = 256 * 1024


def require_clean(blocks: Iterable[bytes]) -> None:
    """Pass a file to the scanner that CENCOMM_CLAMD names; without one, to nobody.

    Raises Refused for what it finds, Later where nobody answers, Undecided where it says neither yes nor no.
    """
    address: str = settings.CENCOMM_CLAMD
    if not address:
        return
    try:
        with _connected(address) as line:
            answer = _asked(line, blocks)
    except OSError:
        raise Later from None
    if answer.endswith(b" FOUND"):
        raise Refused(Reason.MALWARE)
    if not answer:
        raise Later
    if answer != b"stream: OK":  # a size limit of its own, say: what was not scanned is not clean
        raise Undecided


def _connected(address: str) -> socket.socket:
    """Return a connection to `host:port`, or to the socket of a path."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        return socket.create_connection((host, int(port)), timeout=SECONDS)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(SECONDS)
    try:
        line.connect(address)
    except OSError:
        line.close()
        raise
    return line


def _asked(line: socket.socket, blocks: Iterable[bytes]) -> bytes:
    with suppress(BrokenPipeError, ConnectionResetError):  # it hears no more: what it said is waiting to be read
        line.sendall(b"zINSTREAM\0")
        for block in blocks:
            for at in range(0, len(block), PIECE):
                piece = block[at : at + PIECE]
                line.sendall(len(piece).to_bytes(4, "big") + piece)
        line.sendall(bytes(4))
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < MAX_ANSWER:
        received = line.recv(MAX_ANSWER)
        if not received:
            break
        answer += received
    return answer.rstrip(b"\0\n")
