"""Opening the console of a group with a long history: what the server takes until an officer sees all of it.

    bin/cencomm bench open [--size 100000] [--rounds 15] [--json]

What a browser asks for when a console is opened: the page, the newest hundred messages, the counts of the left
pane, and `follow` at the page's position. Told are the time as the client waits, and the processor time of the web
process and of PostgreSQL, which a busy machine disturbs least. The peers are the same product on
the same machine in turn: the same console of a group of a hundred messages. Beside it: the page of the situation,
the list filters, receipts: all of them must not grow with the history.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from benchmarks.live import history, processor, report
from benchmarks.live import site as sites

SMALL = 100
ALL = "opening: all of these"
OPENING = {
    "the page": "/groups/{group}/",
    "the newest hundred messages": "/api/v1/groups/{group}/messages?limit=100",
    "the counts": "/groups/{group}/figures/",
}
_LIST = "/api/v1/groups/{group}/messages?limit=100&"
OTHERS = {
    "the page of the situation": "/groups/{group}/situation/",
    "counts over the API": "/api/v1/groups/{group}/counts",
    "the cards of my groups": "/groups/",
    "list: waiting for us": _LIST + "waiting=true",
    "list: overdue": _LIST + "overdue=true",
    "list: to validate": _LIST + "kind=seizure&status=submitted&standing=true",
    "list: withdrawn warnings (none)": _LIST + "kind=warning&status=withdrawn",
    "list: of one country": _LIST + "country=TG",
    "list: of high priority": _LIST + "priority=immediate&priority=priority",
    "list: mine": _LIST + "mine=true",
    "list: of one hour, long ago": _LIST + "from={hour}&to={hour_after}",
    "list: the oldest page": _LIST + "after=150",
    "events, the newest page": "/api/v1/groups/{group}/events?limit=100",
}


@dataclass(frozen=True, slots=True)
class Group:
    """A group and the session of one of its officers; the position at which its page is made."""

    id: str
    epoch: str
    head: int
    session: str


type Found = dict[int, dict[str, list[float]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both groups and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench open", description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", type=int, default=100_000, help="messages of the large group")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    servers, client = sites.split_cores()
    os.sched_setaffinity(0, servers)
    with sites.database() as site:
        began = time.perf_counter()
        groups = {size: _group(number, size) for number, size in enumerate((SMALL, options.size))}
        filled = time.perf_counter() - began
        _tidy(site)
        with sites.web_process(site) as port:
            os.sched_setaffinity(0, client)
            assert site.process is not None
            meter = Meter(port, site.process.pid, site.databases.process_id())
            found = _measure(meter, groups, options.rounds)
            _others(meter, groups, options.rounds, found)
    _tell(found, options, filled)
    return 0


def _group(number: int, size: int) -> Group:
    """Fill a group; its officer is signed in as a browser is."""
    group, people = history.make_group(number)
    history.Filler(group, people, size=size).fill(size)
    member = people.members[1]
    group.refresh_from_db()
    return Group(str(group.pk), str(group.stream_epoch), group.head, sites.session_of(member.officer))


def _tidy(site: sites.Site) -> None:
    """Let PostgreSQL know its tables, as it does by itself after a while."""
    import psycopg

    with psycopg.connect(site.addresses.url("cencomm", "postgres"), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


class Meter:
    """Asks a web process and tells what an answer took: as the client waits, and of the processor."""

    def __init__(self, port: int, web: int, database: int) -> None:
        self.port = port
        self.processes = (web, database)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path: str, session: str) -> tuple[float, int]:
        """Return the milliseconds until the whole answer is here, and its bytes."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers={"Cookie": sites.cookie_of(session)})
        answer = self._connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            message = f"{path}: {answer.status}"
            raise RuntimeError(message)
        return took, len(body)

    def placed(self, group: Group) -> Group:
        """Return the group with its position as the web process, now that it runs, tells it to a page."""
        headers = {"Cookie": sites.cookie_of(group.session)}
        self._connection.request("GET", f"/api/v1/groups/{group.id}", headers=headers)
        told = json.loads(self._connection.getresponse().read())
        return replace(group, epoch=told["epoch"], head=told["head"])

    def follow(self, group: Group) -> tuple[float, int]:
        """Return the milliseconds from connecting until the server says `caught_up`, and the bytes until then."""
        from websockets.sync.client import connect

        began = time.perf_counter()
        headers = {"Cookie": sites.cookie_of(group.session), "Origin": f"http://127.0.0.1:{self.port}"}
        said = {"op": "follow", "groups": {group.id: {"epoch": group.epoch, "after": group.head}}}
        size = 0
        with connect(
            f"ws://127.0.0.1:{self.port}/ws/v1", additional_headers=headers, subprotocols=["cencomm.v1"],  # type: ignore[list-item]
            compression=None,
        ) as socket:  # fmt: skip
            socket.send(json.dumps(said))
            while True:
                frame = socket.recv(60)
                size += len(frame)
                if '"restart"' in str(frame):
                    message = "the server does not know this position"
                    raise RuntimeError(message)
                if '"caught_up"' in str(frame):
                    return (time.perf_counter() - began) * 1000, size

    def used(self) -> float:
        """Return the processor milliseconds of web process and database so far."""
        return sum(processor.of_tree(one) for one in self.processes) * 1000


