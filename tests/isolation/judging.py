"""What an answer should be by gate and rights table, and what is wrong with one that is not. One sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

from groups.access import RIGHTS, Right
from tests.isolation.asking import Answer
from tests.isolation.entries import Administrator, Entry, Member
from tests.isolation.world import (
    HERE,
    NAMED,
    OWNERS,
    SAID,
    SCOPED,
    THERE,
    Pick,
    World,
    nowhere,
    other_or_never,
    own,
)

type Ask = Callable[[Entry, Pick, bool], Answer]


def faults_of_member_entry(world: World, name: str, entry: Entry, ask: Ask) -> Iterator[str]:
    """Try a way into a group: one's own group, the other one, objects of the other one below one's own."""
    gate = entry.gate
    assert isinstance(gate, Member)
    missing = ask(entry, nowhere(world), True)
    if missing.status != 404 or missing.wrote:
        yield f"what never was: {missing.status}, wrote {missing.wrote}"
    for code in (HERE, THERE):
        role = world.role_in(name, code)
        may = gate.admits(role)
        answer = ask(entry, own(world, code), not may)
        yield from too_much(world, name, entry, answer)
        if role is None:
            yield from _differences(f"{code}, a stranger", answer, missing)
        elif not may:
            if answer.status != 403 or answer.wrote:
                yield f"{code}, {role} without {gate.right}: {answer.status}, wrote {answer.wrote}"
        elif not allowed(entry, answer):
            told = f"{answer.status}, not {sorted(entry.answers)}: {answer.body[:300]}"
            yield f"{code}, {role} with {gate.right}: {told}"
        elif entry.kinds & SCOPED:
            yield from _faults_of_foreign_objects(world, name, code, entry, ask)


def faults_of_owner_entry(world: World, name: str, entry: Entry, ask: Ask) -> Iterator[str]:
    """Try what is nobody else's: to others, members of its group too, it never was."""
    missing = ask(entry, nowhere(world), True)
    for code, owner in OWNERS.items():
        answer = ask(entry, own(world, code), name != owner)
        yield from too_much(world, name, entry, answer)
        if name != owner:
            yield from _differences(f"{code}, not the owner", answer, missing)
        elif answer.status not in entry.answers:
            yield f"{code}, the owner: {answer.status}, not {sorted(entry.answers)}: {answer.body[:300]}"


def _faults_of_foreign_objects(world: World, name: str, code: str, entry: Entry, ask: Ask) -> Iterator[str]:
    """Below one's own group: what is of another group and what never was are the same."""
    keep = not (entry.narrows or entry.step_up)
    foreign = ask(entry, other_or_never(world, code, never_was=False), keep)
    missing = ask(entry, other_or_never(world, code, never_was=True), keep)
    yield from too_much(world, name, entry, foreign)
    yield from _differences(f"{code}, objects of another group", foreign, missing, may_write=not keep)
    if foreign.status < 400 and not entry.narrows:
        yield f"{code}, objects of another group: {foreign.status}"


def _differences(what: str, answer: Answer, missing: Answer, *, may_write: bool = False) -> Iterator[str]:
    if answer.wrote and not may_write:
        yield f"{what}: a refused call wrote {answer.wrote}"
    if answer.told == missing.told:
        return
    if answer.status != missing.status:
        yield f"{what}: {answer.status}, what never was: {missing.status}"
    elif answer.headers != missing.headers:
        yield f"{what}: headers differ: {set(answer.headers) ^ set(missing.headers)}"
    else:
        at = next(
            (at for at, (a, b) in enumerate(zip(answer.body, missing.body, strict=False)) if a != b),
            min(len(answer.body), len(missing.body)),
        )
        yield f"{what}: bodies differ: …{answer.body[max(0, at - 60) : at + 60]}… {missing.body[at : at + 60]}…"


def faults_of_administrator_entry(world: World, name: str, entry: Entry, ask: Ask) -> Iterator[str]:
    """Platform administrators are let in, nobody else is."""
    gate = entry.gate
    assert isinstance(gate, Administrator)
    may = world.people[name].is_platform_administrator
    answer = ask(entry, own(world, HERE), not may)
    yield from too_much(world, name, entry, answer)
    if may and not allowed(entry, answer):
        yield f"{answer.status}, not {sorted(entry.answers)}: {answer.body[:300]}"
    if not may and (answer.status != gate.refused or answer.wrote):
        yield f"{answer.status}, not {gate.refused}; wrote {answer.wrote}"


def faults_of_open_entry(world: World, name: str, entry: Entry, ask: Ask) -> Iterator[str]:
    """Everybody is let in, and is told nothing of groups that are not his."""
    answer = ask(entry, own(world, HERE), False)
    yield from too_much(world, name, entry, answer)
    if not allowed(entry, answer):
        yield f"{answer.status}, not {sorted(entry.answers)}: {answer.body[:300]}"


def allowed(entry: Entry, answer: Answer) -> bool:
    """Whether this is what somebody is told who may; a token cannot show a second factor for one act."""
    return answer.status in entry.answers or (
        entry.step_up and answer.status == 403 and "step_up_impossible" in answer.body
    )


def too_much(world: World, name: str, entry: Entry, answer: Answer) -> Iterator[str]:
    """Name what an answer tells of groups that its reader does not read, or is no member of."""
    for code in (HERE, THERE):
        role = world.role_in(name, code)
        if SAID[code] in answer.text and (role is None or Right.READ not in RIGHTS[role]):
            yield f"tells what was said in {code}"
        if role is not None or entry.names_groups:
            continue
        if NAMED[code] in answer.text or code in answer.text:
            yield f"names {code}"
        for kind, value in world.objects[code].items():
            if kind in SCOPED | {"group"} and isinstance(value, UUID) and str(value) in answer.text:
                yield f"tells the identifier of a {kind} of {code}"
