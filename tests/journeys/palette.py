"""A picture of a screen with at most 256 colours: a third of the bytes, and no eye sees the difference.

Reads and writes PNG as Chromium makes it (8 bits, RGB or RGBA, not interlaced). Source: W3C, PNG
specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256

Colour = tuple[int, int, int]


def reduce_colours(picture: bytes) -> bytes:
    """Return the picture with a palette of its own; parts of it that were equal stay equal."""
    width, height, rows = _read(picture)
    counts: Counter[Colour] = Counter()
    for row in rows:
        counts.update(zip(row[0::3], row[1::3], row[2::3], strict=True))
    palette = _palette(counts)
    place = _places(counts, palette)
    lines = bytearray()
    for row in rows:
        lines.append(0)
        lines.extend(place[colour] for colour in zip(row[0::3], row[1::3], row[2::3], strict=True))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", head),
        (b"PLTE", bytes(part for colour in palette for part in colour)),
        (b"IDAT", zlib.compress(bytes(lines), 9)),
        (b"IEND", b""),
    )
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(picture):
        length, kind = struct.unpack_from(">I4s", picture, at)
        yield kind, picture[at + 8 : at + 8 + length]
        at += 12 + length


def _read(picture: bytes) -> tuple[int, int, list[bytes]]:
    """Return width, height and the rows as RGB."""
    chunks = list(_chunks(picture))
    width, height, depth, kind, _compression, _filter, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if (depth, interlaced) != (8, 0) or kind not in {2, 6}:
        message = "no picture as Chromium makes it"
        raise ValueError(message)
    size = 3 if kind == 2 else 4
    data = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    rows, above, stride = [], bytearray(width * size), width * size
    for number in range(height):
        start = number * (stride + 1)
        row = _unfiltered(data[start], bytearray(data[start + 1 : start + 1 + stride]), above, size)
        above = row
        rows.append(bytes(row) if size == 3 else _without_alpha(row))
    return width, height, rows


def _without_alpha(row: bytearray) -> bytes:
    plain = bytearray(len(row) // 4 * 3)
    for part in range(3):
        plain[part::3] = row[part::4]
    return bytes(plain)


def _unfiltered(kind: int, row: bytearray, above: bytearray, size: int) -> bytearray:
    """Undo the filter of one row: none, left, above, their average, Paeth."""
    if kind == 2:
        return bytearray((one + up) & 255 for one, up in zip(row, above, strict=True))
    for at in range(len(row)) if kind else ():
        left = row[at - size] if at >= size else 0
        up, corner = above[at], above[at - size] if at >= size else 0
        guess = left if kind == 1 else (left + up) // 2 if kind == 3 else _paeth(left, up, corner)
        row[at] = (row[at] + guess) & 255
    return row


def _paeth(left: int, up: int, corner: int) -> int:
    by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


def _palette(counts: Counter[Colour]) -> list[Colour]:
    """Return at most 256 colours: boxes of colours, the widest halved again and again (Heckbert, 1982)."""
    boxes = [list(counts)]
    while len(boxes) < COLOURS:
        widest = max(boxes, key=lambda box: _spread(box)[0] * min(len(box), 50))
        spread, part = _spread(widest)
        if not spread:
            break
        widest.sort(key=lambda colour: colour[part])
        middle = len(widest) // 2
        boxes.remove(widest)
        boxes += [widest[:middle], widest[middle:]]
    # The colour of a box is its most frequent one: large areas keep exactly theirs.
    return [max(box, key=counts.__getitem__) for box in boxes]


def _spread(box: list[Colour]) -> tuple[int, int]:
    """Return how far the colours of a box reach, and in which part."""
    reaches = [(max(parts) - min(parts), part) for part, parts in enumerate(zip(*box, strict=True))]
    return max(reaches)


def _places(counts: Counter[Colour], palette: list[Colour]) -> dict[Colour, int]:
    def nearest(colour: Colour) -> int:
        red, green, blue = colour
        # Weights as the eye has them, roughly: green counts most.
        distances = [3 * (r - red) ** 2 + 4 * (g - green) ** 2 + 2 * (b - blue) ** 2 for r, g, b in palette]
        return distances.index(min(distances))

    return {colour: nearest(colour) for colour in counts}