def _measure(meter: Meter, groups: dict[int, Group], rounds: int) -> Found:
    """Open both consoles in turn, so that whatever the machine does falls on both."""
    waits: Found = {}
    groups |= {size: meter.placed(group) for size, group in groups.items()}
    for _ in range(3):  # caches, plans, files
        for size, group in groups.items():
            _open(meter, group, waits.setdefault(size, {}))
    waits = {size: {} for size in groups}
    for _ in range(rounds):
        for size, group in groups.items():
            _open(meter, group, waits[size])
    for size, group in groups.items():
        before = meter.used()
        for _ in range(rounds):
            _open(meter, group, {})
        waits[size]["processor time of opening"] = [(meter.used() - before) / rounds]
    return waits


def _open(meter: Meter, group: Group, waits: dict[str, list[float]]) -> None:
    """Do what a browser does when a console is opened."""
    steps: dict[str, Callable[[], tuple[float, int]]] = {
        name: lambda path=path: meter.get(path.format(group=group.id), group.session)  # type: ignore[misc]
        for name, path in OPENING.items()
    }
    steps["follow"] = lambda: meter.follow(group)
    total = 0.0
    for name, step in steps.items():
        took, _size = step()
        waits.setdefault(name, []).append(took)
        total += took
    waits.setdefault(ALL, []).append(total)


def _others(meter: Meter, groups: dict[int, Group], rounds: int, waits: Found) -> None:
    """Visit what else an officer looks at: none of it may grow with the history."""
    hour = datetime.now(tz=UTC) - timedelta(days=history.DAYS - 1)
    between = {
        "hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}",
        "hour_after": f"{hour + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    for name, path in OTHERS.items():
        for _ in range(rounds):
            for size, group in groups.items():
                took, _size = meter.get(path.format(group=group.id, **between), group.session)
                waits[size].setdefault(name, []).append(took)


def _tell(found: Found, options: argparse.Namespace, filled: float) -> None:
    medians = {size: {name: statistics.median(values) for name, values in of.items()} for size, of in found.items()}
    ours, peer = medians[options.size], medians[SMALL]
    told = {str(size): {name: round(value, 1) for name, value in of.items()} for size, of in medians.items()}
    if options.json:
        report.print_json(
            report.result(
                ours=ours[ALL],
                peers={f"the same, {SMALL} messages": peer[ALL]},
                unit=f"ms until a console of {options.size} messages is open and follows, median",
                conditions=report.conditions(
                    filled_seconds=round(filled, 1), rounds=options.rounds,
                    milliseconds=told,
                ),
            )
        )  # fmt: skip
        return
    print(f"{'milliseconds, median':52} {options.size:>10} {SMALL:>10} {'ratio':>6}")
    for name, value in ours.items():
        print(f"{name:52} {value:10.1f} {peer[name]:10.1f} {value / max(peer[name], 0.001):6.1f}")
    print(f"{options.rounds} rounds; filled in {filled:.0f} s; load average", end=" ")
    print(", ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    sys.exit(main())
