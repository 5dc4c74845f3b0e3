"""Real Redis processes in the shapes that a data centre runs: a master with replicas and Sentinels, a cluster."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from tests.cencomm.ports import PATIENCE, free_port

HOST = "127.0.0.1"
PASSWORD = "quay-lantern-17"
SLOTS = 16384
LONG = 600_000  # milliseconds: a server that this machine keeps waiting is not dead


def wait_for[T](what: str, ask: Callable[[], T], *, seconds: float = PATIENCE) -> T:
    """Return the first true answer; errors of a server that is not there yet are no answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := ask():
                return found
        except (redis.RedisError, OSError):
            pass
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


class RedisServer:
    """One redis-server process; it can be killed and started again."""

    def __init__(self, folder: Path, *settings: str, mode: tuple[str, ...] = ()) -> None:
        self.port = free_port()
        self.folder = folder / f"redis-{self.port}"
        self.folder.mkdir(parents=True)
        self.file = self.folder / "redis.conf"
        common = [f"port {self.port}", f"bind {HOST}", f"dir {self.folder}", 'save ""', "loglevel notice"]
        self.file.write_text("\n".join([*common, *settings]) + "\n")
        self.mode = mode
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", str(self.file), *self.mode], stdout=log, stderr=log, start_new_session=True
            )
        wait_for(f"redis on {self.port}", lambda: self.client().ping())

    def client(self, **options: Any) -> Any:
        if "--sentinel" not in self.mode:
            options.setdefault("password", PASSWORD)
        return redis.Redis(HOST, self.port, socket_timeout=PATIENCE, decode_responses=True, **options)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Watched:
    """A master, a replica, three Sentinels."""

    servers: list[RedisServer] = field(default_factory=list)
    sentinels: list[RedisServer] = field(default_factory=list)

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{hosts}/quay/0"

    def master(self) -> int:
        """Return the port that the first Sentinel names."""
        return int(self.sentinels[0].client().execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "quay")[1])

    def kill_master(self) -> int:
        """Kill the master and wait until another is named; return its port."""
        for one in self.sentinels:  # until now nobody took a master that was slow for a dead one
            one.client().execute_command("SENTINEL", "SET", "quay", "down-after-milliseconds", "2000")
        old = self.master()
        next(one for one in self.servers if one.port == old).kill()
        return wait_for("a promoted replica", lambda: (port := self.master()) != old and port)


@contextmanager
def running_sentinels(folder: Path) -> Iterator[Watched]:
    """Run a master with a replica, watched by three Sentinels that agree quickly."""
    with ExitStack() as stack:
        watched = Watched()
        for _ in range(2):
            own = [f"requirepass {PASSWORD}", f"masterauth {PASSWORD}", "repl-diskless-sync-delay 0"]
            if watched.servers:
                own.append(f"replicaof {HOST} {watched.servers[0].port}")
            one = RedisServer(folder, *own)
            watched.servers.append(one)
            stack.callback(one.kill)
            one.start()
        first, second = watched.servers
        wait_for("a replica", lambda: second.client().info("replication")["master_link_status"] == "up")
        for _ in range(3):
            one = RedisServer(
                folder,
                f"sentinel monitor quay {HOST} {first.port} 2",
                f"sentinel auth-pass quay {PASSWORD}",
                f"sentinel down-after-milliseconds quay {LONG}",
                "sentinel failover-timeout quay 5000",
                mode=("--sentinel",),
            )
            watched.sentinels.append(one)
            stack.callback(one.kill)
            one.start()
        for one in watched.sentinels:
            wait_for("Sentinels that know each other", lambda one=one: _knows_all(one))  # type: ignore[misc]
        yield watched


def _knows_all(sentinel: RedisServer) -> bool:
    state = sentinel.client().sentinel_master("quay")
    return state["num-other-sentinels"] == 2 and state["num-slaves"] == 1


