"""Draws one picture anew: run as a program of its own, with limits, by `pictures`. Bytes in, bytes out, no files.

Reads the picture from its input. Writes one line of JSON, then the new picture, then a small one. What it does not
understand it refuses by its exit code. It knows nothing of this product: no settings, no keys, no database, no
environment. Before a decoder sees a byte it goes behind the walls of `confinement`: whoever finds a hole in a
decoder has no file, no network, no other process, no right to start one, and few seconds to live.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

CONFINEMENT = Path(__file__).with_name("confinement.py")
PREVIEW_SIDE = 640
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP", "image/heic": "HEIF"}


def load(media_type: str) -> None:
    """Load all that drawing may want to load: behind the walls nothing can be."""
    import copy  # noqa: F401
    import mmap  # noqa: F401

    from PIL import Image, ImageCms, ImageColor, ImageFilter, ImageOps, ImagePalette  # noqa: F401

    if media_type == "image/heic":
        from pi_heif import register_heif_opener  # type: ignore[import-untyped]

        register_heif_opener(thumbnails=False)
    Image.init()


def main() -> int:
    """Draw what comes in: TYPE PIXELS MEMORY SECONDS."""
    media_type, pixels, memory, seconds = sys.argv[1], *map(int, sys.argv[2:5])
    load(media_type)
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = pixels
    walls = runpy.run_path(str(CONFINEMENT))
    threads = media_type == "image/heic"
    walls["limit"](memory, seconds, threads=threads)
    try:
        given = io.BytesIO(sys.stdin.buffer.read())
        walls["confine"](threads=threads)
        picture: Picture = Image.open(given, formats=(FORMATS[media_type],))
        if picture.width * picture.height > pixels:
            return int(walls["TOO_LARGE"])
        picture.load()
        held = [picture]
        del picture
        plain = drawn(held.pop())  # each step lets go of the one before
        content, told = encoded(plain, media_type)
        preview = small(plain)
    except walls["NotConfined"]:
        return int(walls["NOT_CONFINED"])
    except (Image.DecompressionBombError, MemoryError):
        return int(walls["TOO_LARGE"])
    except Exception:  # noqa: BLE001 - whatever a decoder stumbles over: it is no picture for us
        return int(walls["UNREADABLE"])
    head = {
        "media_type": told,
        "width": plain.width,
        "height": plain.height,
        "content": len(content),
        "preview": len(preview),
    }
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + content + preview)
    sys.stdout.buffer.flush()
    return 0


def drawn(picture: Picture) -> Picture:
    """Return the picture upright, in plain colours, as pixels and nothing else."""
    from PIL import Image, ImageCms, ImageOps

    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture) or picture
    del picture
    if upright.mode in {"I;16", "I;16B", "I;16L", "I"}:
        upright = upright.point(lambda value: value / 256).convert("L")
    alpha = upright.mode in {"LA", "PA", "RGBA", "RGBa", "La"} or "transparency" in upright.info
    if profile and upright.mode in {"RGB", "CMYK"}:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            common = ImageCms.createProfile("sRGB")
            upright = ImageCms.profileToProfile(upright, given, common, outputMode="RGB") or upright
    mode = "RGBA" if alpha else "L" if upright.mode in {"1", "L"} else "RGB"
    converted = upright.convert(mode)
    del upright
    plain = Image.new(mode, converted.size)
    plain.paste(converted)
    return plain


def encoded(plain: Picture, media_type: str) -> tuple[bytes, str]:
    """Return the new picture and its type: photographs as JPEG or WebP, everything else as PNG."""
    out = io.BytesIO()
    if media_type in {"image/jpeg", "image/heic"} and plain.mode != "RGBA":
        plain.save(out, "JPEG", quality=90, optimize=False)
        return out.getvalue(), "image/jpeg"
    if media_type == "image/webp" and max(plain.size) <= 16_383:
        plain.save(out, "WEBP", quality=90, method=2)
        return out.getvalue(), "image/webp"
    plain.save(out, "PNG", compress_level=6)
    return out.getvalue(), "image/png"


def small(plain: Picture) -> bytes:
    """Return a small WebP of the picture."""
    from PIL import Image

    out = io.BytesIO()
    preview = plain.copy() if max(plain.size) <= PREVIEW_SIDE else plain
    if preview is plain:
        factor = PREVIEW_SIDE / max(plain.size)
        size = tuple(max(1, round(side * factor)) for side in plain.size)
        preview = plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    preview.convert("RGBA" if preview.mode == "RGBA" else "RGB").save(out, "WEBP", quality=75, method=2)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
