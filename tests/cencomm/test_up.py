"""`bin/cencomm up` as a newcomer runs it: ready, twice, refused in sentences, killed, and cleanly gone."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cencomm.data_folder import LAYOUT, DataFolder
from cencomm.embedded import EmbeddedPostgres
from cencomm.embedded_redis import socket_folder
from cencomm.key_place import agent_socket
from cencomm.privileges import capabilities_of
from tests.cencomm.ports import PATIENCE, ask, free_port, has_ended, processes_on, wait_until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


class Product:
    """One data folder, and the `up` that runs on it."""

    def __init__(self, path: Path) -> None:
        self.data = path / "data"
        self.home = path / "home"
        self.home.mkdir(mode=0o700)
        self.port = free_port()
        self.output = path / "output"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a newcomer's shell holds: a path and an empty home."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}

    def run(
        self, *words: str, port: int | None = None, data: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        more = ["--port", str(port)] if port else []
        command = [ROOT / "bin" / "cencomm", *words, *more, "--data", str(data or self.data)]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def start(self, *words: str) -> None:
        command = [ROOT / "bin" / "cencomm", "up", "--port", str(self.port), "--data", str(self.data), *words]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdout=output, stderr=output
            )
        ready = f"CENcomm is ready at http://127.0.0.1:{self.port}"
        wait_until(lambda: ready in self.said() or self.ended(), what=ready)
        assert ready in self.said(), self.said()

    def said(self) -> str:
        return self.output.read_text()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def ask(self, path: str) -> tuple[int, dict[str, object]]:
        return ask(self.port, path)

    def processes(self) -> dict[int, str]:
        return processes_on(self.data)

    def process_of(self, word: str) -> int:
        """Return the process of that name, once there is one: who lost the database ends, and is started again."""
        found: list[int] = []

        def is_there() -> bool:
            found[:] = [process for process, command in self.processes().items() if f" {word}" in command]
            return bool(found)

        wait_until(is_there, what=word)
        return found[0]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("up"))
    yield made
    if not made.ended():
        made.stop(signal.SIGKILL)
        wait_until(lambda: not made.processes(), what="everything gone")
    EmbeddedPostgres(made.data).remove()


def test_first_start_becomes_ready(product: Product) -> None:
    product.start("--no-demo")
    assert product.ask("/health/live") == (200, {"status": "live"})
    # The worker's first heart beat may come a moment after the web process.
    wait_until(lambda: product.ask("/health/ready") == (200, {"status": "ready"}), what="ready, nothing degraded")
    assert not list(product.home.iterdir())  # an empty home stays empty


def test_second_up_on_the_same_folder_is_refused(product: Product) -> None:
    done = product.run("up", "--no-demo", port=free_port())
    assert done.returncode == 73
    assert re.search(r"already runs on the data folder .* \(process \d+\)", done.stderr)
    assert "Traceback" not in done.stderr


def test_taken_port_is_refused(product: Product, tmp_path: Path) -> None:
    done = product.run("up", "--no-demo", port=product.port, data=tmp_path / "other")
    assert done.returncode == 69
    assert f"Port {product.port} on 127.0.0.1 is taken" in done.stderr


def test_only_the_key_agent_can_use_the_root_key(product: Product) -> None:
    """As root: it is a user of its own, and web and worker have none of root's rights over its files."""
    agent = Path(f"/proc/{product.process_of('keys agent')}")
    keys = product.data / "keys"
    root_key = (keys / "root.key").stat()
    assert stat.S_IMODE(root_key.st_mode) == 0o600
    for word in ("serve", "manage work"):
        process = Path(f"/proc/{product.process_of(word)}")
        given = (process / "environ").read_text()
        assert f"CENCOMM_KEY_AGENT={agent_socket(product.data)}\0" in given
        if os.geteuid() == 0:
            assert capabilities_of(process.name) == 0
            assert root_key.st_uid != status_of(process, "Uid")
    assert status_of(agent, "Uid") == root_key.st_uid == keys.stat().st_uid
    assert status_of(agent, "NoNewPrivs") == 1
    assert "DATABASE_URL=" not in (agent / "environ").read_text()
    record = "".join(file.read_text() for file in (keys / "record").iterdir())
    assert '"what": "create"' in record


def status_of(process: Path, name: str) -> int:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def test_key_agent_that_dies_comes_back_and_nobody_stops_meanwhile(product: Product) -> None:
    first = product.process_of("keys agent")
    os.kill(first, signal.SIGKILL)

    def told() -> bool:
        status, answer = product.ask("/health/ready")
        assert status == 200, answer
        return answer.get("degraded") == ["key-agent"] or product_has_another(first)

    def product_has_another(gone: int) -> bool:
        return any("keys agent" in command and number != gone for number, command in product.processes().items())

    wait_until(told, what="the agent is missed")
    wait_until(lambda: product_has_another(first), what="another agent")
    wait_until(lambda: product.ask("/health/ready") == (200, {"status": "ready"}), what="ready, nothing degraded")
    done = product.run("keys", "status")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Root key [0-9a-f]{16} wraps [1-9]", done.stdout)


def test_commands_attach_to_the_running_product(product: Product) -> None:
    done = product.run("doctor")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Nothing is wrong."), done.stdout
    done = product.run("code", "amina@demo.invalid")
    assert done.returncode == 1
    assert "The demo is not loaded" in done.stderr
    done = product.run("token", "create", "--system", "RILO", "--name", "test")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1].startswith("cen_")


