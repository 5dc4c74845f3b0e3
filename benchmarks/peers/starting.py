"""The peers, how each is started and how a member of it is made; says in a sentence why one is left out.

Names for what is not on PATH: CENCOMM_BENCH_MOSQUITTO, CENCOMM_BENCH_NATS (programmes), NODE_PATH (ws, pg, redis).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from benchmarks.live.protocols import AskingXmppMember, MqttMember, NatsMember, XmppMember
from benchmarks.live.site import Site, redis, running, wait_for_port
from benchmarks.live.wire import AskingSocketMember, Member, SocketMember, Swarm
from benchmarks.peers.programs import Missing, Started, program, said_by
from benchmarks.peers.xmpp import ejabberd, prosody
from tests.cencomm.ports import free_port

INSTALL = (
    "apt-get install --no-install-recommends redis-server ejabberd erlang-p1-pgsql prosody lua-dbi-postgresql "
    "mosquitto nats-server nodejs npm; npm install ws pg redis, and NODE_PATH=…/node_modules"
)

NODE_PACKAGES = """
const {existsSync} = require('fs'), {dirname} = require('path');
const found = (name) => {
  let folder = dirname(require.resolve(name));
  while (!existsSync(folder + '/package.json')) folder = dirname(folder);
  return name + ' ' + require(folder + '/package.json').version;
};
"""


@dataclass(frozen=True)
class Peer:
    """A system that does the same work. `member`: of which swarm, of which group, its number there."""

    name: str
    keeps: str
    start: Callable[[Site], AbstractContextManager[Started]]
    member: Callable[[Swarm, int, int], Member]
    rows: tuple[str, str] | None = None  # database and table, where each message is a row
    receipts: bool = False  # whether its members give receipts, each of which is a row there, too


def _channels(server: str, layer: str) -> Callable[[Site], AbstractContextManager[Started]]:
    @contextmanager
    def start(site: Site) -> Iterator[Started]:
        port = free_port()
        try:
            versions = ", ".join(f"{name} {version(name)}" for name in ("channels", "channels_redis", server))
        except PackageNotFoundError as error:
            raise Missing(str(error)) from error
        program("", "redis-server")
        with redis(site) as url:
            environment = {
                **os.environ,
                "PEER_DATABASE_URL": site.addresses.url("postgres", "postgres"),
                "PEER_REDIS_URL": url,
                "LAYER": layer,
            }
            module = "benchmarks.peers.channels_plain.site"
            subprocess.run(
                [sys.executable, "-c", f"import {module}"],
                env={**environment, "PEER_MAKES_TABLES": "1"}, check=False, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            target = f"{module}:application"
            command = {
                "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", target],
                "uvicorn": ["-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error",
                            "--lifespan", "off", "--no-access-log", target],
            }[server]  # fmt: skip
            with (
                open(site.folder / f"{server}-{layer}.log", "wb") as log,
                running([sys.executable, *command], env=environment, log=log) as process,
            ):
                wait_for_port(port, process)
                yield Started(port, process.pid, versions)

    return start


@contextmanager
def _node(site: Site) -> Iterator[Started]:
    environment, versions = _node_place(site, "ws", "pg")
    with (
        open(site.folder / "node.log", "wb") as log,
        running(_node_command("server.js"), env=environment, log=log) as process,
    ):
        wait_for_port(int(environment["PORT"]), process)
        yield Started(int(environment["PORT"]), process.pid, versions)


def node_with_receipts(processes: int) -> Callable[[Site], AbstractContextManager[Started]]:
    """Start so many processes of it behind one port, with Redis between them."""

    @contextmanager
    def start(site: Site) -> Iterator[Started]:
        environment, versions = _node_place(site, "ws", "pg", "redis")
        program("", "redis-server")
        said = site.folder / "node.log"
        with (
            redis(site) as url,
            open(said, "wb") as log,
            running(
                _node_command("receipts.js"),
                env={**environment, "REDIS_URL": url, "PROCESSES": str(processes)}, log=log,
            ) as process,
        ):  # fmt: skip
            deadline = time.monotonic() + 30
            while b"ready" not in said.read_bytes():  # else those who are first would get all connections
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(said.read_text(errors="replace")[-300:])
                time.sleep(0.05)
            yield Started(int(environment["PORT"]), process.pid, versions)

    return start


def _node_command(name: str) -> list[str]:
    return [program("", "node"), str(Path(__file__).parent / "node_ws" / name)]


def _node_place(site: Site, *packages: str) -> tuple[dict[str, str], str]:
    """Return where it listens and finds its database, and the versions of what it needs."""
    node = program("", "node")
    versions = said_by([node, "-p", NODE_PACKAGES + f"{list(packages)}.map(found).join(', ')"])
    if not versions.startswith("ws "):
        message = f"Node's packages {', '.join(packages)} are not installed (NODE_PATH)"
        raise Missing(message)
    parts = conninfo_to_dict(site.addresses.url("postgres", "postgres"))
    environment = {
        **os.environ,
        "PORT": str(free_port()),
        "PGHOST": str(parts["host"]),
        "PGUSER": str(parts["user"]),
        "PGDATABASE": str(parts["dbname"]),
        "PGPORT": str(parts.get("port", 5432)),
    }
    return environment, f"node {said_by([node, '--version'])}, {versions}"


@contextmanager
def _mosquitto(site: Site) -> Iterator[Started]:
    command = program("CENCOMM_BENCH_MOSQUITTO", "mosquitto")
    port = free_port()
    folder = site.folder / "mosquitto"
    folder.mkdir(exist_ok=True)
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        "autosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\nmax_inflight_messages 0\n"
        "user root\nlog_type none\n"
    )
    with running([command, "-c", str(config)]) as process:
        wait_for_port(port, process)
        yield Started(port, process.pid, said_by([command, "-h"]))


@contextmanager
def _nats(site: Site) -> Iterator[Started]:
    command = program("CENCOMM_BENCH_NATS", "nats-server")
    port = free_port()
    with running([command, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(site.folder / "nats")]) as process:
        wait_for_port(port, process)
        stream = json.dumps({"name": "bench", "subjects": ["t.*"], "storage": "file"}).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(
                b'CONNECT {"verbose":false}\r\nSUB r 1\r\n'
                + b"PUB $JS.API.STREAM.CREATE.bench r %d\r\n%b\r\n" % (len(stream), stream)
            )
            told = b""
            deadline = time.monotonic() + 5
            while b"stream_create_response" not in told and time.monotonic() < deadline:
                told += wire.recv(65536)
        yield Started(port, process.pid, said_by([command, "--version"]))


def _socket(swarm: Swarm, group: int, _number: int) -> SocketMember:
    return SocketMember(swarm, f"/{group}")


COMMIT = "a commit with fsync before it is sent on"
PEERS = (
    Peer("Channels as in tutorials: daphne, redis", COMMIT, _channels("daphne", "redis"), _socket,
         ("postgres", "chat_chat")),
    Peer("Channels on uvicorn, redis pub/sub", COMMIT, _channels("uvicorn", "pubsub"), _socket,
         ("postgres", "chat_chat")),
    Peer("prosody MUC + MAM on PostgreSQL", COMMIT, prosody, XmppMember, ("prosody", "prosodyarchive")),
    Peer("ejabberd MUC + MAM on PostgreSQL", COMMIT, ejabberd, XmppMember, ("ejabberd", "archive")),
    Peer("mosquitto QoS 1, saved each change", "a file, saved after it is sent on", _mosquitto,
         lambda swarm, group, _number: MqttMember(swarm, group)),
    Peer("Node ws + PostgreSQL", COMMIT, _node, _socket, ("postgres", "node_chat")),
    Peer("NATS JetStream on file", "a file, written before, flushed to disk every two minutes", _nats,
         lambda swarm, group, _number: NatsMember(swarm, group)),
)  # fmt: skip


def peers_with_receipts(processes: int) -> tuple[Peer, ...]:
    """Return those that do what ours does in `bench real`: messages that ask for receipts, and who gives them."""
    kept = "a commit with fsync before it is sent on, receipts too"
    return (
        Peer("ejabberd MUC + MAM on PostgreSQL", f"{kept}; one process, as it is made", ejabberd,
             AskingXmppMember, ("ejabberd", "archive"), receipts=True),
        Peer("Node ws + PostgreSQL + Redis", f"{kept}; {processes} processes", node_with_receipts(processes),
             lambda swarm, group, number: AskingSocketMember(swarm, f"/{group}", number),
             ("postgres", "(SELECT FROM node_asked UNION ALL SELECT FROM node_receipt) AS kept"), receipts=True),
    )  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let the command choose among the peers."""
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="peers whose name contains it")
    parser.add_argument("--no-peers", action="store_true", help="measure CENcomm alone")
    parser.epilog = f"The peers on Debian: {INSTALL}"


def start_peers(
    site: Site, stack: ExitStack, options: argparse.Namespace, among: tuple[Peer, ...] = PEERS
) -> tuple[dict[str, tuple[Peer, Started]], dict[str, str]]:
    """Start those that are wanted and there; return them by name, and why each other one is left out."""
    found: dict[str, tuple[Peer, Started]] = {}
    left_out: dict[str, str] = {}
    for peer in () if options.no_peers else among:
        if options.only and not any(part.lower() in peer.name.lower() for part in options.only):
            continue
        try:
            found[peer.name] = (peer, stack.enter_context(peer.start(site)))
        except (Missing, RuntimeError) as why:
            left_out[peer.name] = str(why)
    return found, left_out
