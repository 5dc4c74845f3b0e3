"""Every benchmark command runs, at tiny sizes, and its JSON object has what is promised. No figure is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cencomm.cli_bench import BENCHMARKS

ROOT = Path(__file__).resolve().parent.parent.parent
PROMISED = {"ours", "peers", "unit", "ratios", "conditions"}
ROUNDS = ("--rounds", "1", "--seconds", "0.2", "--no-peers")
TINY = {
    "fanout": ("--members", "4", *ROUNDS),
    "real": ("--shape", "2", "--scale", "0.02", "--processes", "2", *ROUNDS),
    "storm": ("--sockets", "8", "--missed", "2", "--rounds", "1", "--no-peers"),
    "revocation": ("--revocations", "19", "--without-redis", "19", "--heartbeat", "1"),
    "post": ("--groups", "3", "--rounds", "1", "--seconds", "0.4", "--no-peers"),
}
ELSEWHERE = {"all", "open", "search", "history"}  # the last three: with the queries that they measure

pytestmark = [pytest.mark.slow, pytest.mark.redis]


def run(*words: str) -> str:
    """Run a benchmark as one would, with nothing of the tests' own databases in its environment."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CENCOMM_", "CEN_", "DATABASE_", "DJANGO_", "REDIS_"))
    }
    command = [sys.executable, "-m", "cencomm", "bench", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@cache
def found(name: str) -> dict[str, Any]:
    """Return the object of one benchmark; each runs once."""
    answer: dict[str, Any] = json.loads(run(name, *TINY[name], "--json"))
    return answer


def test_every_command_is_tried() -> None:
    assert set(BENCHMARKS) == set(TINY) | (ELSEWHERE & set(BENCHMARKS))


@pytest.mark.parametrize("name", TINY)
def test_object_has_what_is_promised(name: str) -> None:
    told = found(name)
    assert set(told) == PROMISED
    assert told["ours"] > 0
    assert set(told["ratios"]) <= set(told["peers"])
    conditions = told["conditions"]
    assert len(conditions["load_average"]) == 3
    assert conditions["versions"]["PostgreSQL"].startswith("18")
    assert conditions["cores"] == os.cpu_count()


def test_fanout_stores_what_it_posts() -> None:
    """What counts as delivered is in the table, one row for each."""
    [ours] = found("fanout")["conditions"]["systems"].values()
    assert ours["posted"] == ours["stored"] > 0
    assert set(ours["deliveries_per_second"]) == {"16", "1"}
    assert found("fanout")["conditions"]["client_ceiling"]
    assert "failed" not in ours


def test_real_path_waits_for_receipts() -> None:
    """Through several processes each message is stored, and so is its one receipt."""
    [shape] = found("real")["conditions"]["shapes"].values()
    ours = shape["conditions"]["systems"]["CENcomm"]
    assert ours["posted"] == ours["receipts"] > 0
    assert ours["stored"] == ours["expected"] == 2 * ours["posted"]
    assert shape["conditions"]["processes"] == 2


def test_storm_refuses_nobody() -> None:
    [ours] = found("storm")["conditions"]["systems"].values()
    assert ours["refused"] == 0
    assert ours["kib_per_socket"] > 0


def test_revocation_is_obeyed_by_all() -> None:
    """With Redis and without nobody is answered or told anything after the access has ended."""
    systems = found("revocation")["conditions"]["systems"]
    assert [one["count"] for one in systems.values()] == [19, 19]
    assert {
        one["answered_over_http_afterwards"] + one["sockets_that_never_obeyed"] for one in systems.values()
    } == {0}


def test_post_answers_all() -> None:
    ours = found("post")["conditions"]["systems"]["CENcomm"]
    assert ours["answered"] == ours["posted"] > 0
    assert ours["refused"] == 0


def test_all_prints_the_tables_again(tmp_path: Path) -> None:
    """A kept file becomes the tables of the documentation, each bar with what was measured."""
    kept = tmp_path / "kept.json"
    marks = {"command": "bin/cencomm bench", "took_seconds": 1}
    kept.write_text(json.dumps({name: {**found(name), **marks} for name in ("fanout", "storm", "post")}))
    text = run("all", "--from", str(kept))
    assert "| storm of 1,000 members with authentication |" in text
    assert f"| {found('post')['ours']:.1f} ms |" in text
    assert "**CENcomm**" in text
