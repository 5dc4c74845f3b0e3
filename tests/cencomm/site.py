"""A product of its own for tests: data folder, cluster, both databases prepared by their owners."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cencomm.attachment import child_environment
from cencomm.data_folder import DataFolder
from cencomm.embedded import EmbeddedPostgres


class Site:
    """One prepared product; `manage` runs a command on it as the application or as the owners."""

    def __init__(self, path: Path) -> None:
        self.folder = DataFolder(path)
        self.folder.prepare()
        self.postgres = EmbeddedPostgres(path, durable=False)
        self.postgres.start()
        self.addresses = self.postgres.addresses

    def environment(self, *, owner: bool = False) -> dict[str, str]:
        given = child_environment(self.folder, self.addresses.environment(owner=owner))
        for name in ("CENCOMM_SECRET_KEY", "REDIS_URL", "PYTEST_CURRENT_TEST"):
            given.pop(name, None)
        return {**given, "CENCOMM_PLAIN_HTTP": "1", **({"CENCOMM_AS_OWNER": "1"} if owner else {})}

    def run(self, *words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of the product's commands to its end."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "cencomm", *words],
            env=environment or self.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    def manage(self, *words: str, owner: bool = False, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command as the application or as the owners."""
        done = self.run("manage", *words, environment=self.environment(owner=owner))
        assert not check or done.returncode == 0, done.stderr
        return done


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A product whose tables were made by `prepare_databases`."""
    assert os.environ["DATABASE_URL"]
    prepared = Site(tmp_path_factory.mktemp("site") / "data")
    try:
        prepared.manage("prepare_databases", "--verbosity", "0", owner=True)
        yield prepared
    finally:
        prepared.postgres.remove()
