"""Reads of transfers: what is ready, what blocks a row, what became of what was sent.

Every read takes a Membership first. What must not live here: writes, pages.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from django.db.models import CharField, Count, F, Func, Q, Value
from django.utils import timezone

from accounts.models import Officer
from cen.models import OURS, Seizure
from exports import sources
from exports.errors import UnknownTransfer
from exports.mapping import Rule, starting_rules
from exports.models import AutomaticTransfer, Batch, MappingVersion, Resolution, Transfer
from exports.remembered import NOTHING_SAID, Facts, Judgement, Which, remember, remembered
from exports.review import Decisions, Row, find_duplicates, find_invalid, find_nominal, row_of, traces_of
from groups.access import Right
from groups.errors import Stranger
from groups.gates import member_of
from groups.models import Membership
from messaging.kinds import Status
from simplified_forms.screening.bodies import screen_field


def rules_in_force() -> tuple[Rule, ...]:
    """Return the newest mapping, or this project's proposal where none was ever saved."""
    version = MappingVersion.objects.order_by("-pk").first()
    if version is None:
        return starting_rules()
    return tuple(Rule(rule["field"], rule["column"]) for rule in version.rules)


@dataclass(frozen=True, slots=True)
class Review:
    """Everything of a group on its way to CEN, sorted by what can be done about it."""

    ready: list[Row]
    blocked: list[Row]
    not_validated: list[Row]
    set_aside: list[Row]
    sent: dict[str, int]

    @property
    def candidates(self) -> list[Row]:
        """All rows that are not sent yet."""
        return [*self.ready, *self.blocked, *self.not_validated]


@dataclass(frozen=True, slots=True)
class Outline:
    """Which seizures of a group stand where, in their order: what counts and pages need, none of it opened."""

    ready: list[UUID]
    blocked: list[UUID]
    not_validated: list[UUID]
    set_aside: list[UUID]
    sent: dict[str, int]


def outline_of(membership: Membership) -> Outline:
    """Sort the group's current seizures as `review_of` does.

    Cost: one opening, once in this process, per seizure; a few statements.
    """
    found = _Reviewing(membership)
    rows = found.rows(frozenset())
    outline = Outline([], [], [], [], counts_of(membership))
    duplicates = find_duplicates(rows, found.decisions)
    for row in rows:
        if found.is_sent(row):
            continue
        is_blocked = row.unreadable or row.message in duplicates or found.blocks_itself(row)
        getattr(outline, found.place(row, is_blocked=is_blocked)).append(row.message)
    return outline


def review_of(membership: Membership, *, only: Iterable[UUID] | None = None, again: bool = False) -> Review:
    """Open the group's current seizures and say of each that was not sent what stands between it and CEN.

    `only` narrows the answer to these messages; duplicates are still looked for in the whole group. `again`: also
    of what was sent.
    Cost: one opening per seizure of the answer, and what `outline_of` costs.
    """
    found = _Reviewing(membership)
    wanted = None if only is None else frozenset(only)
    rows = found.rows(wanted, again=again)
    duplicates = find_duplicates(rows, found.decisions)
    review = Review([], [], [], [], counts_of(membership))
    for row in rows:
        if (found.is_sent(row) and not again) or (wanted is not None and row.message not in wanted):
            continue
        row.blockers += find_invalid(row, today=found.today)
        row.blockers += find_nominal(
            row,
            digest_of=found.digest_of,
            cleared=found.decisions.not_nominal.get(row.message, frozenset()),
            screened=found.screened,
        )
        row.blockers += duplicates.get(row.message, [])
        row.digest = record_digest(row.records, found.digest_of)
        getattr(review, found.place(row, is_blocked=not row.ready)).append(row)
    return review


