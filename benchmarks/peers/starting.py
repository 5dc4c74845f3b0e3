"""Starts the peers that this machine has; says in a sentence why one is left out. Nothing is installed here.

Names for what is not on PATH: CENCOMM_BENCH_MOSQUITTO, CENCOMM_BENCH_NATS (programmes), NODE_PATH (ws and pg).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from benchmarks.live.site import Site, free_port, running, wait_for_port
from benchmarks.live.wire import Member, MqttMember, NatsMember, SocketMember, Swarm


class Missing(Exception):
    """This peer is not on this machine."""


@dataclass(frozen=True)
class Peer:
    """A system that does the same work: how it is started, how a member of it is made."""

    name: str
    start: Callable[[Site], AbstractContextManager[int]]
    member: Callable[[Swarm], Member]


def _program(variable: str, name: str) -> str:
    found = os.environ.get(variable) or shutil.which(name)
    if not found:
        message = f"{name} is not installed"
        raise Missing(message)
    return found


@contextmanager
def redis(site: Site) -> Iterator[str]:
    """Run a Redis that keeps nothing."""
    port = free_port()
    command = [_program("", "redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running([*command, "--dir", str(site.folder)]) as process:
        wait_for_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"


def _channels(server: str, layer: str) -> Callable[[Site], AbstractContextManager[int]]:
    @contextmanager
    def start(site: Site) -> Iterator[int]:
        port = free_port()
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
                yield port

    return start


@contextmanager
def _node(site: Site) -> Iterator[int]:
    node = _program("", "node")
    probe = [node, "-e", "require('ws'); require('pg')"]
    if subprocess.run(probe, check=False, stderr=subprocess.DEVNULL).returncode:
        message = "Node's packages ws and pg are not installed (NODE_PATH)"
        raise Missing(message)
    port = free_port()
    parts = conninfo_to_dict(site.addresses.url("postgres", "postgres"))
    environment = {
        **os.environ,
        "PORT": str(port),
        "PGHOST": str(parts["host"]),
        "PGUSER": str(parts["user"]),
        "PGDATABASE": str(parts["dbname"]),
        "PGPORT": str(parts.get("port", 5432)),
    }
    command = [node, str(Path(__file__).parent / "node_ws" / "server.js")]
    with (
        open(site.folder / "node.log", "wb") as log,
        running(command, env=environment, log=log) as process,
    ):
        wait_for_port(port, process)
        yield port


@contextmanager
def _mosquitto(site: Site) -> Iterator[int]:
    program = _program("CENCOMM_BENCH_MOSQUITTO", "mosquitto")
    port = free_port()
    folder = site.folder / "mosquitto"
    folder.mkdir(exist_ok=True)
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        "autosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\nmax_inflight_messages 0\n"
        "user root\nlog_type none\n"
    )
    with running([program, "-c", str(config)]) as process:
        wait_for_port(port, process)
        yield port


@contextmanager
def _nats(site: Site) -> Iterator[int]:
    program = _program("CENCOMM_BENCH_NATS", "nats-server")
    port = free_port()
    command = [program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(site.folder / "nats")]
    with running(command) as process:
        wait_for_port(port, process)
        stream = json.dumps({"name": "bench", "subjects": ["t"], "storage": "file"}).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(
                b'CONNECT {"verbose":false}\r\nSUB r 1\r\n'
                + b"PUB $JS.API.STREAM.CREATE.bench r %d\r\n%b\r\n" % (len(stream), stream)
            )
            told = b""
            deadline = time.monotonic() + 5
            while b"stream_create_response" not in told and time.monotonic() < deadline:
                told += wire.recv(65536)
        yield port


PEERS = (
    Peer("Channels as in tutorials: daphne, redis", _channels("daphne", "redis"), SocketMember),
    Peer("Channels on uvicorn, redis pub/sub", _channels("uvicorn", "pubsub"), SocketMember),
    Peer("mosquitto QoS 1, saved each change", _mosquitto, MqttMember),
    Peer("Node ws + PostgreSQL", _node, SocketMember),
    Peer("NATS JetStream on file", _nats, NatsMember),
)