def test_killed_worker_is_started_again(product: Product) -> None:
    before = product.process_of("manage work")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: "The worker process ended (killed by signal 9)" in product.said(), what="a word about it")
    wait_until(lambda: any("manage work" in c for c in product.processes().values()), what="a new worker")
    assert product.process_of("manage work") != before


def test_killed_web_is_started_again_on_its_port(product: Product) -> None:
    web = product.process_of("serve")
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: has_ended(web))
    # The listener is held by `up`: a question in between waits, it is not refused.
    assert product.ask("/health/ready")[0] == 200
    assert "The web process ended (killed by signal 9)" in product.said()


def test_killed_database_is_started_again(product: Product) -> None:
    postgres = EmbeddedPostgres(product.data)
    os.kill(int((postgres.cluster / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    wait_until(lambda: "The database ended" in product.said(), what="a word about it")
    wait_until(lambda: product.ask("/health/ready")[0] == 200, what="ready again")


def test_restart_replaces_every_process(product: Product) -> None:
    before = {product.process_of("serve"), product.process_of("manage work")}
    done = product.run("restart")
    assert (done.returncode, done.stdout) == (0, "Every process was replaced.\n"), done.stderr
    assert not before & set(product.processes())
    assert product.ask("/health/ready")[0] == 200
    assert product.process_of("serve")
    assert product.process_of("manage work")


def test_sigterm_stops_everything(product: Product) -> None:
    assert product.stop() == 0
    assert product.said().rstrip().endswith("CENcomm has stopped.")
    assert not product.processes()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", product.port)) != 0


def test_commands_start_and_stop_the_database_of_a_stopped_product(product: Product) -> None:
    done = product.run("token", "create", "--system", "RILO", "--name", "test")
    assert done.returncode == 0, done.stderr
    assert not product.processes()


def test_restart_of_what_does_not_run_is_refused(product: Product) -> None:
    done = product.run("restart")
    assert done.returncode == 69
    assert "does not run" in done.stderr


def test_second_start_prepares_nothing_again(product: Product) -> None:
    product.start("--workers", "2")
    assert "Preparing the tables" not in product.said()
    assert "Loading the demo" not in product.said()  # the folder is not new any more


@pytest.mark.redis
def test_several_web_processes_have_a_redis_that_only_they_reach(product: Product) -> None:
    commands = list(product.processes().values())
    assert sum(" serve " in command for command in commands) == 2
    assert sum("redis-server" in command for command in commands) == 1
    folder = socket_folder(product.data)
    assert folder.stat().st_mode & 0o077 == 0
    with redis.Redis(unix_socket_path=str(folder / "redis.sock")) as client:
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("save")["save"] == ""


def test_nothing_outlives_a_killed_up(product: Product) -> None:
    product.stop(signal.SIGKILL)
    wait_until(lambda: not product.processes(), what="everything gone")


def test_start_after_a_kill_takes_the_folder_over(product: Product) -> None:
    product.start()
    assert "taking its data folder over" in product.said()
    assert product.ask("/health/ready")[0] == 200
    assert product.stop(signal.SIGINT) == 0
    assert not product.processes()


def test_folder_of_a_newer_version_is_refused(product: Product) -> None:
    DataFolder(product.data).version_file.write_text(f"{LAYOUT + 1}\n")
    done = product.run("up", port=product.port)
    assert done.returncode == 73
    assert "was written by a newer CENcomm" in done.stderr


def test_network_address_without_a_host_name_is_refused(product: Product, tmp_path: Path) -> None:
    done = product.run("up", "--host", "0.0.0.0", port=free_port(), data=tmp_path / "other")  # noqa: S104
    assert done.returncode == 78
    assert "Set CENCOMM_HOSTS" in done.stderr


def test_stop_during_the_first_start_leaves_nothing_running(tmp_path: Path) -> None:
    product = Product(tmp_path)
    command = [ROOT / "bin" / "cencomm", "up", "--port", str(product.port), "--data", str(product.data)]
    with product.output.open("wb") as output:
        product.process = subprocess.Popen(command, env=product.environment, stdout=output, stderr=output)
    wait_until(lambda: "Preparing the tables" in product.said(), what="tables")
    time.sleep(0.2)
    assert product.stop() == 0
    assert not product.processes()
    EmbeddedPostgres(product.data).remove()


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Product]:
    """Somebody who starts for the first time, with the demo."""
    product = Product(tmp_path)
    yield product
    if not product.ended():
        product.stop()
    EmbeddedPostgres(product.data).remove()


def test_first_start_that_was_killed_begins_anew(newcomer: Product) -> None:
    command = [ROOT / "bin" / "cencomm", "up", "--port", str(newcomer.port), "--data", str(newcomer.data)]
    with newcomer.output.open("wb") as output:
        newcomer.process = subprocess.Popen(command, env=newcomer.environment, stdout=output, stderr=output)
    wait_until(lambda: any("load_demo" in command for command in newcomer.processes().values()), what="demo")
    newcomer.stop(signal.SIGKILL)
    wait_until(lambda: not newcomer.processes(), what="everything gone")

    newcomer.start()
    assert "did not finish loading the demo; beginning anew" in newcomer.said()
    assert "amina@demo.invalid" in newcomer.said()
    code = newcomer.run("code", "amina@demo.invalid")
    assert re.fullmatch(r"\d{6}\n", code.stdout), code.stderr
    unknown = newcomer.run("code", "nobody@demo.invalid")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert newcomer.stop() == 0
