"""The embedded PostgreSQL: who may reach it, who owns what, and that it opens nobody's home."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cencomm.embedded import DATABASES, ROLES, EmbeddedPostgres, EmbeddedPostgresError
from tests.cencomm.ports import has_ended, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private home, as an officer's laptop has it."""
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def cluster(home: Path) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(home / "data", durable=False)
    postgres.start()
    yield postgres
    postgres.remove()


def ask(address: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]


def test_private_home_stays_private(home: Path, cluster: EmbeddedPostgres) -> None:
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.cluster.stat().st_mode) == 0o700
    way = cluster.socket_folder.stat()
    # As root, web processes pass by root's group: they have none of root's capabilities.
    assert (stat.S_IMODE(way.st_mode), way.st_gid) in {(0o700, os.getegid()), (0o710, 0)}


def test_cluster_listens_on_its_socket_only(cluster: EmbeddedPostgres) -> None:
    assert ask(cluster.addresses.superuser, "SHOW listen_addresses") == [("",)]


def test_cluster_trusts_nobody(cluster: EmbeddedPostgres) -> None:
    rules = ask(cluster.addresses.superuser, "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules")
    assert rules == [("local", "peer")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_is_refused(cluster: EmbeddedPostgres) -> None:
    folders = (cluster.socket_folder, cluster.socket_folder.parent)
    for folder in folders:  # even where the folders' rights were lost
        folder.chmod(0o755)
    try:
        done = subprocess.run(
            [cluster.binaries / "psql", cluster.addresses.superuser, "-c", "SELECT 1"],
            user="nobody",
            group="nogroup",
            extra_groups=[],
            cwd="/",
            env={"LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert done.returncode != 0
    assert "Peer authentication failed" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root another user runs it")
def test_server_does_not_run_as_root(cluster: EmbeddedPostgres) -> None:
    process = int((cluster.cluster / "postmaster.pid").read_text().splitlines()[0])
    assert Path(f"/proc/{process}").stat().st_uid != 0


def test_each_database_belongs_to_its_owner_role(cluster: EmbeddedPostgres) -> None:
    query = "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname IN ('cencomm', 'cen')"
    owners = dict(ask(cluster.addresses.superuser, query))
    assert owners == {name: owner for name, (owner, _application) in DATABASES.items()}


def test_roles_have_no_rights_over_the_server(cluster: EmbeddedPostgres) -> None:
    query = (
        "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolinherit "
        "FROM pg_roles WHERE rolname LIKE 'cen%'"
    )
    assert dict(ask(cluster.addresses.superuser, query)) == dict.fromkeys(ROLES, False)


@pytest.mark.parametrize(("database", "stranger"), [("cencomm", "cen_app"), ("cen", "cencomm_app")])
def test_role_of_one_database_cannot_enter_the_other(
    cluster: EmbeddedPostgres, database: str, stranger: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(cluster.addresses.url(database, stranger))


def test_starting_twice_changes_nothing(cluster: EmbeddedPostgres) -> None:
    before = ask(cluster.addresses.superuser, "SELECT pg_postmaster_start_time()")
    again = EmbeddedPostgres(cluster.data, durable=False)
    again.start()
    assert ask(again.addresses.superuser, "SELECT pg_postmaster_start_time()") == before


def test_deleted_data_folder_does_not_meet_its_old_cluster(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path / "data", durable=False)
    first.start()
    try:
        with psycopg.connect(first.addresses.superuser, autocommit=True) as connection:
            connection.execute("CREATE TABLE sealed_with_a_lost_key ()")
        first.stop()
        (first.data / "postgres-cluster").unlink(missing_ok=True)
        if os.geteuid() != 0:
            pytest.skip("without root the cluster lies inside the data folder")
        second = EmbeddedPostgres(tmp_path / "data", durable=False)
        second.start()
        try:
            assert ask(second.addresses.superuser, "SELECT to_regclass('sealed_with_a_lost_key')") == [(None,)]
        finally:
            second.remove()
    finally:
        first.remove()


def test_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path, durable=False)
    postgres.cluster.mkdir(parents=True)
    (postgres.cluster / "PG_VERSION").write_text("99\n")
    try:
        with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 99"):
            postgres.start()
    finally:
        (postgres.cluster / "PG_VERSION").unlink()
        postgres.remove()


KEEPER = """
import sys, time
from pathlib import Path
from cencomm.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
postgres.start(attached=True)
print((postgres.cluster / "postmaster.pid").read_text().splitlines()[0], flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_attached_server_does_not_outlive_its_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KEEPER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as keeper:
        assert keeper.stdout is not None
        server = int(keeper.stdout.readline())
        keeper.send_signal(signal.SIGKILL)
    wait_until(lambda: has_ended(server))
    EmbeddedPostgres(tmp_path, durable=False).remove()


def test_start_takes_over_a_server_that_was_left(tmp_path: Path) -> None:
    left = EmbeddedPostgres(tmp_path, durable=False)
    left.start()
    keeper = EmbeddedPostgres(tmp_path, durable=False)
    try:
        keeper.start(attached=True)
        assert ask(keeper.addresses.superuser, "SELECT 1") == [(1,)]
        assert not keeper.has_died()
        os.kill(int((keeper.cluster / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
        wait_until(keeper.has_died)
        keeper.start(attached=True)  # after a crash it recovers by itself
        assert ask(keeper.addresses.superuser, "SELECT 1") == [(1,)]
    finally:
        keeper.remove()
