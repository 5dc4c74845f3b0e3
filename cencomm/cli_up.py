"""`bin/cencomm up`: database, web and worker on this machine, from nothing to ready, and cleanly down again."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from cencomm import schema
from cencomm.attachment import addresses_in, child_environment, is_external, owner_addresses, python_command
from cencomm.cli_errors import CommandRefused
from cencomm.cli_health import health_answer
from cencomm.data_folder import ROOT, DataFolder, write_private
from cencomm.embedded import EmbeddedPostgres, EmbeddedPostgresError
from cencomm.fleet import RESTART_SIGNAL, Fleet, RestartAsked, note_restart
from cencomm.key_site import replace_agent, running_agent
from cencomm.orphans import die_with_parent
from cencomm.progress import say, step
from cencomm.supervisor import Supervisor
from cencomm.translations import compile_translations, stale_translations
from cencomm.waiting import patience

READY_WITHIN_SECONDS = 120
DEMO_COMMAND = ROOT / "cencomm" / "management" / "commands" / "load_demo.py"
UNSAFE = 78  # what `serve` ends with when a check refuses the start
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping(BaseException):
    """Somebody asked this process to stop."""


@dataclass(slots=True)
class Site:
    """What `up` runs: where, for whom, on which databases."""

    host: str
    port: int
    folder: DataFolder
    postgres: EmbeddedPostgres | None
    environment: dict[str, str]
    agent: Supervisor | None = None

    @property
    def url(self) -> str:
        """The address that a browser on this machine takes."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def run_up(options: argparse.Namespace) -> int:
    """Prepare and run everything until a signal; the exit code says whether it went well."""
    check_exposure(options)
    folder = DataFolder(options.data)
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    signal.signal(RESTART_SIGNAL, signal.SIG_IGN)  # until there is something to restart
    try:
        with ExitStack() as stack:
            new = folder.prepare()
            if stack.enter_context(folder.locked("up")):
                say("The last run ended without stopping cleanly; taking its data folder over.")
            listener = stack.enter_context(open_listener(options.host, options.port))
            say(f"CENcomm's data folder: {folder.path}")
            site = stack.enter_context(databases(options, folder))
            site.agent = stack.enter_context(running_agent(folder.path, folder.logs, site.environment, say))
            prepare(site, new=new, demo=not options.no_demo)
            run_processes(site, listener, workers=options.workers)
    except Stopping:
        say("CENcomm has stopped.")
    return 0


def _stop(_number: int, _frame: object) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # once is enough: what follows is bounded in time
    raise Stopping


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(options: argparse.Namespace) -> None:
    """Refuse to show to a network what is meant for one machine."""
    if options.workers < 1:
        message = "There is at least one web process: --workers 1."
        raise CommandRefused(message, code=64)
    if is_loopback(options.host):
        return
    if not os.environ.get("CENCOMM_HOSTS"):
        message = (
            f"{options.host} can be reached from other machines. Set CENCOMM_HOSTS to the name that officers use, "
            "put a proxy with TLS in front (docs/operations.md), and start again; or listen on 127.0.0.1."
        )
        raise CommandRefused(message, code=UNSAFE)
    if not options.no_demo:
        message = "The demo's passwords are public: on an address that others can reach, start with --no-demo."
        raise CommandRefused(message, code=UNSAFE)


@contextmanager
def open_listener(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on the port for the web processes to come: it stays taken while one is restarted."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        message = f"{host} is no address of this machine: give another --host."
        raise CommandRefused(message, code=68) from error
    with socket.socket(address[0], socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address[4])
        except OSError as error:
            raise CommandRefused(_why_not(host, port, error), code=69) from error
        listener.listen(2048)
        listener.set_inheritable(True)
        yield listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8000
        return f"Port {port} on {host} is taken by another program: stop it, or choose another: --port {other}."
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}: choose one above 1024, as with --port 8000."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: give another --host."
    return f"Port {port} on {host} cannot be listened on: {error.strerror}."


@contextmanager
def databases(options: argparse.Namespace, folder: DataFolder) -> Iterator[Site]:
    """Run the embedded PostgreSQL while the block runs, or take the databases that the environment names."""
    postgres = None if is_external() else EmbeddedPostgres(folder.path)
    addresses: Mapping[str, str] = {}
    try:
        if postgres is not None:
            if folder.is_new and folder.loading_file.exists():
                say("The first start did not finish loading the demo; beginning anew.")
                postgres.remove()  # nothing but a part of the demo was ever in it
                folder.loading_file.unlink()
                postgres = EmbeddedPostgres(folder.path)
            with step("Starting the database"):
                addresses = postgres.start(attached=True).environment()
        environment = child_environment(folder, addresses)
        if is_loopback(options.host):
            environment.setdefault("CENCOMM_PLAIN_HTTP", "1")
        site = Site(options.host, options.port, folder, postgres, environment)
        environment.setdefault("CENCOMM_CANARY_URL", site.url)
        if relay := folder.relay():
            environment.setdefault("CENCOMM_RELAY", str(relay))
        yield site
    finally:
        if postgres is not None and postgres.is_running():
            with step("Stopping the database"):
                postgres.stop()


def tables_are_current(site: Site) -> bool:
    """Whether the databases hold this program's tables; waits a while for databases that start at the same time."""
    patient_until = time.monotonic() + (60.0 if (told := patience()) is None else told)
    said = False
    while True:
        try:
            return schema.is_current(*addresses_in(site.environment))
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            if site.postgres is not None or time.monotonic() >= patient_until:
                message = f"A database does not answer: {reason}. Does it run, is its address right?"
                raise CommandRefused(message, code=69) from error
        if not said:
            say(f"Waiting for the databases: {reason}")
            said = True
        time.sleep(0.5)


