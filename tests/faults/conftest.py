"""What the fault suite runs, once for all of its tests: the parts that are wanted, in a process of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest

from cencomm.orphans import die_with_parent
from tests.faults.rehearsal import PARTS
from tests.faults.site import ROOT

LONGEST_SECONDS = 900


@pytest.fixture(scope="session")
def rehearsal(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What came of the night and of each broken build that the collected tests ask for."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on this machine: apt install redis-server")
    names = {item.name for item in request.session.items if item.path.parent.name == "faults"}
    parts = [part for part in PARTS if any(part in name for name in names)]
    given = {name: value for name, value in os.environ.items() if not name.startswith(("CENCOMM_", "CEN_"))}
    given.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.faults.rehearsal", *parts],
        env={**given, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    assert done.returncode == 0, "the rehearsal itself failed: see above"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