class _Reviewing:
    """One look at a group's seizures: what was decided, what was sent, what this process knows of them already."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._rules = rules_in_force()
        self._rules_name = sha256(repr(self._rules).encode()).hexdigest()
        sent = Transfer.objects.filter(group=membership.group)
        self._sent = set(sent.values_list("message", "source_version"))
        self._known: dict[Which, Facts] = {}
        self.decisions = _decisions(membership)
        self.today = timezone.now().date()
        self.digest_of = sources.text_digest(membership)
        self.screened = lru_cache(maxsize=5000)(screen_field)

    def rows(self, wanted: frozenset[UUID] | None, *, again: bool = False) -> list[Row]:
        """Return all rows; open are those that are wanted (None: all), and those of which too little is known.

        Nothing was wanted: then it must be known of each that was not sent what blocks it.
        """
        group_id, judging = self._membership.group_id, wanted == frozenset()
        known = remembered(group_id)

        def needed(message: UUID, version: int, withdrawn: bool) -> bool:
            facts = known.get(Which(message, version, withdrawn, self._rules_name))
            is_sent = (message, version) in self._sent
            if (wanted is None and (again or not is_sent)) or message in (wanted or ()):
                return True
            if withdrawn or facts is None:
                return not withdrawn  # what was withdrawn says nothing
            judgement = facts.judgement
            return judging and not is_sent and (judgement is None or not judgement.holds(self.today))

        rows = _rows(self._membership, self._rules, needed=needed)
        for row in rows:
            which = self._which(row)
            facts = known.get(which) or (NOTHING_SAID if row.withdrawal else Facts(traces_of(row)))
            if row.is_open and judging and not self.is_sent(row):
                facts = Facts(facts.traces, self._judge(row))
            row.traces = facts.traces
            if not row.unreadable:  # it may be mended
                self._known[which] = facts
        remember(group_id, self._known, all_of_it=judging)
        return rows

    def is_sent(self, row: Row) -> bool:
        """Whether this version of it was handed over."""
        return (row.message, row.version) in self._sent

    def blocks_itself(self, row: Row) -> bool:
        """Whether what it says keeps it from CEN, after all that was decided."""
        judgement = self._known[self._which(row)].judgement
        cleared = self.decisions.not_nominal.get(row.message, frozenset())
        return judgement is None or judgement.invalid or bool(judgement.nominal - cleared)

    def place(self, row: Row, *, is_blocked: bool) -> str:
        """Return the list of the review in which a row belongs."""
        if row.unreadable:
            return "blocked"
        if row.message in self.decisions.duplicate:
            return "set_aside"
        if row.status not in {Status.VALIDATED_OCU, Status.WITHDRAWN}:
            return "not_validated"
        return "blocked" if is_blocked else "ready"

    def _judge(self, row: Row) -> Judgement:
        nominal = find_nominal(row, digest_of=self.digest_of, cleared=frozenset(), screened=self.screened)
        invalid = bool(find_invalid(row, today=self.today))
        return Judgement(invalid, frozenset(one.about for one in nominal), self.today)

    def _which(self, row: Row) -> Which:
        return Which(row.message, row.version, row.withdrawal, self._rules_name)


def messages_set_aside(membership: Membership) -> set[UUID]:
    """Return the messages that were decided to repeat another."""
    found = Resolution.objects.filter(group=membership.group, kind=Resolution.Kind.DUPLICATE)
    return set(found.values_list("message", flat=True))


def rows_to_send(membership: Membership, messages: Iterable[UUID]) -> list[Row]:
    """Return the rows of these messages as CEN would get them now, nothing judged.

    A withdrawn message that CEN holds nothing of is missing.
    """
    rows = _rows(membership, rules_in_force(), only=list(messages))
    digest_of = sources.text_digest(membership)
    for row in rows:
        row.digest = record_digest(row.records, digest_of)
    return rows


def _rows(
    membership: Membership,
    rules: Sequence[Rule],
    *,
    only: Sequence[UUID] | None = None,
    needed: sources.Needed | None = None,
) -> list[Row]:
    seizures = list(sources.standing_seizures(membership, only=only, needed=needed))
    withdrawn = list(sources.withdrawn_seizures(membership, only=only, needed=needed))
    # What was never corrected nor withdrawn has nothing in CEN that it does not say itself.
    corrected = [one for one in seizures if one.version > 1]
    held = _held(membership, {one.root_reference for one in (*corrected, *withdrawn)})
    rows = [row_of(one, rules, held.get(one.root_reference, ()) if one.version > 1 else ()) for one in seizures]
    gone = [one for one in withdrawn if held.get(one.root_reference)]
    return rows + [row_of(one, rules, held[one.root_reference]) for one in gone]


def _held(membership: Membership, roots: set[str]) -> dict[str, set[str]]:
    """Return the source references under which CEN holds records of seizures, by their first reference."""
    if not roots:
        return {}
    newest: dict[str, tuple[int, bool]] = {}
    first = Func(F("source_reference"), Value("/"), Value(1), function="split_part", output_field=CharField())
    for reference, version, withdrawal in (
        Transfer.objects.filter(group=membership.group, state=Transfer.State.ACCEPTED)
        .alias(root=first)
        .filter(root__in=list(roots))
        .values_list("source_reference", "source_version", "withdrawal")
    ):
        newest[reference] = max((version, withdrawal), newest.get(reference, (0, False)))
    held: defaultdict[str, set[str]] = defaultdict(set)
    for reference, (_version, withdrawal) in newest.items():
        if not withdrawal:
            held[reference.partition("/")[0]].add(reference)
    return dict(held)


def record_digest(records: Sequence[dict[str, Any]], digest_of: Callable[[str], str]) -> str:
    """Return the digest that binds a confirmation to the very records that were shown, in hexadecimal.

    It is stored before CEN has the record, and a record is soon guessed: so it is keyed (`sources.text_digest`).
    """
    return digest_of(orjson.dumps(records, option=orjson.OPT_SORT_KEYS).decode())


def counts_of(membership: Membership) -> dict[str, int]:
    """Return how many records wait, were received and were refused."""
    counted = Counter(
        dict(
            Transfer.objects.filter(group=membership.group).values_list("state").annotate(n=Count("pk")).order_by()
        )
    )
    return {state.value: counted.get(state.value, 0) for state in Transfer.State}


def transfers_of(membership: Membership, *, limit: int) -> list[Transfer]:
    """Return the newest transfers of the group."""
    found = Transfer.objects.filter(group=membership.group).select_related("batch__started_by__officer")
    return list(found.order_by("-queued_at", "source_reference")[:limit])


def batch_of(membership: Membership, batch_id: UUID) -> Batch:
    """Return one batch of the member's group; raises UnknownTransfer."""
    try:
        return Batch.objects.select_related("started_by__officer").get(group=membership.group, pk=batch_id)
    except Batch.DoesNotExist:
        raise UnknownTransfer from None


