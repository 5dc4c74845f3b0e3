"""The two tables of phases: which may follow which, and what each permits. No database."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups import phases
from groups.errors import BadMove, OperationClosed, PhaseForbids
from groups.models import ClosedUserGroup, Phase
from groups.phases import PhaseAct

KINDS = st.sampled_from(list(ClosedUserGroup.Kind.values))
WALK = st.lists(st.integers(min_value=0, max_value=3), max_size=12)


def a_group(kind: str, phase: str | None = None) -> ClosedUserGroup:
    return ClosedUserGroup(code="ZEPHYR", name="Zephyr", kind=kind, phase=phase or phases.first_phase(kind))


@given(kind=KINDS, walk=WALK)
def test_whatever_way_a_group_goes(kind: str, walk: list[int]) -> None:
    """On every legal walk: archived is the end, is reached from closed only, and nothing is sent when read-only."""
    group = a_group(kind)
    passed = [Phase(group.phase)]
    for step in walk:
        moves = phases.moves_from(group)
        if not moves:
            break
        to = moves[step % len(moves)]
        phases.check_move(group, to)
        group.phase = to
        passed.append(to)
        assert to in phases.course(group)
        assert phases.allows(group, PhaseAct.POST) == (to not in phases.READ_ONLY)
        assert phases.allows(group, PhaseAct.TRANSFER) == (to in {Phase.OPERATIONAL, Phase.POSTOPERATIONAL})
    if Phase.ARCHIVED in passed:
        place = passed.index(Phase.ARCHIVED)
        assert place == len(passed) - 1
        assert passed[place - 1] == Phase.CLOSED
    if kind == "standing":
        assert set(passed) <= {Phase.OPERATIONAL, Phase.CLOSED, Phase.ARCHIVED}
    if kind == "operation" and Phase.CLOSED in passed:
        assert passed[: passed.index(Phase.CLOSED)].count(Phase.POSTOPERATIONAL) >= 1


@given(kind=KINDS, phase=st.sampled_from(list(Phase)), to=st.sampled_from(list(Phase)))
def test_every_move_that_is_not_offered_is_refused(kind: str, phase: Phase, to: Phase) -> None:
    group = a_group(kind, phase)
    if to in phases.moves_from(group):
        phases.check_move(group, to)
    else:
        with pytest.raises(BadMove):
            phases.check_move(group, to)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("act", PhaseAct)
def test_what_is_refused_and_how(phase: Phase, act: PhaseAct) -> None:
    group = a_group("operation", phase)
    if act in phases.PERMITTED[phase]:
        phases.permits(group, act)
        return
    expected = OperationClosed if phase in {Phase.CLOSED, Phase.ARCHIVED} else PhaseForbids
    with pytest.raises(expected) as caught:
        phases.permits(group, act)
    assert caught.value.status == 409


def test_the_rules_in_the_words_of_the_domain() -> None:
    def permitted(phase: Phase) -> set[str]:
        return {act.value for act in phases.PERMITTED[phase]}

    watch = {"post", "post_live", "acknowledge", "validate"}
    assert permitted(Phase.PLANNING) == {"edit_templates", "manage"}
    assert permitted(Phase.PREOPERATIONAL) == {"edit_templates", "manage"} | watch
    assert permitted(Phase.OPERATIONAL) == {"edit_templates", "manage", "transfer"} | watch
    assert permitted(Phase.POSTOPERATIONAL) == permitted(Phase.OPERATIONAL) - {"post_live"}
    assert permitted(Phase.CLOSED) == permitted(Phase.ARCHIVED) == set()


@pytest.mark.parametrize("phase", Phase)
def test_only_preoperational_is_an_exercise(phase: Phase) -> None:
    assert phases.is_exercise(a_group("operation", phase)) == (phase == Phase.PREOPERATIONAL)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 18), None),
        (date(2026, 11, 19), (1, 9)),
        (date(2026, 11, 21), (3, 9)),
        (date(2026, 11, 27), (9, 9)),
        (date(2026, 11, 28), None),
    ],
)
def test_day_n_of_m(today: date, expected: tuple[int, int] | None) -> None:
    group = a_group("operation")
    group.starts_on, group.ends_on = date(2026, 11, 19), date(2026, 11, 27)
    assert phases.day_of(group, today) == expected
    assert phases.day_of(a_group("standing"), today) is None
    group.phase = Phase.CLOSED
    assert phases.day_of(group, today) is None
