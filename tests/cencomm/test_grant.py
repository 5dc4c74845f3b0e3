"""What the application's roles may do to the tables, and above all what not."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from cencomm import schema
from cencomm.checks import ROLE_QUERY
from cencomm.embedded import DATABASES
from tests.cencomm.site import Site

ENTRY = "INSERT INTO audit_entry (action, subject, details) VALUES ('test:test:done', '', '{}')"


@pytest.fixture
def application(site: Site) -> psycopg.Connection:
    return psycopg.connect(site.addresses.url("cencomm", "cencomm_app"), autocommit=True)


def test_application_reads_and_writes_rows(application: psycopg.Connection) -> None:
    application.execute("INSERT INTO django_session VALUES ('k', 'd', now())")
    assert application.execute("UPDATE django_session SET session_data = 'e'").rowcount == 1
    assert application.execute("DELETE FROM django_session").rowcount == 1


def test_application_adds_to_the_audit_log_and_reads_it(application: psycopg.Connection) -> None:
    application.execute(ENTRY)
    assert application.execute("SELECT count(*) > 0 FROM audit_entry").fetchone() == (True,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'forged'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TABLE audit_entry",
        "SET session_replication_role = replica",
        "CREATE TABLE mine ()",
        "ALTER TABLE django_session ADD COLUMN mine text",
        "TRUNCATE django_session",
        "DROP TABLE django_session",
        "DELETE FROM django_migrations",
        "SET ROLE cencomm_owner",
        "CREATE ROLE mine",
        "COMMENT ON SCHEMA public IS 'forged'",
        "COPY audit_entry TO PROGRAM 'cat'",
    ],
)
def test_application_cannot(application: psycopg.Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        application.execute(statement)


def test_application_cannot_grant_itself_more(application: psycopg.Connection) -> None:
    application.execute("GRANT ALL ON audit_entry TO cencomm_app")  # PostgreSQL warns, and grants nothing
    with pytest.raises(InsufficientPrivilege):
        application.execute("DELETE FROM audit_entry")


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET action = 'forged'", "DELETE FROM audit_entry"])
def test_triggers_stop_the_owner_as_well(site: Site, statement: str) -> None:
    with psycopg.connect(site.addresses.url("cencomm", "cencomm_owner"), autocommit=True) as owner:
        owner.execute(ENTRY)
        with pytest.raises(psycopg.Error):
            owner.execute(statement)


@pytest.mark.parametrize("database", DATABASES)
def test_owner_owns_all_and_the_application_nothing(site: Site, database: str) -> None:
    query = (
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public' "
        "UNION SELECT DISTINCT sequenceowner FROM pg_sequences WHERE schemaname = 'public'"
    )
    owner, _application = DATABASES[database]
    with psycopg.connect(site.addresses.url(database, "postgres")) as connection:
        assert connection.execute(query).fetchall() == [(owner,)]


@pytest.mark.parametrize(
    ("role", "powers"),
    [
        ("cencomm_app", (False, False, False, False)),
        ("cencomm_owner", (False, True, True, True)),
        ("postgres", (True, True, True, True)),
    ],
)
def test_check_sees_how_strong_a_role_is(site: Site, role: str, powers: tuple[bool, ...]) -> None:
    with psycopg.connect(site.addresses.url("cencomm", role)) as connection:
        assert connection.execute(ROLE_QUERY.replace("%%", "%")).fetchone() == powers


def test_start_is_refused_with_the_role_of_the_owner(site: Site) -> None:
    strong = {**site.environment(), **site.addresses.environment(owner=True)}
    done = site.run("serve", "--port", "1", environment=strong)
    assert done.returncode == 78
    assert "owns or can make tables. Connect as cencomm_app" in done.stderr


def test_granting_again_changes_nothing(site: Site) -> None:
    query = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    with psycopg.connect(site.addresses.url("cencomm", "postgres"), autocommit=True) as connection:
        before = connection.execute(query).fetchall()
        site.manage("grant_application_roles", owner=True)
        assert connection.execute(query).fetchall() == before


def test_granting_as_the_application_is_refused(site: Site) -> None:
    done = site.manage("grant_application_roles", check=False)
    assert done.returncode != 0
    assert "give the address of the owner role" in done.stderr


def test_stamp_says_whether_the_tables_are_current(site: Site) -> None:
    addresses = [site.addresses.url("cencomm", "cencomm_app"), site.addresses.url("cen", "cen_app")]
    assert schema.is_current(*addresses)
    with psycopg.connect(site.addresses.url("cen", "cen_owner"), autocommit=True) as owner:
        owner.execute("COMMENT ON SCHEMA public IS 'older'")
        assert not schema.is_current(*addresses)
        owner.execute(schema.stamp_statement())
    assert schema.is_current(*addresses)