def prepare(site: Site, *, new: bool, demo: bool) -> None:
    """Bring translations, tables and, in a new folder, the demo to where the program is."""
    if stale_translations():
        with step("Compiling the translations"):
            compile_translations()
    owner = site.postgres.addresses.environment(owner=True) if site.postgres else owner_addresses()
    if not tables_are_current(site):
        if len(owner) < 2:
            message = (
                "The databases need this program's tables, and only their owners may make them: set "
                "CENCOMM_OWNER_DATABASE_URL and CEN_OWNER_DATABASE_URL, or run `manage prepare_databases` as owner."
            )
            raise CommandRefused(message, code=UNSAFE)
        with step("Preparing the tables"):
            run_manage(site, "prepare_databases", "--verbosity", "0", extra={**owner, "CENCOMM_AS_OWNER": "1"})
    if new and demo and DEMO_COMMAND.exists():
        with step("Loading the demo operation"):
            load_demo(site)
    site.folder.mark_prepared()


def load_demo(site: Site) -> None:
    """Load the invented operation; what the command prints says who may sign in, and is shown at each start."""
    site.environment["CENCOMM_DEMO"] = "1"
    site.folder.loading_file.touch(mode=0o600)
    card = run_manage(site, "load_demo")
    write_private(site.folder.demo_file, card)
    site.folder.loading_file.unlink()


def run_manage(site: Site, *words: str, extra: Mapping[str, str] | None = None) -> str:
    """Run one management command to its end and return what it printed; on failure show its last words."""
    log = site.folder.logs / "prepare.log"
    done = subprocess.run(  # noqa: S603
        python_command("manage", *words),
        env={**site.environment, **(extra or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    write_private(log, done.stderr)
    if done.returncode:
        message = f"`{words[0]}` failed; its last words (all of them are in {log}):\n{done.stderr[-1500:]}"
        raise CommandRefused(message)
    return done.stdout


def run_processes(site: Site, listener: socket.socket, *, workers: int) -> None:
    """Start worker and web, say when they are ready, keep them alive until a signal; then stop them."""
    folder = site.folder
    fleet = Fleet(
        site.host,
        site.port,
        listener.fileno(),
        site.environment,
        folder.path,
        folder.logs,
        say,
        beside=lambda: tend_others(site),
        confined=site.agent is not None,
    )
    asked = RestartAsked()
    signal.signal(RESTART_SIGNAL, asked)
    try:
        with step("Starting web and worker"):
            fleet.start(workers=workers)
            wait_until_ready(site, fleet)
        announce(site)
        while True:
            time.sleep(0.25)
            fleet.supervisor.tend()
            if asked.take():
                restart(site, fleet)
    except Stopping:
        with step("Stopping web and worker"):
            fleet.supervisor.stop()
        raise
    finally:
        fleet.supervisor.stop()


def restart(site: Site, fleet: Fleet) -> None:
    """Replace every process, and note how that went for whoever asked."""
    say("Replacing web and worker, one after the other.")
    try:
        if stale_translations():
            compile_translations()
        if schema.is_current(*addresses_in(site.environment)):
            problem = fleet.restart() or replace_agent(site.agent)
        else:
            problem = "The program's tables have changed: stop it and start it again, which prepares them."
    except psycopg.OperationalError as error:
        problem = f"A database does not answer: {str(error).splitlines()[0]}."
    say(problem or "Every process was replaced.")
    note_restart(site.folder.restart_file, problem)


def tend_others(site: Site) -> None:
    """Look after what is not one of the fleet: the database and the key agent."""
    tend_database(site)
    if site.agent is not None:
        site.agent.tend()


def tend_database(site: Site) -> None:
    """Start the embedded database again when it died; web and worker connect anew by themselves."""
    if site.postgres is None or not site.postgres.has_died():
        return
    say("The database ended; starting it again.")
    try:
        site.postgres.start(attached=True)
    except EmbeddedPostgresError as error:
        say(str(error))
        time.sleep(2)


def wait_until_ready(site: Site, fleet: Fleet) -> None:
    """Return when every web process says that it is ready; refuse when one cannot become so."""
    supervisor = fleet.supervisor
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    answer = ""
    while time.monotonic() < deadline:
        # The listener takes the question before the web process is there to answer it.
        status, answer = health_answer(site.url, site.environment, timeout=2)
        if status == 200 and all(child.is_ready() for child in fleet.web):
            return
        for child in supervisor.children:
            failed = child.process.poll() if child.process else None
            if failed == UNSAFE or child.deaths > 3:
                message = f"The {child.name} process does not start:\n{child.last_words()}"
                raise CommandRefused(message, code=UNSAFE)
        supervisor.tend()
        time.sleep(0.1)
    words = fleet.web[0].last_words()
    message = f"Not ready after {READY_WITHIN_SECONDS} s ({answer or 'no answer'}). The web process said:\n{words}"
    raise CommandRefused(message)


def announce(site: Site) -> None:
    """Say where to go, and with the demo, as whom."""
    say(f"CENcomm is ready at {site.url}")
    if site.environment.get("CENCOMM_DEMO") == "1":
        where = "" if site.folder.path == DataFolder(None).path else f" --data {site.folder.path}"
        for line in site.folder.demo_file.read_text().splitlines():
            say(f"  {line}")
        say(f"  The second factor's current code: bin/cencomm code amina@demo.invalid{where}")
        if site.environment.get("CENCOMM_PASSKEYS") != "required":
            say("  A demonstration: coordinators and administrators need no passkey here, as they do elsewhere.")
    if is_loopback(site.host):
        say(f"  Passkeys belong to a name: to try them, open http://localhost:{site.port}")
    say("Ctrl-C stops it.")
