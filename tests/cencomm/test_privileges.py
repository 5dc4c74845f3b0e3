"""System users, as more than one process makes them at the same moment."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cencomm.privileges import _one_at_a_time, system_user


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("useradd") is None, reason="only root makes users")
def test_two_starts_at_once_find_the_same_user() -> None:
    name = f"cencomm-{uuid4().hex[:8]}"
    try:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(system_user, [name] * 4))
        assert found == [pwd.getpwnam(name)] * 4
    finally:
        with _one_at_a_time():  # who takes a user away writes the same file as who makes one
            subprocess.run(["userdel", name], check=False, capture_output=True)


def test_a_user_that_cannot_be_made_is_none() -> None:
    assert system_user("No such: name") is None
