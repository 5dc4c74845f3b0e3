"""HTTP in few lines: one request a connection, with a time limit, as an impatient client asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; `body` is its JSON, or None; `data` as it came."""

    status: int
    headers: Mapping[str, str]
    body: Any
    data: bytes


async def ask(
    port: int,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    seconds: float = 10,
) -> Answer:
    """Ask once. Raises OSError or TimeoutError when no whole answer came: then nothing is known."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT)
        try:
            lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            if body or method not in {"GET", "HEAD"}:
                lines.append(f"Content-Length: {len(body)}")
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
            return await _answer(reader)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
            raise ConnectionError(str(error)) from error
        finally:
            writer.transport.abort()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        data = b""
        while size := int(await reader.readline(), 16):
            data += await reader.readexactly(size)
            await reader.readline()
    elif "content-length" in headers:
        data = await reader.readexactly(int(headers["content-length"]))
    else:
        data = await reader.read()
    try:
        parsed = json.loads(data) if data else None
    except json.JSONDecodeError:
        parsed = None
    return Answer(status, headers, parsed, data)
