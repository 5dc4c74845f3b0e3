"""What an earlier program wrote opens after an upgrade and goes on: messages, keys, sign-ins, transfers, trail."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cencomm.embedded import DATABASES
from tests.cencomm.site import Site

HERE = Path(__file__).resolve().parent
EARLIER = sorted(HERE.glob("*.tar.xz"))
pytestmark = pytest.mark.slow


@pytest.fixture(params=EARLIER, ids=lambda file: file.name.partition(".")[0])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Site, dict[str, Any]]]:
    """A product with the databases and keys of an earlier commit, not yet upgraded, and what that one read."""
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="tar")
    site = Site(tmp_path / "data")
    try:
        for database in DATABASES:
            _load(site, tmp_path / f"{database}.sql", database)
        yield site, json.loads((tmp_path / "said.json").read_text())
    finally:
        site.postgres.remove()


def _load(site: Site, file: Path, database: str) -> None:
    address = f"host={site.addresses.socket_folder} user=postgres dbname={database}"
    with psycopg.connect(address, autocommit=True) as connection:
        # psql's own commands are not for the server.
        said = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("\\"))
        connection.execute(said.encode())
        if database == "cencomm":  # the cluster of that time would have gone on with its numbers
            connection.execute(
                "DO $$ BEGIN WHILE pg_current_xact_id() < (SELECT max(transaction) FROM public.audit_entry)"
                " LOOP COMMIT; END LOOP; END $$"
            )
            # It was made to live 90 days: the test is to live longer.
            connection.execute("UPDATE public.accounts_token SET expires_at = now() + interval '1 day'")


def test_everything_of_an_earlier_program_opens_and_goes_on(earlier: tuple[Site, dict[str, Any]]) -> None:
    site, then = earlier
    site.manage("prepare_databases", "--verbosity", "0", owner=True)
    command = [sys.executable, "-P", str(HERE / "now.py"), then["password"], then["token"]]
    done = subprocess.run(command, env=site.environment(), cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    now = json.loads(done.stdout.splitlines()[-1])

    assert now["missing"] == []
    for code, events in then["events"].items():
        assert [one["type"] for one in events].count("message") >= 1
        assert not [
            lost for told, read in zip(events, now["events"][code], strict=True) for lost in gone(told, read)
        ]
    assert {one["message"]["kind"] for one in then["events"]["HAR3"] if one["type"] == "message"} >= {
        "administrative", "note", "warning", "feedback", "seizure", "sitrep",
    }  # fmt: skip
    for same in ("heads", "epochs", "transfers", "officers"):
        assert now[same] == then[same], same
    assert now["entries"] >= then["entries"] > 0
    assert now["destroyed"]
    assert now["passwords"] == [True, True]
    assert now["authenticators"]
    assert now["token"] == 200
    assert now["equal"]
    assert now["transfers"] > 0
    assert now["found"] > 0
    assert now["seqs"] == [then["heads"]["HAR3"] + 1, then["heads"]["HAR3"] + 2]
    assert now["sound"], now["findings"]
    assert site.run("audit", "verify").returncode == 0


def gone(told: Any, read: Any, where: str = "") -> list[str]:
    """Return where something that was told then is not read now, or otherwise; what is new does not matter."""
    if isinstance(told, dict) and isinstance(read, dict):
        return [one for name in told for one in gone(told[name], read.get(name), f"{where}.{name}")]
    return [] if told == read else [f"{where}: {told!r} is read as {read!r}"]
