"""The processes of docker-compose.yml, with its own files, as plain processes: TLS proxy, web, worker, stores."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import redis
import websockets

from cencomm.embedded import EmbeddedPostgres
from tests.cencomm.ports import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
HOST = "cencomm.example.org"
SEARCH = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin"
NGINX, REDIS = shutil.which("nginx", path=SEARCH), shutil.which("redis-server", path=SEARCH)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.redis,
    pytest.mark.skipif(NGINX is None, reason="nginx is not on this machine: apt install nginx-light"),
    pytest.mark.skipif(REDIS is None, reason="redis-server is not on this machine: apt install redis-server"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine"),
]


@dataclass
class Topology:
    """Everything that runs, by the names of docker-compose.yml."""

    folder: Path
    https: int
    http: int
    web: int
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str, **variables: str) -> None:
        log = (self.folder / f"{name}.log").open("wb")
        self.processes[name] = subprocess.Popen(
            command, env={**self.environment, **variables}, stdout=log, stderr=log, cwd="/"
        )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def ask(self, path: str, *, host: str = HOST, **headers: str) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=str(self.folder / "secrets" / "certificate.pem"))
        context.check_hostname = False
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, context=context, timeout=120)
        connection.request("GET", path, headers={"Host": host, **headers})
        return connection.getresponse()


def start_postgres(folder: Path, secrets: Path, port: int) -> EmbeddedPostgres:
    """A PostgreSQL with the configuration and the first script of the compose file, on the loopback address."""
    postgres = EmbeddedPostgres(folder, durable=False)
    postgres._prepare_folders()
    postgres.run_binary(
        "initdb", "-D", str(postgres.cluster), "-U", "postgres", "--auth-local=trust", "--encoding=UTF8",
        "--auth-host=scram-sha-256", "--locale=C.UTF-8", "--no-sync",
    )  # fmt: skip
    configuration = postgres.cluster / "deployed.conf"
    shutil.copy(ROOT / "deploy" / "postgres" / "postgresql.conf", configuration)
    configuration.chmod(0o644)
    options = f"-c config_file={configuration} -c listen_addresses=127.0.0.1 -c port={port} -c shared_buffers=32MB"
    options += f" -c unix_socket_directories={postgres.socket_folder} -c fsync=off"
    where = ("-D", str(postgres.cluster), "-l", str(postgres.log))
    postgres.run_binary("pg_ctl", "start", "-w", *where, "-o", options)
    path = f"{postgres.binaries}:{os.environ['PATH']}"
    subprocess.run(
        [ROOT / "deploy" / "postgres" / "make-databases.sh"],
        env={
            "PATH": path,
            "PGHOST": str(postgres.socket_folder),
            "PGPORT": str(port),
            "CENCOMM_SECRETS": str(secrets),
        },
        check=True,
        capture_output=True,
    )
    return postgres


def point_here(secrets: Path, *, postgres: int, redis_port: int) -> None:
    """Write this machine's ports into the secrets that name the compose file's hosts."""
    for file in secrets.glob("*-url"):
        text = file.read_text().replace("@postgres:5432", f"@127.0.0.1:{postgres}")
        file.write_text(text.replace("@redis:6379", f"@127.0.0.1:{redis_port}"))
    (secrets / "database-url").chmod(0o600)


def write_proxy_configuration(topology: Topology) -> Path:
    """Render the template of the compose file as the proxy's image does, inside a smallest main configuration."""
    secrets = topology.folder / "secrets"
    values = {
        "CENCOMM_UPSTREAM": f"127.0.0.1:{topology.web}",
        "CENCOMM_HTTP_PORT": f"127.0.0.1:{topology.http}",
        "CENCOMM_HTTPS_PORT": f"127.0.0.1:{topology.https}",
        "CENCOMM_HOST": HOST,
        "CENCOMM_CERTIFICATE": str(secrets / "certificate.pem"),
        "CENCOMM_CERTIFICATE_KEY": str(secrets / "certificate-key.pem"),
    }
    template = (ROOT / "deploy" / "nginx" / "cencomm.conf.template").read_text()
    server = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], template)
    (topology.folder / "server.conf").write_text(server)
    temporary = "".join(
        f"{name}_temp_path {topology.folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = topology.folder / "nginx.conf"
    main.write_text(
        f"daemon off; pid {topology.folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ {temporary} include {topology.folder}/server.conf; }}\n"
    )
    return main


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    folder = tmp_path_factory.mktemp("topology")
    secrets, database, redis_port = folder / "secrets", free_port(), free_port()
    maker = [ROOT / "deploy" / "make-secrets", secrets]
    subprocess.run(maker, check=True, capture_output=True, env={**os.environ, "CENCOMM_HOST": HOST})
    point_here(secrets, postgres=database, redis_port=redis_port)
    postgres = start_postgres(folder / "postgres", secrets, database)
    (folder / "keys").mkdir(mode=0o700)
    environment = {
        "PATH": SEARCH,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "cencomm.settings",
        "CENCOMM_DATA": str(folder / "data"),
        "CENCOMM_ROOT_KEY_FILE_PATH": str(folder / "keys" / "root.key"),
        "CENCOMM_KEY_STORE": str(folder / "keys" / "store"),
        "CENCOMM_HOSTS": HOST,
        "CENCOMM_ORIGINS": f"https://{HOST}",
        "CENCOMM_SECRET_KEY_FILE": str(secrets / "secret-key"),
        "DATABASE_URL_FILE": str(secrets / "database-url"),
        "CEN_DATABASE_URL_FILE": str(secrets / "cen-database-url"),
        "REDIS_URL_FILE": str(secrets / "redis-url"),
        "CENCOMM_METRICS_TOKEN_FILE": str(secrets / "metrics-token"),
    }
    running = Topology(folder, free_port(), free_port(), free_port(), environment)
    python = (sys.executable, "-P", "-m", "cencomm")
    try:
        assert REDIS
        assert NGINX
        running.start(
            "redis", REDIS, str(secrets / "redis-configuration"), "--port", str(redis_port), "--bind", "127.0.0.1"
        )
        owners = {
            "CENCOMM_AS_OWNER": "1",
            "DATABASE_URL_FILE": str(secrets / "owner-database-url"),
            "CEN_DATABASE_URL_FILE": str(secrets / "cen-owner-database-url"),
        }
        if os.geteuid() == 0:  # else nobody could be another user than the web process
            running.environment["CENCOMM_KEY_AGENT"] = str(folder / "agent" / "keys.sock")
            agent = ("keys", "agent", "--user", "cencomm-keys")
            running.start("keys", *python, *agent, CENCOMM_KEY_AGENT_ALLOW="0")
        running.start("prepare", *python, "manage", "prepare_databases", **owners)
        assert running.processes["prepare"].wait(300) == 0, running.log("prepare")
        running.start("web", *python, "serve", "--host", "127.0.0.1", "--port", str(running.web))
        running.start("worker", *python, "manage", "work")
        running.start("proxy", NGINX, "-c", str(write_proxy_configuration(running)), "-p", str(folder))
        wait_until(lambda: is_ready(running), what="ready")
        yield running
    finally:
        for process in reversed(running.processes.values()):
            process.terminate()
        for process in running.processes.values():
            process.wait(300)
        postgres.remove()


def is_ready(topology: Topology) -> bool:
    for name in ("web", "worker", "proxy", "redis"):
        assert topology.processes[name].poll() is None, topology.log(name)
    try:
        return topology.ask("/health/ready").status == 200
    except OSError:
        return False


def test_proxy_sends_plain_http_to_https(topology: Topology) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", topology.http, timeout=120)
    connection.request("GET", "/groups/?x=1", headers={"Host": "elsewhere.example"})
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (308, f"https://{HOST}/groups/?x=1")


def test_page_comes_through_tls_with_its_headers(topology: Topology) -> None:
    response = topology.ask("/groups/")
    assert response.status == 302
    assert response.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    assert "uvicorn" not in str(response.headers)


def test_cookies_are_bound_to_the_host_and_to_tls(topology: Topology) -> None:
    response = topology.ask(topology.ask("/groups/").headers["Location"])
    cookies = response.headers.get_all("Set-Cookie") or []
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
        assert "SameSite=Strict" in cookie


def test_another_host_name_is_refused(topology: Topology) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", topology.web, timeout=120)
    connection.request("GET", "/health/ready", headers={"Host": "elsewhere.example"})
    assert connection.getresponse().status == 400


def test_worker_is_alive(topology: Topology) -> None:
    wait_until(lambda: topology.ask("/health/worker").status == 200, what="a worker's heart beat")


def test_health_command_of_the_containers(topology: Topology) -> None:
    command = [sys.executable, "-P", "-m", "cencomm"]
    health = [*command, "health", "--port", str(topology.web)]
    assert subprocess.run(health, env=topology.environment, cwd="/", check=False).returncode == 0
    worker = [*command, "manage", "check_worker"]
    assert subprocess.run(worker, env=topology.environment, cwd="/", check=False).returncode == 0


def test_socket_of_a_stranger_is_refused_through_the_proxy(topology: Topology) -> None:
    context = ssl.create_default_context(cafile=str(topology.folder / "secrets" / "certificate.pem"))

    async def knock() -> None:
        address = f"wss://{HOST}:{topology.https}/ws/v1"
        async with websockets.connect(
            address, ssl=context, host="127.0.0.1", port=topology.https, origin=f"https://{HOST}"
        ) as socket:
            await asyncio.wait_for(socket.recv(), 20)

    with pytest.raises((websockets.InvalidStatus, websockets.ConnectionClosed)):
        asyncio.run(knock())


def test_databases_know_their_application_only_by_password(topology: Topology) -> None:
    address = (topology.folder / "secrets" / "database-url").read_text().strip()
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("cencomm_app",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(re.sub(r":[^:@/]+@", ":wrong@", address))


def test_redis_asks_for_its_password_and_keeps_nothing_on_disk(topology: Topology) -> None:
    address = (topology.folder / "secrets" / "redis-url").read_text().strip()
    with redis.Redis.from_url(address) as client:
        assert client.config_get("save")["save"] == ""
    with redis.Redis.from_url(re.sub(r"//:[^@]+@", "//", address)) as client:
        with pytest.raises(redis.AuthenticationError):
            client.ping()


def test_the_proxy_passes_figures_to_nobody(topology: Topology) -> None:
    token = (topology.folder / "secrets" / "metrics-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert topology.ask("/metrics", **headers).status == 404
    inside = http.client.HTTPConnection("127.0.0.1", topology.web, timeout=120)
    try:
        inside.request("GET", "/metrics", headers=headers)
        answer = inside.getresponse()
        assert (answer.status, b"cencomm_ready 1.0" in answer.read()) == (200, True)
    finally:
        inside.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root another user holds the keys")
def test_web_goes_on_while_its_key_agent_is_gone(topology: Topology) -> None:
    process = topology.processes["keys"]
    process.terminate()
    process.wait(300)
    degraded = {"key-agent"}
    wait_until(lambda: degraded <= set(json.loads(topology.ask("/health/ready").read()).get("degraded", [])))
    assert topology.ask("/health/ready").status == 200
    python = (sys.executable, "-P", "-m", "cencomm")
    topology.start("keys", *python, "keys", "agent", "--user", "cencomm-keys", CENCOMM_KEY_AGENT_ALLOW="0")
    wait_until(lambda: "key-agent" not in json.loads(topology.ask("/health/ready").read()).get("degraded", []))


def test_ready_names_what_is_degraded_when_redis_is_gone(topology: Topology) -> None:
    process = topology.processes["redis"]
    process.terminate()
    process.wait(300)
    wait_until(lambda: "redis" in json.loads(topology.ask("/health/ready").read()).get("degraded", []))
    assert topology.ask("/health/ready").status == 200
    assert topology.ask("/health/live").status == 200
