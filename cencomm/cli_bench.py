"""`bin/cencomm bench NAME …`: runs one benchmark of the folder `benchmarks`; what follows the name goes to it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence

# Name of the command → module with `main(arguments) -> exit code`.
BENCHMARKS = {
    "all": ("benchmarks.bench_all", "all of these in turn, and the table of bars"),
    "fanout": (
        "benchmarks.bench_fanout",
        "one group, everybody connected: deliveries per second, beside the peers",
    ),
    "real": ("benchmarks.bench_real", "the product as it ships: four processes, one group, a hundred, a thousand"),
    "storm": ("benchmarks.bench_storm", "a thousand sockets that come back at once"),
    "open": ("benchmarks.bench_open", "the console of a group with a long history: what opening it takes"),
    "search": ("benchmarks.bench_search", "a search through a sealed history, beside a bare loop"),
    "history": ("benchmarks.bench_history", "what a post costs while the history grows to a million"),
    "revocation": ("benchmarks.bench_revocation", "how soon sockets on two processes obey when an access ends"),
    "post": ("benchmarks.bench_post_live", "the time to the answer of a post, many groups"),
}


def run_bench(words: Sequence[str]) -> int:
    """Run the benchmark that the first word names; without one, say which there are."""
    if not words or words[0] not in BENCHMARKS or importlib.util.find_spec("benchmarks") is None:
        out = sys.stdout if list(words) in ([], ["--help"], ["-h"]) else sys.stderr
        out.write("usage: bin/cencomm bench NAME [--help] [--json] …\n\n")
        for name, (_module, about) in BENCHMARKS.items():
            out.write(f"  {name:10} {about}\n")
        return 0 if out is sys.stdout else 64
    module = importlib.import_module(BENCHMARKS[words[0]][0])
    return int(module.main(list(words[1:])) or 0)
