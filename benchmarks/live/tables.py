"""Markdown tables of what benchmarks found, as docs/performance.md holds them, and the table of bars.

What must not live here: measuring. Everything is computed from the objects that `--json` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.live.rounds import OURS

TUTORIAL, EJABBERD = "Channels as in tutorials", "ejabberd"
type Results = Mapping[str, dict[str, Any]]


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return one table; the first column is text, the others are figures."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def rounds_table(found: dict[str, Any]) -> str:
    """The table of `bench fanout`, and of one shape of `bench real`."""
    systems: dict[str, Any] = found["conditions"]["systems"]
    windows = list(systems[OURS]["deliveries_per_second"])
    heads = ["system"]
    for window in windows:
        heads += [f"deliveries/s, {window} in flight", "ours is"]
    heads += ["p50, ms", "p99, ms", "CPU, µs per delivery", "client's core"]
    return markdown(heads, [_rounds_row(name, one, systems[OURS], windows) for name, one in systems.items()])


def _rounds_row(name: str, one: dict[str, Any], ours: dict[str, Any], windows: list[str]) -> list[str]:
    row = [f"**{name}**" if name == OURS else name]
    for window in windows:
        rate = one["deliveries_per_second"][window]["median"]
        row += [f"{rate:,}", _times(ours["deliveries_per_second"][window]["median"], rate) if name != OURS else ""]
    used = one["cpu_microseconds_per_delivery"]
    cpu = used.get("server", 0.0) + used.get("postgres", 0.0)
    times = one["milliseconds"]
    return [*row, f"{times['median']:.1f}", f"{times['p99']:.1f}", f"{cpu:.1f}", f"{one['client_busy']:.0%}"]


def _times(ours: float, theirs: float) -> str:
    if not theirs:
        return "failed"
    ratio = ours / theirs
    return f"{ratio:.1f} ×" if ratio >= 0.95 else f"{ratio:.2f} ×"


def storm_table(found: dict[str, Any]) -> str:
    """The table of `bench storm`."""
    heads = ["system", "seconds", "worst", "refused", "server CPU, s", "database CPU, s", "KiB per socket"]
    keys = ("server_processor_seconds", "database_processor_seconds", "kib_per_socket")
    return markdown(
        heads,
        [
            [name, f"{one['seconds']['median']}", f"{one['seconds']['worst']}", f"{one['refused']}"]
            + [f"{one[key]}" for key in keys]
            for name, one in found["conditions"]["systems"].items()
        ],
    )


def post_table(found: dict[str, Any]) -> str:
    """The table of `bench post`."""
    heads = ["", "median, ms", "p95, ms", "p99, ms", "answered", "refused", "CPU, ms per post"]
    rows = []
    for name, one in found["conditions"]["systems"].items():
        times = [f"{one[share]:.1f}" for share in ("median", "p95", "p99")]
        rows.append([name, *times, f"{one['answered']:,} of {one['posted']:,}", f"{one['refused']}", _cpu(one)])
    return markdown(heads, rows)


def _cpu(one: dict[str, Any]) -> str:
    used = one.get("server_processor_ms_per_post", 0.0) + one.get("database_processor_ms_per_post", 0.0)
    return f"{used:.2f}" if used else ""


def revocation_table(found: dict[str, Any]) -> str:
    """The table of `bench revocation`: with Redis and without, then each cause with Redis."""
    systems: dict[str, Any] = found["conditions"]["systems"]
    rows = {**systems, **systems["with Redis"]["by_cause"]}
    return markdown(
        ["", "count", "median, ms", "p95, ms", "p99, ms", "worst, ms"],
        [
            [name, str(one["count"]), *(f"{one[key]:,.1f}" for key in ("median", "p95", "p99", "max"))]
            for name, one in rows.items()
        ],
    )


def plain_table(found: dict[str, Any]) -> str:
    """Ours and each peer, for benchmarks that have one figure."""
    rows = [[f"**{OURS}**", f"{found['ours']:,}", ""]]
    rows += [[name, f"{value:,}", f"{found['ratios'].get(name, '')}"] for name, value in found["peers"].items()]
    return markdown(["", found["unit"], "ours / this"], rows)


def conditions_line(found: dict[str, Any]) -> str:
    """One line: the command, how long it took, what the machine did."""
    conditions = found["conditions"]
    parts = [f"`{found['command']}`, {found['took_seconds']} s"]
    parts.append("load average " + ", ".join(map(str, conditions["load_average"])))
    if "client_ceiling" in conditions:
        ceiling = ", ".join(f"{value:,} with {name}" for name, value in conditions["client_ceiling"].items())
        parts.append(f"the client's own ceiling {ceiling}")
    if "bare_commit_milliseconds" in conditions:
        commits = ", ".join(f"{one['median']} ms" for one in conditions["bare_commit_milliseconds"])
        parts.append(f"a bare durable insert {commits}")
    for name, why in conditions.get("left_out", {}).items():
        parts.append(f"left out: {name} ({why})")
    return "; ".join(parts) + "\n"


type Bar = tuple[str, str, Callable[[Results], tuple[str, bool] | None]]


def _fanout(results: Results) -> dict[str, Any]:
    systems: dict[str, Any] = results["fanout"]["conditions"]["systems"]
    return systems


def _named(systems: Mapping[str, Any], part: str) -> dict[str, Any]:
    return next(one for name, one in systems.items() if name.startswith(part))


def _rate(one: Mapping[str, Any], window: str) -> float:
    return float(one["deliveries_per_second"][window]["median"])


def _ahead_of_all(results: Results) -> tuple[str, bool]:
    systems = _fanout(results)
    ours = _rate(systems[OURS], "16")
    name, best = max(
        ((name, _rate(one, "16")) for name, one in systems.items() if name != OURS), key=lambda pair: pair[1]
    )
    return f"{_times(ours, best)} the fastest, {name}", ours > best


def _ahead_of_tutorial(results: Results) -> tuple[str, bool]:
    systems = _fanout(results)
    ratio = _rate(systems[OURS], "16") / _rate(_named(systems, TUTORIAL), "16")
    return f"{ratio:.1f} ×", ratio >= 30


def _quicker_than_ejabberd(results: Results) -> tuple[str, bool]:
    systems = _fanout(results)
    ours, peer = systems[OURS]["milliseconds"]["p99"], _named(systems, EJABBERD)["milliseconds"]["p99"]
    return f"{ours:.1f} ms, ejabberd {peer:.1f} ms", ours < peer


def _one_in_flight(results: Results) -> tuple[str, bool]:
    systems = _fanout(results)
    ratio = _rate(systems[OURS], "1") / _rate(_named(systems, EJABBERD), "1")
    return f"{ratio:.1f} ×", ratio >= 2


def _storm(results: Results) -> tuple[str, bool]:
    one = results["storm"]["conditions"]["systems"][OURS]
    return f"{one['seconds']['median']} s, {one['refused']} refused", one["seconds"]["median"] < 4 and not one[
        "refused"
    ]


def _memory(results: Results) -> tuple[str, bool]:
    kib = results["storm"]["conditions"]["systems"][OURS]["kib_per_socket"]
    return f"{kib:.0f} KiB", kib < 60


def _post(results: Results) -> tuple[str, bool]:
    return f"{results['post']['ours']:.1f} ms", results["post"]["ours"] < 20


def _figure(name: str, limit: float, unit: str) -> Callable[[Results], tuple[str, bool]]:
    def told(results: Results) -> tuple[str, bool]:
        ours = results[name]["ours"]
        return f"{ours:,} {unit}", ours < limit

    return told


def _revocation(results: Results) -> tuple[str, bool]:
    one = results["revocation"]["conditions"]["systems"]["with Redis"]
    told = f"p99 {one['p99']:.0f} ms, worst {one['max']:.0f} ms of {one['count']}"
    return told, one["max"] < 1000 and not one["answered_over_http_afterwards"] + one["sockets_that_never_obeyed"]


def _history(results: Results) -> tuple[str, bool]:
    ratio = next(iter(results["history"]["ratios"].values()))
    return f"{ratio:.2f} × the cost in a short one", 0.9 <= ratio <= 1.1


BARS: tuple[tuple[str, str, str, str, Callable[[Results], tuple[str, bool]]], ...] = (
    ("fan-out, N = 200, one core, same run as the peers", "ahead of every peer", "", "fanout", _ahead_of_all),
    ("the same against Channels as in tutorials", "≥ 30 ×", "≥ 100 ×", "fanout", _ahead_of_tutorial),
    (
        "p99 from send to last receipt at 10 msg/s × 200",
        "< ejabberd's",
        "< 10 ms",
        "fanout",
        _quicker_than_ejabberd,
    ),
    ("the same at one message in flight", "≥ 2 × ejabberd", "≥ 3 ×", "fanout", _one_in_flight),
    ("storm of 1,000 members with authentication", "< 4 s, none refused", "< 1 s", "storm", _storm),
    ("memory per socket", "< 60 KiB", "< 20 KiB", "storm", _memory),
    ("cost per message as a history grows", "flat (± 10 %)", "flat", "history", _history),
    ("post, p95, 50 msg/s over 100 groups", "< 20 ms", "< 10 ms", "post", _post),
    ("from a revocation to the last of its sockets, two processes", "< 1 s", "", "revocation", _revocation),
    ("opening a console on 100,000 messages", "< 300 ms", "< 100 ms", "open", _figure("open", 300, "ms")),
    ("search over 100,000 sealed messages", "< 1 s per core", "< 0.5 s", "search", _figure("search", 1, "s")),
)


def bars_table(results: Results) -> str:
    """The table of bars, as far as these results tell."""
    rows = []
    for what, bar, moonshot, name, told in BARS:
        found = results.get(name)
        if found is None or "failed" in found:
            rows.append([what, bar, moonshot, "not measured", ""])
            continue
        try:
            measured, reached = told(results)
        except (KeyError, ValueError, StopIteration, ZeroDivisionError) as error:
            measured, reached = f"not measured ({type(error).__name__})", False
        rows.append([what, bar, moonshot, measured, "yes" if reached else "**no**"])
    return markdown(["what", "bar", "moonshot", "measured", "reached"], rows).replace("---:|", "---|")
