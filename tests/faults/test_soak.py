"""What the soak calls flat."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from tests.faults.soak import Samples, descriptors_of

HALF_AN_HOUR = 1800.0


def samples(**kinds: tuple[float, float]) -> Samples:
    """Return samples every minute that go from one value to the other in the judged time."""
    ends = {"processes": (1.0, 1.0)} | kinds
    begun = HALF_AN_HOUR * 0.3
    return Samples(
        values={
            "web-0": {
                kind: [
                    (at, first + (last - first) * (at - begun) / (HALF_AN_HOUR - begun))
                    for at in range(0, int(HALF_AN_HOUR) + 1, 60)
                ]
                for kind, (first, last) in ends.items()
            }
        }
    )


@pytest.mark.parametrize(
    ("kinds", "flat"),
    [
        ({"private_kib": (100_000, 104_500)}, True),
        ({"private_kib": (100_000, 106_000)}, False),
        ({"private_kib": (3_000, 7_000)}, True),
        ({"descriptors": (40, 43)}, True),
        ({"descriptors": (40, 45)}, False),
        ({"descriptors": (2_300, 2_400), "processes": (37, 37)}, True),
        ({"descriptors": (2_300, 2_420), "processes": (37, 37)}, False),
        ({"threads": (30, 34), "processes": (37, 37)}, False),
        ({"tasks": (20, 24)}, False),
        ({"processes": (37, 41)}, False),
    ],
)
def test_a_line_through_the_judged_time_says_what_grows(kinds: dict[str, tuple[float, float]], flat: bool) -> None:
    verdicts = samples(**kinds).verdicts(HALF_AN_HOUR)["web-0"]
    assert all(one["flat"] for one in verdicts.values()) is flat


def test_files_by_which_tables_grow_are_no_leak(tmp_path: Path) -> None:
    before = descriptors_of(os.getpid())
    with contextlib.ExitStack() as stack:
        for name in ("base/5/16402", "base/5/16402.1", "base/5/16402_fsm", "global/1260", "note", "2026"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context((tmp_path / name).open("w"))
        assert descriptors_of(os.getpid()) == before + 2
    assert descriptors_of(os.getpid()) == before
