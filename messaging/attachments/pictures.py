"""Has a picture drawn anew by a child process that can hurt nobody: `redraw` under limits of memory, time and size.

What comes back is new pixels: place, camera, owner, thumbnails, comments, and whatever was hidden behind or inside
the original are gone. What must not live here: decoding; this process never touches an image with a decoder.
"""

from __future__ import annotations

import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

import orjson
from django.conf import settings

from messaging.attachments.refusing import Reason, Refused
from messaging.attachments.walled import require_sound_end, walled_child

PROGRAM = Path(__file__).with_name("redraw.py")
MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 60
WALL_SECONDS = 180.0
MAX_DRAWN = 128 * 1024 * 1024


class Drawn(NamedTuple):
    """A picture drawn anew, with a small one for lists."""

    media_type: str
    width: int
    height: int
    content: bytes
    preview: bytes


def drawn_anew(original: bytes, media_type: str) -> Drawn:
    """Return the picture that an original shows. Raises Refused; Later where no child can be walled in."""
    pixels = settings.CENCOMM_LIMITS["picture_pixels"]
    with walled_child(PROGRAM, media_type, pixels, MEMORY_BYTES, CPU_SECONDS) as child:
        told, late = _conversation(child, original)
    if len(told) > MAX_DRAWN:
        raise Refused(Reason.TOO_LARGE)
    require_sound_end(child.returncode, late=late, too_much=Reason.TOO_LARGE)
    return _parsed(told)


def _conversation(child: subprocess.Popen[bytes], original: bytes) -> tuple[bytes, bool]:
    """Give the child its picture; return what it says, bounded, and whether it was late."""
    assert child.stdin is not None  # noqa: S101
    assert child.stdout is not None  # noqa: S101
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    clock = threading.Timer(WALL_SECONDS, end)
    giver = threading.Thread(target=_give, args=(child.stdin, original), daemon=True)
    clock.start()
    giver.start()
    try:
        told = child.stdout.read(MAX_DRAWN + 1)
        if len(told) > MAX_DRAWN:
            child.kill()
        child.wait()
    finally:
        child.kill()
        clock.cancel()
        giver.join()
    return told, late.is_set()


def _give(pipe: IO[bytes], original: bytes) -> None:
    with suppress(BrokenPipeError), pipe:
        pipe.write(original)


def _parsed(told: bytes) -> Drawn:
    """Return what the child said; it may have been taken over, so nothing of it is believed but its sizes."""
    line, _, rest = told.partition(b"\n")
    try:
        head = orjson.loads(line)
        content, preview = int(head["content"]), int(head["preview"])
        drawn = Drawn(
            str(head["media_type"]), int(head["width"]), int(head["height"]), rest[:content], rest[content:]
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Refused(Reason.CHECK_FAILED) from None
    known = drawn.media_type in {"image/jpeg", "image/png", "image/webp"}
    if not known or len(drawn.preview) != preview or not content or not preview or drawn.width < 1:
        raise Refused(Reason.CHECK_FAILED)
    return drawn
