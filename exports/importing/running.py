"""One import from end to end: its stages in order, each with its time. The command and the benchmark call this."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.utils.translation import override

from exports.importing.ledger import Ledger
from exports.importing.mapping_file import ImportMapping
from exports.importing.posting import Posting
from exports.importing.reading import SourceFile
from exports.importing.reconciling import Comparison, compare
from exports.importing.sending import review_rows, transfer_rows, validate_rows
from groups.models import Membership


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage did to how many rows, in how many seconds."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How far an import goes, and in whose name. `resolving`: kinds of blocker that are decided away."""

    validating: Membership | None = None
    transferring: Membership | None = None
    resolving: Collection[str] = ()


@dataclass(slots=True)
class Run:
    """What an import did. `comparison` is None where nothing was to be transferred."""

    ledger: Ledger
    left_out: list[str]
    stages: list[Stage] = field(default_factory=list)
    decided: int = 0
    in_cen: int = 0
    comparison: Comparison | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[list[int]]:
        """Time one stage; put the number of its rows into the list."""
        rows: list[int] = []
        started = time.perf_counter()
        yield rows
        self.stages.append(Stage(name, sum(rows), time.perf_counter() - started))


def try_out_file(membership: Membership, mapping: ImportMapping, source: SourceFile) -> Run:
    """Map and check a file for a group; nothing is written. Raises FormLacksField, NoTemplate."""
    posting = Posting(membership, mapping, source)
    run = Run(posting.ledger, posting.left_out)
    with override(membership.officer.language), run.stage("check") as rows:
        posting.try_out()
        rows.append(run.ledger.rows)
    return run


def import_file(membership: Membership, mapping: ImportMapping, source: SourceFile, *, wishes: Wishes) -> Run:
    """Take a file into a group, and as far towards CEN as is wished. Run again it doubles nothing.

    Reasons are in the language of the officer who sends. Raises FormLacksField, NoTemplate, Stranger, NotAllowed,
    OperationClosed, PhaseForbids.
    """
    with override(membership.officer.language):
        return _import_file(Posting(membership, mapping, source), mapping, source, wishes)


def _import_file(posting: Posting, mapping: ImportMapping, source: SourceFile, wishes: Wishes) -> Run:
    ledger = posting.ledger
    run = Run(ledger, posting.left_out)
    with run.stage("map and post") as rows:
        posting.send()
        rows.append(ledger.rows)
    if wishes.validating is not None:
        with run.stage("validate") as rows:
            validate_rows(wishes.validating, ledger)
            rows.append(len(ledger.lines))
    if wishes.transferring is not None:
        with run.stage("review") as rows:
            review, run.decided = review_rows(wishes.transferring, ledger, mapping, resolving=wishes.resolving)
            rows.append(len(ledger.lines))
        with run.stage("transfer") as rows:
            transfer_rows(wishes.transferring, ledger, review=review)
            rows.append(len(review.ready))
        with run.stage("reconcile") as rows:
            run.comparison = compare(wishes.transferring, ledger, mapping, source)
            run.in_cen = sum(figure.rows for figure in run.comparison.cen.values())
            rows.append(ledger.rows)
    return run
