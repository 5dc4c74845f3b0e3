"""Every promise holds through a short night of faults, and the check fails each build in which one does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.plan import LASTING, Fault, describe
from tests.faults.rehearsal import BREAKS

pytestmark = [pytest.mark.slow, pytest.mark.redis]


@pytest.fixture(scope="module")
def night(rehearsal: dict[str, Any]) -> dict[str, Any]:
    """What came of the night."""
    told: dict[str, Any] = rehearsal["night"]
    return told


def test_night_of_faults_breaks_no_promise(night: dict[str, Any]) -> None:
    plan = describe([Fault(**fault) for fault in night["plan"]])
    wrong = "\n".join(f"  {one['kind']}: {one['what']}" for one in night["wrong"])
    assert not night["wrong"], f"bin/cencomm drill --seed {night['seed']}\n{plan}\n{wrong}"
    assert (night["lost"], night["doubled"], night["out_of_order"]) == (0, 0, 0)


def test_night_saw_work_and_every_kind_of_fault(night: dict[str, Any]) -> None:
    tried = [*night["faults"], *night["faults_failed"]]
    assert {fault["name"] for fault in tried} | set(night["faults_left_out"]) == set(LASTING)
    assert len(night["faults"]) > len(LASTING) / 2
    assert night["sent"] > 20
    assert night["delivered"] > night["sent"]
    counts = night["counts"]
    assert counts["races"] > 0
    assert counts["reconnects"] > 0
    assert counts["removals"] > 0
    assert counts["attempts of the outsider"] > 0
    assert all(night["starts"][name] > 1 for name in ("postgres", "redis", "web-0", "worker")), night["starts"]


def test_deaf_processes_are_healed_and_the_canary_tells(rehearsal: dict[str, Any]) -> None:
    """Without Redis no wake-up arrives from elsewhere: the heartbeat finds what it would have told."""
    told = rehearsal["deaf"]
    assert told["wrong"] == []
    assert told["grown"]["cencomm_wakeups_healed_total"] > 0
    assert told["grown"]["cencomm_wakeups_unpublished_total"] > 0
    assert told["canary"]["without Redis"] == told["canary"]["afterwards"] == "arrived"
    assert told["canary"]["before a silent door"] != "arrived"


@pytest.mark.parametrize("name", BREAKS)
def test_check_finds_the_broken_build(rehearsal: dict[str, Any], name: str) -> None:
    if isinstance(rehearsal[name], str):
        pytest.skip(rehearsal[name])
    found = {kind for kind, _text in rehearsal[name]}
    assert found & BREAKS[name].finds, f"the check did not see it; it found {sorted(found)}"
    assert found <= BREAKS[name].finds | BREAKS[name].also, rehearsal[name][:20]
