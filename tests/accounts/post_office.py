"""A mail server on a free port, as one takes mail of CENcomm: SMTP with STARTTLS, in a thread of the test."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """It vouches for itself."""

    file: Path
    key: Path


def make_certificate(folder: Path, address: str = "IP:127.0.0.1") -> Certificate:
    """Make one for an address, valid for a day."""
    made = Certificate(folder / "mail.crt", folder / "mail.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-days", "1", "-subj", "/CN=mail", "-addext", f"subjectAltName={address}"]
    subprocess.run(
        [*command, *named, "-keyout", str(made.key), "-out", str(made.file)], capture_output=True, check=True
    )
    return made


@dataclass(frozen=True, slots=True)
class Letter:
    """What one client left."""

    sender: str
    recipients: list[str]
    data: bytes
    over_tls: bool


@dataclass
class PostOffice:
    """Takes letters, or (`hangs`) connections only, or (`plain`) letters without TLS."""

    certificate: Certificate | None = None
    hangs: bool = False
    plain: bool = False
    port: int = 0
    connections: int = 0
    letters: list[Letter] = field(default_factory=list)

    @contextlib.contextmanager
    def opened(self) -> Iterator[PostOffice]:
        """Serve until the end of the block."""
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.hangs:
                await reader.read()  # until the other side goes
            else:
                await self._talk(reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, recipients, over_tls = "", list[str](), False
        writer.write(b"220 post office\r\n")
        while line := await reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    writer.write(b"250-here\r\n250 SIZE\r\n" if self.plain else b"250-here\r\n250 STARTTLS\r\n")
                case "STARTTLS":
                    writer.write(b"220 go on\r\n")
                    await writer.start_tls(self._context())
                    over_tls = True
                case "MAIL":
                    sender, recipients = rest, []
                    writer.write(b"250 yes\r\n")
                case "RCPT":
                    recipients.append(rest)
                    writer.write(b"250 yes\r\n")
                case "DATA":
                    writer.write(b"354 say it\r\n")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    self.letters.append(Letter(sender, recipients, data, over_tls))
                    writer.write(b"250 taken\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case _:
                    writer.write(b"250 yes\r\n")

    def _context(self) -> ssl.SSLContext:
        assert self.certificate is not None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate.file, self.certificate.key)
        return context
