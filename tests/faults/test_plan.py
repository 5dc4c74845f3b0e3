"""The plan of a night: the same for the same seed, and every kind of fault in it."""

from __future__ import annotations

from tests.faults.plan import LASTING, make_plan


def test_same_seed_gives_the_same_plan() -> None:
    first, again, other = (make_plan(seed, seconds=60, webs=2) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_every_kind_of_fault_comes_in_order_of_time() -> None:
    plan = make_plan(1, seconds=20, webs=3, without={"disk_full"})
    assert {fault.name for fault in plan} == set(LASTING) - {"disk_full"}
    assert [fault.at for fault in plan] == sorted(fault.at for fault in plan)
    assert all(0 <= fault.at <= 20 and fault.web in range(3) for fault in plan)
    for fault in plan:
        shortest, longest = LASTING[fault.name]
        assert shortest <= fault.seconds <= longest


def test_long_night_has_more_faults() -> None:
    assert len(make_plan(1, seconds=600, webs=2)) == 200
