"""How each fault of a plan is done to a site, and undone. Every one is real: signals, sockets, a disk, a lock.

What must not live here: when (`plan`), what follows from it (`checks`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg

from tests.faults.client import Client
from tests.faults.plan import Fault
from tests.faults.proxy import FaultProxy, Weather
from tests.faults.site import Site

CLOCK_STEPS = (-7200, -600, -5, 5, 600, 7200)
FAILED = (OSError, psycopg.Error)  # a fault on top of a fault may find nothing to hurt


class Injuries:
    """Does the faults. `done` counts what was really done, `failed` what found nothing left to hurt."""

    def __init__(self, site: Site, clients: Sequence[Client], *, seed: int) -> None:
        self.site = site
        self.clients = clients
        self.rng = random.Random(f"injuries {seed}")
        self._disk = asyncio.Lock()  # one fault of the disk at a time: none fills a disk that is away
        self.done: list[Fault] = []
        self.failed: list[tuple[Fault, str]] = []

    async def run(self, plan: Sequence[Fault]) -> None:
        """Do all of a plan at its times; return when the last is undone."""
        began = asyncio.get_running_loop().time()
        running = []
        for fault in plan:
            await asyncio.sleep(max(0.0, began + fault.at - asyncio.get_running_loop().time()))
            running.append(asyncio.create_task(self.inflict(fault)))
        await asyncio.gather(*running)

    async def inflict(self, fault: Fault) -> None:
        """Do one fault, wait for its end, undo it."""
        try:
            await self._way(fault.name)(fault)
        except FAILED as error:
            self.failed.append((fault, f"{type(error).__name__}: {str(error).strip()[:80]}"))
        else:
            self.done.append(fault)

    def _way(self, name: str) -> Callable[[Fault], Awaitable[None]]:
        for start, work in (
            ("cut_", self._cut),
            ("half_open_", self._weather),
            ("silent_", self._weather),
            ("delay_", self._weather),
            ("throttle_", self._weather),
        ):
            if name.startswith(start):
                return work
        found: Callable[[Fault], Awaitable[None]] = getattr(self, f"_{name}")
        return found

    # -- processes

    async def _kill_web(self, fault: Fault) -> None:
        self.site.webs[fault.web].program.kill()

    async def _pause_web(self, fault: Fault) -> None:
        program = self.site.webs[fault.web].program
        program.pause()
        await asyncio.sleep(fault.seconds)
        program.resume()

    async def _kill_postgres(self, _fault: Fault) -> None:
        self.site.postgres.program.kill()

    async def _kill_backend(self, _fault: Fault) -> None:
        """PostgreSQL then ends all the others and recovers from its log."""
        backends = await asyncio.to_thread(self.site.postgres.backends)
        if not backends:
            message = "nobody is connected"
            raise ProcessLookupError(message)
        os.kill(self.rng.choice(backends), signal.SIGKILL)

    async def _end_backends(self, _fault: Fault) -> None:
        await asyncio.to_thread(self.site.postgres.end_backends)

    async def _stop_postgres(self, fault: Fault) -> None:
        await self._hold_down(self.site.postgres.program, fault.seconds)

    async def _kill_redis(self, _fault: Fault) -> None:
        self.site.redis.kill()

    async def _stop_redis(self, fault: Fault) -> None:
        await self._hold_down(self.site.redis, fault.seconds)

    async def _pause_redis(self, fault: Fault) -> None:
        self.site.redis.pause()
        await asyncio.sleep(fault.seconds)
        self.site.redis.resume()

    async def _kill_worker(self, _fault: Fault) -> None:
        if self.site.worker is not None:
            self.site.worker.kill()

    async def _kill_everything(self, _fault: Fault) -> None:
        for program in self.site.programs:
            program.signal(signal.SIGKILL)

    async def _power_cut(self, _fault: Fault) -> None:
        """Everything ends at once, and the database's disk forgets what was not flushed."""
        disk = self.site.disk
        if disk is None or not disk.forgets:
            raise OSError(self.site.why_not["power_cut"])
        postgres = self.site.postgres.program
        async with self._disk:
            postgres.held = True
            try:
                for program in self.site.programs:
                    program.kill_all()
                disk.cut_power()
                await asyncio.to_thread(disk.mend)
            finally:
                postgres.held = False

    async def _hold_down(self, program: Any, seconds: float) -> None:
        program.held = True
        try:
            program.signal(program.stop_signal)
            await asyncio.sleep(seconds)
        finally:
            program.held = False

    async def _storm(self, _fault: Fault) -> None:
        """Everybody is dropped while the database starts again: all come back at once to one that recovers."""
        self.site.postgres.program.kill()
        for web in self.site.webs:
            web.door.cut()
        for client in self.clients:
            client.drop()

    # -- the database's means

    async def _disk_full(self, fault: Fault) -> None:
        disk = self.site.disk
        if disk is None:
            raise OSError(self.site.why_not["disk_full"])
        async with self._disk:
            try:
                await asyncio.to_thread(disk.fill)
                await asyncio.sleep(fault.seconds)
            finally:
                disk.free()

    async def _exhaust_connections(self, fault: Fault) -> None:
        """Others take every connection that the server has, and the application's own are ended."""
        address = self.site.postgres.address("cencomm", "cencomm_app")
        held: list[psycopg.AsyncConnection[Any]] = []
        until = asyncio.get_running_loop().time() + fault.seconds
        try:
            while asyncio.get_running_loop().time() < until:
                try:
                    held.append(await psycopg.AsyncConnection.connect(address))
                except psycopg.OperationalError:
                    mine = [one.info.backend_pid for one in held]
                    await asyncio.to_thread(self._end_others, mine)
                    await asyncio.sleep(0.02)
        finally:
            for one in held:
                await one.close()

    def _end_others(self, mine: list[int]) -> None:
        with contextlib.suppress(psycopg.Error), self.site.postgres.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = 'cencomm_app' AND NOT pid = ANY(%s)",
                [mine],
            )

    async def _hold_groups(self, fault: Fault) -> None:
        """Somebody else holds every group's row, as a long import does."""
        address = f"host={self.site.postgres.sockets} port={self.site.postgres.port} user=postgres dbname=cencomm"
        async with await psycopg.AsyncConnection.connect(address) as connection:
            await connection.execute("SELECT id FROM groups_closedusergroup FOR NO KEY UPDATE")
            await asyncio.sleep(fault.seconds)

    # -- clocks and links

    async def _clock_step(self, fault: Fault) -> None:
        clock = self.site.webs[fault.web].clock
        try:
            clock.write_text(f"{self.rng.choice(CLOCK_STEPS):+d}\n")
            await asyncio.sleep(fault.seconds)
        finally:
            clock.write_text("+0\n")

    async def _cut(self, fault: Fault) -> None:
        self._link(fault).cut()

    async def _weather(self, fault: Fault) -> None:
        link = self._link(fault)
        kinds = {
            "half_open": Weather(half_open=True),
            "silent_up": Weather(silent_up=True),
            "silent_down": Weather(silent_down=True),
            "delay": Weather(delay=0.2),
            "throttle": Weather(bytes_per_second=20_000),
        }
        try:
            link.set_weather(kinds[fault.name.rpartition("_")[0]])
            await asyncio.sleep(fault.seconds)
        finally:
            link.set_weather(Weather())

    def _link(self, fault: Fault) -> FaultProxy:
        web = self.site.webs[fault.web]
        return {"door": web.door, "database": web.database, "redis": web.redis}[fault.name.rpartition("_")[2]]

    def heal(self) -> None:
        """Make sure that nothing is hurt any more."""
        for web in self.site.webs:
            web.clock.write_text("+0\n")
        for proxy in self.site.proxies:
            proxy.set_weather(Weather())
        for program in self.site.programs:
            program.held = False
            program.resume()
        if self.site.disk is not None:
            self.site.disk.free()
