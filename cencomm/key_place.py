"""Where the key agent of a data folder listens, and whether one does.

What must not live here: starting it (`key_site`), what it does (`key_agent`).
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from pathlib import Path

VARIABLE = "CENCOMM_KEY_AGENT"


def agent_socket(data: Path) -> Path:
    """Return where the agent of a data folder listens: in it, or below /tmp where that path is too long for one."""
    inside = data / "agent" / "keys.sock"
    if len(str(inside)) < 90:
        return inside
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    return Path(f"/tmp/cencomm-agent-{digest}/keys.sock")  # noqa: S108


def is_ours(folder: Path) -> bool:
    """Whether nobody else can put a socket into this folder: below /tmp anybody may have been there first."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def agent_answers(place: Path) -> bool:
    """Whether an agent of ours listens there."""
    if not is_ours(place.parent):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(2)
        try:
            line.connect(str(place))
        except OSError:
            return False
    return True
