"""`health`: asks a web process whether it is ready, as `up` does while it waits and containers do all the time."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping

from cencomm.progress import say


def health_answer(url: str, environment: Mapping[str, str], *, timeout: float = 10) -> tuple[int, str]:
    """Ask `/health/ready`; return the status (0: no answer) and what is missing, or else degraded."""
    hosts = [h for h in environment.get("CENCOMM_HOSTS", "").split(",") if h.strip() and "*" not in h]
    address = url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", "/health/ready", headers={"Host": hosts[0].strip().lstrip(".")} if hosts else {})
        response = connection.getresponse()
        body = response.read(4096)
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()
    try:
        told = json.loads(body)
        return response.status, ", ".join(told.get("missing", told.get("degraded", [])))
    except ValueError:
        return response.status, ""


def ask_health(host: str, port: int) -> int:
    """Print whether a web process is ready: for health checks of containers."""
    status, lacking = health_answer(f"http://{host}:{port}", os.environ)
    if status == 200:
        say(f"ready, degraded: {lacking}" if lacking else "ready")
        return 0
    reason = lacking or (f"status {status}" if status else "no answer")
    say(f"not ready: {reason}")
    return 1
