"""The environment of every test, set before Django reads its settings: loaded first with `-p tests.environment`.

A real PostgreSQL of this run's own (no fsync), a data folder of its own, no Redis unless a test starts one.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from cencomm.embedded import EmbeddedPostgres
from cencomm.translations import compile_translations

_folder = Path(tempfile.mkdtemp(prefix="cencomm-test-"))
cluster = EmbeddedPostgres(_folder, durable=False)


def _prepare() -> None:
    compile_translations()
    os.environ["CENCOMM_DATA"] = str(_folder)
    os.environ["CENCOMM_SECRET_KEY"] = "test-" + "x" * 60
    os.environ["CENCOMM_PLAIN_HTTP"] = "1"
    # The cast signs in by authenticator; tests about passkeys ask for them (tests/accounts/conftest.py).
    os.environ["CENCOMM_PASSKEYS"] = "offered"
    os.environ.pop("REDIS_URL", None)
    # A test asks faster than any person; what is asked too often is tested by itself.
    for limit in ("CENCOMM_API_CALLS_PER_MINUTE", "CENCOMM_QUESTIONS_PER_MINUTE", "CENCOMM_INVITATIONS_PER_HOUR"):
        os.environ[limit] = "1000000"
    addresses = cluster.start()
    # Tests make and drop databases and truncate them between runs: they connect as the cluster's superuser.
    os.environ["DATABASE_URL"] = addresses.url("cencomm", "postgres")
    os.environ["CEN_DATABASE_URL"] = addresses.url("cen", "postgres")


_prepare()


def pytest_unconfigure() -> None:
    """Take everything away again; who writes into the folder stops first."""
    if slots := sys.modules.get("cencomm.metrics.slots"):
        slots.stop_sharing()
    cluster.remove()
    shutil.rmtree(_folder, ignore_errors=True)
