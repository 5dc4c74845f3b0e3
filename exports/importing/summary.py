"""The summary of an import, for the terminal: counts, reasons, figures. Nothing of what stands in a row but the
items and units that both sides are compared by.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from exports.importing.mapping_file import ImportMapping
from exports.importing.reconciling import Comparison, Figure, Key
from exports.importing.running import Run

REASONS_SHOWN = 20
FIGURES_SHOWN = 12
LINES_SHOWN = 10


def summary_of(run: Run, mapping: ImportMapping, *, dry: bool = False, report: Path | None = None) -> str:
    """Return what an import did, as lines of text."""
    return "\n".join(
        [*_stages(run), "", *_rows(run, dry=dry, report=report), *_form(run), *_compared(run, mapping)]
    )


def _stages(run: Run) -> Iterator[str]:
    yield f"{'stage':<16}{'rows':>10}{'seconds':>10}{'rows/s':>10}"
    for stage in run.stages:
        pace = f"{stage.rows / stage.seconds:,.0f}" if stage.rows and stage.seconds else "-"
        yield f"{stage.name:<16}{stage.rows:>10,}{stage.seconds:>10.1f}{pace:>10}"


def _rows(run: Run, *, dry: bool, report: Path | None) -> Iterator[str]:
    ledger = run.ledger
    refused = len(ledger.refused_lines)
    yield _line("rows in the file", ledger.rows)
    if dry:
        yield _line("can be sent", ledger.rows - refused)
    else:
        yield _line("messages, new", ledger.created)
        yield _line("messages, there before", ledger.replayed)
        yield _line("validated now", ledger.moved)
        yield _line("decisions recorded", run.decided)
        if run.comparison is not None:
            yield _line("in CEN", run.in_cen)
    yield _line("not accepted", refused) + (f"   listed in {report}" if report and refused else "")
    reasons = ledger.reasons()
    for stage, column, code, rows in reasons[:REASONS_SHOWN]:
        yield _line(f"  {stage}: {column + ' ' if column else ''}{code}", rows)
    if len(reasons) > REASONS_SHOWN:
        yield f"  and {len(reasons) - REASONS_SHOWN} reasons more"


def _form(run: Run) -> Iterator[str]:
    if run.left_out:
        yield f"not on this group's form, hence not taken: {', '.join(run.left_out)}"


def _compared(run: Run, mapping: ImportMapping) -> Iterator[str]:
    comparison = run.comparison
    if comparison is None:
        return
    yield ""
    yield f"by {mapping.item_column} and unit: file = CEN + not accepted"
    yield f"{'':<34}{'unit':<6}{'rows':>17}{'sum in the file':>30}{'sum in CEN':>30}"
    shown = comparison.unequal or sorted(comparison.file, key=lambda key: -comparison.file[key].rows)
    for key in shown[:FIGURES_SHOWN]:
        yield _figure(comparison, key)
    if len(shown) > FIGURES_SHOWN:
        yield f"and {len(shown) - FIGURES_SHOWN} more"
    pairs = len(comparison.file.keys() | comparison.cen.keys())
    if comparison.equal:
        yield f"All {pairs} come out exactly, and every row in CEN states what its line says."
        return
    yield f"{len(comparison.unequal)} of {pairs} do NOT come out."
    for name, lines in (
        ("state otherwise than their line", comparison.differing),
        ("neither in CEN nor refused", comparison.unaccounted),
        ("refused and yet in CEN", comparison.doubled),
    ):
        if lines:
            some = ", ".join(str(line) for line in lines[:LINES_SHOWN])
            yield f"{len(lines)} rows {name}: line {some}{' …' if len(lines) > LINES_SHOWN else ''}"


def _figure(comparison: Comparison, key: Key) -> str:
    nothing = Figure()
    file, cen, refused = (side.get(key, nothing) for side in (comparison.file, comparison.cen, comparison.refused))
    rows = f"{file.rows:,} = {cen.rows:,} + {refused.rows:,}"
    item = key.item if len(key.item) <= 32 else f"{key.item[:31]}…"
    return f"{item:<34}{key.unit or '-':<6}{rows:>17}{_plain(file.total):>30}{_plain(cen.total):>30}"


def _plain(number: Decimal) -> str:
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _line(label: str, count: int) -> str:
    return f"{label:<44}{count:>10,}"
