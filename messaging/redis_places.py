"""Where Redis is, by the form of REDIS_URL: one server, a master that Sentinels name, or a cluster.

    redis://, rediss://, unix://                             one server
    redis+sentinel://user:password@host:26379,…/SERVICE/DB   who is master is asked of the Sentinels
    redis+cluster://user:password@host:6379,…                a cluster, any of its nodes

rediss+… speaks TLS. What must not live here: what is said over Redis (`wakeups`, `limits`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot
from redis.exceptions import RedisClusterException
from redis.retry import Retry

PLAIN_SCHEMES = frozenset({"redis", "rediss", "unix"})
SENTINEL_PORT, NODE_PORT = 26379, 6379
OPTIONS = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
SENTINEL_OPTIONS = frozenset({"sentinel_username", "sentinel_password"})
ANSWER_SECONDS = 0.5  # of a server whose answer somebody waits for
# Errors of a connection that is to be made anew: nothing here waits longer than its time-out.
FAILURES = (redis.RedisError, RedisClusterException, OSError, ValueError)

type Node = tuple[str, int]
ITSELF: Node = ("", 0)  # the server that the address names, whatever its form


class BadRedisUrl(ValueError):
    """REDIS_URL has none of the known forms; the message does not repeat it, because it may hold a password."""


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """One server."""

    url: str

    def commands(self, *, timeout: float) -> Any:
        """Return a synchronous client that gives up after `timeout` seconds; safe for threads."""
        return redis.Redis.from_url(
            self.url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=_once_again()
        )

    def publish(self, client: Any, channel: str, data: bytes) -> None:
        """Publish with a client that `commands` gave."""
        client.publish(channel, data)

    def channels(self, channel: str) -> tuple[str, ...]:
        """Return the channels over which the traffic of a channel is spread."""
        return (channel,)

    def together(self, keys: Sequence[str]) -> Iterable[Sequence[str]]:
        """Return keys in the parts that one script may touch."""
        return [keys] if keys else []

    async def routes(self, channel: str) -> Mapping[Node, frozenset[str]]:
        """Return which channels are to be heard at which server now."""
        return {ITSELF: frozenset({channel})}

    def listener(self, node: Node, *, timeout: float) -> Any:
        """Return an asynchronous client for one server of `routes`."""
        return redis.asyncio.Redis.from_url(
            self.url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=_never_again()
        )

    async def subscribe(self, pubsub: Any, channels: frozenset[str]) -> None:
        """Ask for channels; each is confirmed by a message of its own."""
        await pubsub.subscribe(*channels)


@dataclass(frozen=True, slots=True)
class SentinelPlace(RedisPlace):
    """A master that Sentinels name; after a fail-over they name another."""

    sentinels: tuple[Node, ...] = ()
    service: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)

    def commands(self, *, timeout: float) -> Any:
        times = _times(timeout)
        sentinel = redis.sentinel.Sentinel(  # type: ignore[no-untyped-call]
            list(self.sentinels), sentinel_kwargs={**self.sentinel_options, **times}, **self.options, **times
        )
        return sentinel.master_for(self.service, retry=_once_again())  # type: ignore[no-untyped-call]

    async def routes(self, channel: str) -> Mapping[Node, frozenset[str]]:
        async with redis.asyncio.sentinel.Sentinel(  # type: ignore[no-untyped-call]
            list(self.sentinels), sentinel_kwargs={**self.sentinel_options, **_times(2)}
        ) as sentinel:
            host, port = await sentinel.discover_master(self.service)
        return {(str(host), int(port)): frozenset({channel})}

    def listener(self, node: Node, *, timeout: float) -> Any:
        return _client_of(node, self.options, timeout=timeout)


@dataclass(frozen=True, slots=True)
class ClusterPlace(RedisPlace):
    """A cluster. What is published goes by sharded channels, each to the master that owns its slot and no other."""

    SHARDS = 16  # more than the masters of a large cluster: each carries its part

    nodes: tuple[Node, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def commands(self, *, timeout: float) -> Any:
        # A master that is lost for a moment takes only its own slots along.
        return RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self.nodes],  # type: ignore[no-untyped-call]
            require_full_coverage=False,
            dynamic_startup_nodes=False,
            **self.options,
            **_times(timeout),
            retry=_once_again(),
        )

    def publish(self, client: Any, channel: str, data: bytes) -> None:
        client.spublish(channel, data)

    def channels(self, channel: str) -> tuple[str, ...]:
        return tuple(f"{channel}:{number}" for number in range(self.SHARDS))

    def together(self, keys: Sequence[str]) -> Iterable[Sequence[str]]:
        return [[key] for key in keys]  # each in a slot of its own

    async def routes(self, channel: str) -> Mapping[Node, frozenset[str]]:
        ranges = await self._slots()
        found: dict[Node, set[str]] = {}
        for one in self.channels(channel):
            slot = key_slot(one.encode())
            owner = next((node for first, last, node in ranges if first <= slot <= last), None)
            if owner is not None:  # of a slot that nobody owns now the heartbeat takes care
                found.setdefault(owner, set()).add(one)
        return {node: frozenset(channels) for node, channels in found.items()}

    async def _slots(self) -> list[tuple[int, int, Node]]:
        """Return first and last slot and master of each range, as a node knows it that sees the whole cluster."""
        problem: Exception = redis.ConnectionError("no node of the cluster answers")
        known: list[tuple[int, int, Node]] = []
        for node in self.nodes:
            try:
                async with _client_of(node, self.options, timeout=2) as client:
                    state = await client.execute_command("CLUSTER INFO")
                    answer = await client.execute_command("CLUSTER SLOTS")
            except FAILURES as error:
                problem = error
                continue
            known = [(int(first), int(last), _address(owner, node)) for first, last, owner, *_ in answer]
            if _is_ok(state):
                return known
        if not known:
            raise problem
        return known

    def listener(self, node: Node, *, timeout: float) -> Any:
        return _client_of(node, self.options, timeout=timeout)

    async def subscribe(self, pubsub: Any, channels: frozenset[str]) -> None:
        for channel in sorted(channels):  # one command may name channels of one slot only
            await pubsub.ssubscribe(channel)


def place_of(url: str) -> RedisPlace:
    """Return where an address leads. Raises BadRedisUrl."""
    scheme, _, rest = url.partition("://")
    if scheme in PLAIN_SCHEMES and rest:
        return RedisPlace(url)
    base, _, kind = scheme.partition("+")
    if base not in {"redis", "rediss"} or kind not in {"sentinel", "cluster"}:
        message = (
            "REDIS_URL is none of redis://, rediss://, unix://, redis+sentinel://host:26379,…/SERVICE, "
            "redis+cluster://host:6379,… (rediss+… with TLS)."
        )
        raise BadRedisUrl(message)
    parts = urlsplit(f"redis://{rest}")
    query = dict(parse_qsl(parts.query))
    account, _, hosts = parts.netloc.rpartition("@")
    options: dict[str, Any] = {name: query[name] for name in OPTIONS & set(query)} | _account(account)
    if base == "rediss":
        options["ssl"] = True
    if (
        unknown := set(query)
        - OPTIONS
        - ({"sentinel_username", "sentinel_password"} if kind == "sentinel" else set())
    ):
        message = f"REDIS_URL has a parameter that is not known: {', '.join(sorted(unknown))}."
        raise BadRedisUrl(message)
    if kind == "cluster":
        if parts.path.strip("/"):
            message = "REDIS_URL names a database of a cluster, which has only one: leave the path out."
            raise BadRedisUrl(message)
        return ClusterPlace(url, nodes=_nodes(hosts, NODE_PORT), options=options)
    service, _, database = parts.path.strip("/").partition("/")
    if not service or (database and not database.isdigit()):
        message = "REDIS_URL names no service of Sentinels: redis+sentinel://host:26379,…/SERVICE, or …/SERVICE/DB."
        raise BadRedisUrl(message)
    own = {"username": query.get("sentinel_username"), "password": query.get("sentinel_password")}
    shared = {name: value for name, value in options.items() if name.startswith("ssl")}
    return SentinelPlace(
        url,
        sentinels=_nodes(hosts, SENTINEL_PORT),
        service=unquote(service),
        options={**options, "db": int(database or 0)},
        sentinel_options={**shared, **{name: value for name, value in own.items() if value}},
    )


def _account(text: str) -> dict[str, str]:
    user, _, password = text.partition(":")
    found = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in found.items() if value}


def _nodes(text: str, port: int) -> tuple[Node, ...]:
    found: list[Node] = []
    for part in filter(None, text.split(",")):
        address = urlsplit(f"redis://{part}")
        try:
            found.append((address.hostname or "", address.port or port))
        except ValueError as error:
            message = "REDIS_URL names a port that is no number from 1 to 65535."
            raise BadRedisUrl(message) from error
    if not found or not all(host for host, _port in found):
        message = "REDIS_URL names no host."
        raise BadRedisUrl(message)
    return tuple(found)


def _client_of(node: Node, options: Mapping[str, Any], *, timeout: float) -> Any:
    return redis.asyncio.Redis(host=node[0], port=node[1], **options, **_times(timeout), retry=_never_again())


def _address(owner: Any, asked: Node) -> Node:
    """Return the address of a master in an answer; a node that does not know its own name was the one asked."""
    host = owner[0].decode() if isinstance(owner[0], bytes) else str(owner[0] or "")
    return (host or asked[0], int(owner[1]))


def _is_ok(state: Any) -> bool:
    if isinstance(state, Mapping):
        return state.get("cluster_state") == "ok"
    text = state.decode() if isinstance(state, bytes) else str(state)
    return "cluster_state:ok" in text


def _times(timeout: float) -> dict[str, Any]:
    return {"socket_timeout": timeout, "socket_connect_timeout": timeout}


def _once_again() -> Retry:
    """Once: a connection that a restarted server has cut is noticed by the first command on it."""
    return Retry(NoBackoff(), 1)


def _never_again() -> AsyncRetry:
    return AsyncRetry(NoBackoff(), 0)