@dataclass
class Cluster:
    """Masters that share the slots, and perhaps a replica of the first."""

    nodes: list[RedisServer] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"redis+cluster://:{PASSWORD}@" + ",".join(f"{HOST}:{one.port}" for one in self.nodes)

    def owner(self, channel: str) -> RedisServer:
        """Return the master of a channel's slot, as the first node that runs knows it."""
        slot = key_slot(channel.encode())
        one = next(one for one in self.nodes if one.process is not None)
        for first, last, node, *_ in one.client().execute_command("CLUSTER SLOTS"):
            if first <= slot <= last:
                return next(found for found in self.nodes if found.port == node[1])
        raise AssertionError(channel)

    def kill(self, one: RedisServer) -> None:
        """Kill a node; from now on the others notice."""
        for node in self.nodes:
            node.client().config_set("cluster-node-timeout", 5000)
        one.kill()

    def move_slot(self, channel: str) -> RedisServer:
        """Give the slot of a channel to another master, as `redis-cli --cluster reshard` does; return that one."""
        slot, old = key_slot(channel.encode()), self.owner(channel)
        new = next(one for one in self.masters() if one is not old)
        old_id, new_id = (one.client().execute_command("CLUSTER MYID") for one in (old, new))
        new.client().execute_command("CLUSTER SETSLOT", slot, "IMPORTING", old_id)
        old.client().execute_command("CLUSTER SETSLOT", slot, "MIGRATING", new_id)
        for one in (new, old):
            one.client().execute_command("CLUSTER SETSLOT", slot, "NODE", new_id)
        return new

    def masters(self) -> list[RedisServer]:
        """Return the nodes that own slots."""
        running = [one for one in self.nodes if one.process is not None]
        return [one for one in running if one.client().info("replication")["role"] == "master"]

    def is_ok(self) -> bool:
        """Whether every node that runs sees a whole cluster."""
        running = [one for one in self.nodes if one.process is not None]
        return all(one.client().execute_command("CLUSTER INFO")["cluster_state"] == "ok" for one in running)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Run three masters that share the slots, each with a replica."""
    with ExitStack() as stack:
        cluster = Cluster()
        for _ in range(6):
            one = RedisServer(
                folder,
                "cluster-enabled yes",
                f"cluster-node-timeout {LONG}",
                "repl-diskless-sync-delay 0",
                f"requirepass {PASSWORD}",
                f"masterauth {PASSWORD}",
            )
            cluster.nodes.append(one)
            stack.callback(one.kill)
            one.start()
        masters, replicas = cluster.nodes[:3], cluster.nodes[3:]
        share = SLOTS // 3
        for number, one in enumerate(masters):
            last = SLOTS - 1 if number == 2 else (number + 1) * share - 1
            one.client().execute_command("CLUSTER ADDSLOTSRANGE", number * share, last)
            one.client().execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for one in cluster.nodes[1:]:
            one.client().execute_command("CLUSTER MEET", HOST, masters[0].port)
        for one in cluster.nodes:
            wait_for("nodes that know each other", lambda one=one: _known_nodes(one) == 6)  # type: ignore[misc]
        for master, replica in zip(masters, replicas, strict=True):
            node = master.client().execute_command("CLUSTER MYID")
            wait_for("a replica", lambda replica=replica, node=node: _replicate(replica, node))  # type: ignore[misc]
        wait_for("a whole cluster", cluster.is_ok)
        for replica in replicas:
            wait_for("replicas in step", lambda replica=replica: _in_step(replica))  # type: ignore[misc]
        yield cluster


def _known_nodes(node: RedisServer) -> int:
    return int(node.client().execute_command("CLUSTER INFO")["cluster_known_nodes"])


def _replicate(replica: RedisServer, master: str) -> bool:
    return bool(replica.client().execute_command("CLUSTER REPLICATE", master))


def _in_step(replica: RedisServer) -> bool:
    return bool(replica.client().info("replication").get("master_link_status") == "up")
