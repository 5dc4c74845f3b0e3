"""Archiving is the end of what was said: an older backup of the database opens nothing; copies of keys die."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cencomm.embedded import DATABASES
from tests.cencomm.shredding import PLANTED
from tests.cencomm.site import Site
from tests.vault.bao import Bao, program
from vault import backups

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
OLD = "cencomm_before"


def shredding(site: Site, *words: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cencomm.shredding", *words],
        env={**site.environment(), "CENCOMM_MARKS": str(site.folder.path / "marks-before"), **variables},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def restored(site: Site, dump: Path) -> str:
    """Restore the dump beside the living database; return its address for the application."""
    superuser = site.addresses.superuser
    for command in (f"DROP DATABASE IF EXISTS {OLD}", f"CREATE DATABASE {OLD} OWNER cencomm_owner"):
        site.postgres.run_binary("psql", superuser, "-c", command)
    where = ("-h", str(site.addresses.socket_folder), "-U", "postgres", "-d", OLD)
    site.postgres.run_binary("pg_restore", *where, str(dump))
    site.postgres.run_binary("psql", superuser, "-c", f"GRANT CONNECT ON DATABASE {OLD} TO cencomm_app")
    return site.addresses.url(OLD, DATABASES["cencomm"][1])


@pytest.fixture(params=["file", "transit"])
def keys(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What says where the keys are: in the data folder, or in a store whose root key OpenBao holds."""
    if request.param == "file":
        folder = site.folder.path / "keys"
        yield {"CENCOMM_ROOT_KEY_FILE_PATH": str(folder / "root.key"), "CENCOMM_KEY_STORE": str(folder / "store")}
        return
    if program() is None:
        pytest.skip("OpenBao is not installed")
    service, folder = Bao(tmp_path / "bao"), tmp_path / "with-a-service"
    folder.mkdir(mode=0o700)
    try:
        service.start()
        yield {
            "CENCOMM_ROOT_KEY_URI": service.uri("cencomm", tmp_path),
            "CENCOMM_ROOT_KEY_FILE_PATH": str(folder / "root.key"),
            "CENCOMM_KEY_STORE": str(folder / "store"),
        }
    finally:
        service.stop()


def test_an_older_backup_of_the_database_opens_nothing(site: Site, keys: dict[str, str], tmp_path: Path) -> None:
    group = shredding(site, "fill", **keys)
    before = json.loads(shredding(site, "open", group, **keys))
    assert before["epochs"] == 2
    assert set(before["found"]) == {
        f"{what}:opened" for what in ("message", "reason", "file name", "file key", "file")
    }

    dump = site.postgres.cluster / "before.dump"  # where the cluster's user may write
    where = ("-h", str(site.addresses.socket_folder), "-U", "postgres")
    site.postgres.run_binary("pg_dump", *where, "-Fc", "-f", str(dump), "cencomm")
    store = Path(keys["CENCOMM_KEY_STORE"])
    younger, _contents = backups.back_up(store, tmp_path / "keys", now=time.time() - 20 * 86400)
    older, _contents = backups.back_up(store, tmp_path / "keys", now=time.time() - 36 * 86400)

    shredding(site, "archive", group, **keys)
    address = restored(site, dump)
    after = json.loads(shredding(site, "open", group, **keys, DATABASE_URL=address))

    assert after["phase"] == "operational"  # it is the database of before, where everything was open
    assert after["officers"] > 0
    assert {name.partition(":")[2] for name in after["found"]} == {"key_destroyed"}
    assert sum(after["found"].values()) == sum(before["found"].values())
    assert (after["epochs"], after["audit"], after["clear"]) == (0, False, 0)
    content = dump.read_bytes()
    assert PLANTED.encode() not in content

    # Whoever had kept the keys of then as well could open it: so copies of keys live 35 days, and no longer.
    with_keys = {**keys, "CENCOMM_KEY_STORE": str(tmp_path / "thief" / "store")}
    backups.restore(younger.path, Path(with_keys["CENCOMM_KEY_STORE"]))
    assert json.loads(shredding(site, "open", group, DATABASE_URL=address, **with_keys))["epochs"] == 2
    if "CENCOMM_ROOT_KEY_URI" in keys:  # nobody without the service, however much was copied
        (tmp_path / "token").unlink()
        assert json.loads(shredding(site, "open", group, DATABASE_URL=address, **with_keys))["epochs"] == 0
    with pytest.raises(backups.BackupRefused, match="35 days"):
        backups.restore(older.path, tmp_path / "other")
    assert backups.prune(tmp_path / "keys") == [older.path]
    assert not older.path.exists()
    assert backups.prune(tmp_path / "keys", now=time.time() + 16 * 86400) == [younger.path]
    assert not list((tmp_path / "keys").iterdir())


def test_a_restored_key_of_an_archived_group_stays_destroyed(site: Site, tmp_path: Path) -> None:
    group = shredding(site, "fill")
    saved = site.run("keys", "backup", "--to", str(tmp_path / "copies"))
    assert saved.returncode == 0, saved.stderr
    [copy] = backups.backups_in(tmp_path / "copies")
    assert "It opens only with the root key" in saved.stdout
    assert "That root key lies in the file root.key." in saved.stdout
    shredding(site, "archive", group)
    store = site.folder.path / "keys" / "store"
    key, mark = f"{group.replace('-', '')}.key", f"{group.replace('-', '')}.destroyed"
    assert (store / mark).exists()
    done = site.run("keys", "restore", str(copy.path))
    assert done.returncode == 0, done.stderr
    assert not (store / key).exists()
    (store / mark).unlink()  # the mark is lost with the disk, the database knows all the same
    done = site.run("keys", "restore", str(copy.path))
    assert done.returncode == 0, done.stderr
    assert "1 of them belonged to archived groups and were destroyed again" in done.stdout
    assert not (store / key).exists()
    assert {f"{what}:key_destroyed" for what in ("message", "file")} <= set(
        json.loads(shredding(site, "open", group))["found"]
    )
