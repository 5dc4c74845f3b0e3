"""A site under test: PostgreSQL with fsync, Redis, web processes, a worker, and a fault proxy on every link.

    clients → proxy → web n → proxy → PostgreSQL
                      web n → proxy → Redis, over TLS where openssl is there

What must not live here: what goes wrong (`injuries`), who speaks (`client`), what is right (`checks`).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cencomm.ports import PATIENCE, free_port
from tests.faults.certificate import Certificate, make_certificate
from tests.faults.disk import SmallDisk, make_small_disk
from tests.faults.postgres import Postgres
from tests.faults.program import Program
from tests.faults.proxy import FaultProxy
from tests.faults.sockets import ask

ROOT = Path(__file__).resolve().parent.parent.parent
HEARTBEAT = 2
METRICS_TOKEN = "drill-" + "m" * 40


@dataclass(eq=False)
class Web:
    """One web process and the links around it."""

    program: Program
    port: int
    door: FaultProxy  # clients → web
    database: FaultProxy
    redis: FaultProxy
    clock: Path


class Site:
    """Everything that runs. `why_not`: faults that this machine cannot have, and why."""

    def __init__(
        self,
        folder: Path,
        *,
        webs: int = 2,
        disk_mib: int = 512,
        proxied: bool = True,
        **environment: str,
    ) -> None:
        self.folder = folder
        self.webs: list[Web] = []
        self.why_not: dict[str, str] = {}
        self.proxied = proxied  # without, everybody is reached directly: a soak measures the product, not us
        self._count = webs
        self._more = environment
        folder.chmod(0o755)
        disk = make_small_disk(folder / "disk", mib=disk_mib) if disk_mib else "no small disk was asked for"
        self.disk = disk if isinstance(disk, SmallDisk) else None
        if self.disk is None:
            self.why_not["disk_full"] = str(disk)
        if self.disk is None or not self.disk.forgets:
            self.why_not["power_cut"] = "only an ext4 of its own can be told to forget what was not flushed"
        self.postgres = Postgres(folder, self.disk.path if self.disk else folder)
        self.redis_port = free_port()
        self.certificate = make_certificate(folder)
        self.redis = self._program("redis", self._redis_command(), dict(os.environ))
        self.worker: Program | None = None
        self._tending: asyncio.Task[None] | None = None

    # -- start and end

    async def start(self, *, groups: int, officers: int) -> dict[str, Any]:
        """Start everything; return the people (`cast`)."""
        self.postgres.make()
        self.redis.start()
        owner = {"CENCOMM_AS_OWNER": "1", **self._databases(self.postgres.port, owner=True)}
        self._run("-m", "cencomm", "manage", "prepare_databases", "--verbosity", "0", **owner)
        wanted = ("--groups", str(groups), "--officers", str(officers))
        said = self._run("-m", "tests.faults.cast", *wanted, **self._databases(self.postgres.port))
        people: dict[str, Any] = json.loads(said.splitlines()[-1])
        for number in range(self._count):
            self.webs.append(await self._web(number))
        work = [sys.executable, "-P", "-m", "cencomm", "manage", "procrastinate", "worker", "--concurrency", "2"]
        variables = self._environment(self._databases(self.postgres.port), redis=self.redis_port)
        self.worker = self._program("worker", work, variables)
        self.worker.start()
        self._tending = asyncio.create_task(self._tend())
        await self.until_ready(seconds=PATIENCE)
        await self.note_epochs(people)
        return people

    async def note_epochs(self, people: dict[str, Any]) -> None:
        """Take the epochs of the groups as the product tells them, now that it runs."""
        for who, groups in (("coordinator", people["groups"]), ("outsider", [people["elsewhere"]])):
            headers = {"Authorization": f"Bearer {people['people'][who]['token']}"}
            answer = await ask(self.webs[0].port, "GET", "/api/v1/groups", headers=headers, seconds=PATIENCE)
            epochs = {one["id"]: one["epoch"] for one in answer.body["groups"]}
            for group in groups:
                group["epoch"] = epochs[group["id"]]

    async def relaunch(self, launcher: Sequence[str], *, webs: int, **environment: str) -> None:
        """Start the first so many web processes anew, by another launcher and with other variables."""
        chosen = self.webs[:webs]
        for web in chosen:
            web.program.command = self._web_command(launcher, web.port)
            web.program.environment = {**self._web_environment(web), **environment}
            web.program.kill()
        await self.until_ready(seconds=PATIENCE, webs=chosen)

    async def until_ready(self, *, seconds: float, webs: Sequence[Web] = ()) -> None:
        """Return once every web process says that it lacks nothing."""
        deadline = time.monotonic() + seconds
        for web in webs or self.webs:
            while not await self._is_ready(web):
                if time.monotonic() > deadline or web.program.starts > 20:
                    message = f"{web.program.name} is not ready: {web.program.last_words()}"
                    raise TimeoutError(message)
                await asyncio.sleep(0.1)

    async def _is_ready(self, web: Web) -> bool:
        try:
            return (await ask(web.port, "GET", "/health/ready", headers={}, seconds=5)).status == 200
        except (OSError, TimeoutError):
            return False

    async def stop(self) -> None:
        """End everything and take the disk away."""
        if self._tending is not None:
            self._tending.cancel()
        for program in reversed(self.programs):
            program.held = True
        for program in reversed(self.programs):
            await asyncio.to_thread(program.stop)
        for proxy in self.proxies:
            await proxy.stop()
        if self.disk is not None:
            self.disk.unmount()

    @property
    def programs(self) -> list[Program]:
        """Every process, in the order of its start."""
        worker = [self.worker] if self.worker else []
        return [self.postgres.program, self.redis, *(web.program for web in self.webs), *worker]

    @property
    def proxies(self) -> list[FaultProxy]:
        """Every link that can be hurt."""
        return [proxy for web in self.webs for proxy in (web.door, web.database, web.redis)]

    @property
    def doors(self) -> list[int]:
        """The ports that clients take, one for each web process."""
        return [web.door.port if self.proxied else web.port for web in self.webs]

    async def _tend(self) -> None:
        """Start again what died and is not held down, as a supervisor does."""
        while True:
            for program in self.programs:
                program.tend()
            await asyncio.sleep(0.1)

    # -- what it tells of itself

    async def figure(self, name: str) -> float:
        """Return one of the figures of `/metrics`, of all web processes together."""
        headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        answer = await ask(self.webs[0].port, "GET", "/metrics", headers=headers, seconds=PATIENCE)
        lines = answer.data.decode().splitlines()
        found = [float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        if answer.status != 200 or not found:
            message = f"/metrics answered {answer.status} and tells nothing of {name}"
            raise ConnectionError(message)
        return sum(found)

    async def canary(self, *, seconds: float) -> str:
        """Send a canary in by the first web process's door, as the worker does; return what became of it."""
        send = (
            "import django; django.setup(); from cencomm.canary import flight, record; "
            f"flight.FLIGHT_SECONDS = flight.ARRIVAL_SECONDS = {seconds}; print(record.send_canary())"
        )
        variables = {
            **self._environment(self._databases(self.postgres.port), redis=self.redis_port),
            "CENCOMM_CANARY_URL": f"http://127.0.0.1:{self.doors[0]}",
        }
        said = await asyncio.to_thread(self._run, "-c", send, **variables)
        return said.split()[-1]

    # -- parts

    async def _web(self, number: int) -> Web:
        port = free_port()
        door, database, redis = FaultProxy(port), FaultProxy(self.postgres.port), FaultProxy(self.redis_port)
        for proxy in (door, database, redis):
            await proxy.start()
        clock = self.folder / f"clock-{number}"
        clock.write_text("+0\n")
        program = self._program(
            f"web-{number}", self._web_command(("tests.faults.clocked", str(clock), "serve"), port), {}
        )
        web = Web(program, port, door, database, redis, clock)
        program.environment = self._web_environment(web)
        program.start()
        return web

    def _web_command(self, launcher: Sequence[str], port: int) -> list[str]:
        return [sys.executable, "-P", "-m", *launcher, "--port", str(port)]

    def _web_environment(self, web: Web) -> dict[str, str]:
        database, redis = web.database.port, web.redis.port
        if not self.proxied:
            database, redis = self.postgres.port, self.redis_port
        return self._environment(self._databases(database), redis=redis)

    def _redis_command(self) -> list[str]:
        program = shutil.which("redis-server") or "redis-server"
        where = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        if isinstance(self.certificate, Certificate):
            where[:2] = ["--port", "0", "--tls-port", str(self.redis_port), *self.certificate.redis_settings]
        return [program, *where, "--save", "", "--appendonly", "no"]

    def _redis_url(self, port: int) -> str:
        if isinstance(self.certificate, Certificate):
            return f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={self.certificate.file}"
        return f"redis://127.0.0.1:{port}/0"

    def _program(self, name: str, command: list[str], variables: dict[str, str]) -> Program:
        return Program(name, command, variables, self.folder / f"{name}.log")

    def _databases(self, port: int, *, owner: bool = False) -> dict[str, str]:
        kind = "owner" if owner else "app"
        return {
            "DATABASE_URL": self.postgres.address("cencomm", f"cencomm_{kind}", port=port),
            "CEN_DATABASE_URL": self.postgres.address("cen", f"cen_{kind}", port=port),
        }

    def _environment(self, databases: dict[str, str], *, redis: int) -> dict[str, str]:
        """Return the variables of a process of the product; nothing of ours but where things are."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CENCOMM_", "CEN_"))}
        data = self.folder / "data"
        data.mkdir(exist_ok=True, mode=0o700)
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "cencomm.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "CENCOMM_DATA": str(data),
            "CENCOMM_SECRET_KEY": "drill-" + "x" * 60,
            "CENCOMM_PLAIN_HTTP": "1",
            "CENCOMM_HEARTBEAT": str(HEARTBEAT),
            "CENCOMM_POSTS_PER_MINUTE": "100000",
            "CENCOMM_API_CALLS_PER_MINUTE": "1000000",
            "CENCOMM_SOCKET_ITEMS_PER_SECOND": "1000",
            "CENCOMM_POOL": "10",
            "CENCOMM_METRICS_TOKEN": METRICS_TOKEN,
            "REDIS_URL": self._redis_url(redis),
            **databases,
            **self._more,
        }

    def _run(self, *words: str, **variables: str) -> str:
        environment = {**self._environment({}, redis=self.redis_port), **variables}
        done = subprocess.run(
            [sys.executable, "-P", *words], env=environment, cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode:
            message = f"{' '.join(words[:4])} failed: {done.stderr[-1500:]}"
            raise RuntimeError(message)
        return done.stdout