def progress_of(batch: Batch) -> dict[str, int]:
    """Return how many of a batch's records are in each state, and `total`."""
    states = Transfer.State
    return Transfer.objects.filter(batch=batch).aggregate(
        total=Count("pk"),
        queued=Count("pk", filter=Q(state=states.QUEUED)),
        accepted=Count("pk", filter=Q(state=states.ACCEPTED)),
        refused=Count("pk", filter=Q(state=states.REFUSED)),
    )


def batches_of(membership: Membership, *, limit: int = 20) -> list[Batch]:
    """Return the newest batches of the group."""
    return list(
        Batch.objects.filter(group=membership.group)
        .select_related("started_by__officer")
        .order_by("-started_at")[:limit]
    )


def automatic_of(membership: Membership) -> AutomaticTransfer | None:
    """Return the group's daily transfer, None when it is off."""
    return AutomaticTransfer.objects.filter(group=membership.group).select_related("enabled_by__officer").first()


def _decisions(membership: Membership) -> Decisions:
    kinds = Resolution.Kind
    not_nominal: defaultdict[UUID, set[str]] = defaultdict(set)
    not_duplicate: defaultdict[UUID, set[str]] = defaultdict(set)
    duplicate: set[UUID] = set()
    for message, kind, about in Resolution.objects.filter(group=membership.group).values_list(
        "message", "kind", "about"
    ):
        if kind == kinds.NOT_NOMINAL:
            not_nominal[message].add(about)
        elif kind == kinds.NOT_DUPLICATE:
            not_duplicate[message].add(about)
        else:
            duplicate.add(message)
    return Decisions(
        {key: frozenset(value) for key, value in not_nominal.items()},
        {key: frozenset(value) for key, value in not_duplicate.items()},
        frozenset(duplicate),
    )


def batch_for(officer: Officer, batch_id: UUID) -> Batch:
    """Return a batch of any group in which the officer may see transfers; a stranger gets UnknownTransfer."""
    batch = Batch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise UnknownTransfer
    try:
        return batch_of(member_of(officer, batch.group_id, Right.SEE_TRANSFERS), batch_id)
    except Stranger:
        raise UnknownTransfer from None


def mapping_versions(*, limit: int = 10) -> list[MappingVersion]:
    """Return the newest mappings, the one in force first."""
    return list(MappingVersion.objects.select_related("created_by").order_by("-pk")[:limit])


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Both sides. `missing`: received by receipt, not held by CEN; `older`: held in another version."""

    sent: int
    held: int
    missing: list[str]
    older: list[str]

    @property
    def equal(self) -> bool:
        """Whether both sides agree."""
        return not self.missing and not self.older


def reconciliation_of(membership: Membership) -> Reconciliation:
    """Compare every receipt of the group with what CEN holds under that source reference."""
    newest: dict[str, int] = {}
    for reference, version in Transfer.objects.filter(
        group=membership.group, state=Transfer.State.ACCEPTED
    ).values_list("source_reference", "source_version"):
        newest[reference] = max(version, newest.get(reference, 0))
    held = dict(
        Seizure.objects.filter(source__name=OURS, source_reference__in=list(newest)).values_list(
            "source_reference", "version"
        )
    )
    missing = sorted(reference for reference in newest if reference not in held)
    older = sorted(reference for reference, version in newest.items() if held.get(reference, version) != version)
    return Reconciliation(len(newest), len(held), missing, older)
