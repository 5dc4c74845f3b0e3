"""Do both sides agree? Figures of the file, read anew and by nothing of the import, against what CEN holds.

Counts and sums by item and unit, and row by row. Exact: no figure is rounded. What must not live here: the way in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from cen.models import OURS, Seizure
from exports.importing.converting import EXACT, read_number
from exports.importing.ledger import CORRECTED, Ledger
from exports.importing.mapping_file import ImportMapping
from exports.importing.reading import SourceFile
from exports.models import Transfer
from groups.models import Membership

CHUNK = 5000


@dataclass(slots=True)
class Figure:
    """Rows, and the exact sum of their amounts."""

    rows: int = 0
    total: Decimal = Decimal(0)

    def add(self, amount: Decimal) -> None:
        """Count one row."""
        self.rows += 1
        self.total = EXACT.add(self.total, amount)


class Key(NamedTuple):
    """Item as reported, and unit of the form ("" where the file's unit means none)."""

    item: str
    unit: str


class Held(NamedTuple):
    """What CEN states of one row."""

    item: str
    amount: Decimal | None
    unit: str


@dataclass(slots=True)
class Comparison:
    """Both sides by item and unit: `file` = `cen` + `refused`, if nothing was lost, doubled or changed.

    `differing`: lines whose record in CEN states another item, amount or unit. `unaccounted`: lines that are
    neither in CEN nor refused. `doubled`: lines that are both.
    """

    file: defaultdict[Key, Figure] = field(default_factory=lambda: defaultdict(Figure))
    cen: defaultdict[Key, Figure] = field(default_factory=lambda: defaultdict(Figure))
    refused: defaultdict[Key, Figure] = field(default_factory=lambda: defaultdict(Figure))
    differing: list[int] = field(default_factory=list)
    unaccounted: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)

    @property
    def unequal(self) -> list[Key]:
        """Return the items and units whose count or sum does not come out."""
        keys = self.file.keys() | self.cen.keys() | self.refused.keys()
        return sorted(key for key in keys if not self._comes_out(key))

    def _comes_out(self, key: Key) -> bool:
        nothing = Figure()
        file, cen, refused = (side.get(key, nothing) for side in (self.file, self.cen, self.refused))
        return file.rows == cen.rows + refused.rows and file.total == EXACT.add(cen.total, refused.total)

    @property
    def equal(self) -> bool:
        """Whether both sides agree, in sum and row by row."""
        return not (self.unequal or self.differing or self.unaccounted or self.doubled)


def compare(membership: Membership, ledger: Ledger, mapping: ImportMapping, source: SourceFile) -> Comparison:
    """Compare the file with what CEN holds of its rows."""
    held = dict(_held_by_cen(membership, ledger))
    result = Comparison()
    for record in held.values():
        result.cen[Key(record.item, record.unit)].add(record.amount or Decimal(0))
    refused = ledger.refused_lines
    for line, item, word, unit_word in _figures(mapping, source):
        unit = mapping.rules["quantity"].units.get(unit_word)
        number = read_number(word, mapping.decimal_mark)
        amount = EXACT.multiply(number, unit.factor) if number is not None and unit else Decimal(0)
        key = Key(item, unit.unit if unit else "")
        result.file[key].add(amount)
        one = held.get(line)
        if one is not None and (one.item, one.amount, one.unit) != (item, amount, key.unit):
            result.differing.append(line)
        if line in refused:
            result.refused[key].add(amount)
            if one is not None:
                result.doubled.append(line)
        elif one is None:
            result.unaccounted.append(line)
    return result


def _figures(mapping: ImportMapping, source: SourceFile) -> Iterator[tuple[int, str, str, str]]:
    """Yield line, item, amount and unit of each row, as they stand in the file."""
    columns = (mapping.item_column, mapping.amount_column, mapping.unit_column)
    item, amount, unit = (source.header.index(name) for name in columns)
    for row in source.rows():
        if len(row.cells) == len(source.header):
            yield row.line, " ".join(row.cells[item].split()), row.cells[amount].strip(), row.cells[unit].strip()
        else:
            yield row.line, "", "", ""


def _held_by_cen(membership: Membership, ledger: Ledger) -> Iterator[tuple[int, Held]]:
    """Yield what CEN holds of the messages of this import, by the line of the file."""
    # What a person corrected meanwhile is no longer what the file says: the ledger holds it back.
    corrected = {one.message for one in ledger.refused if one.code == CORRECTED}
    lines: dict[str, UUID] = {}
    accepted = Transfer.objects.filter(group_id=membership.group_id, state=Transfer.State.ACCEPTED)
    for message, reference in accepted.values_list("message", "source_reference").iterator(chunk_size=CHUNK):
        if message in ledger.lines and message not in corrected:
            lines[reference] = message
    for chunk in batched(lines, CHUNK):
        rows = Seizure.objects.filter(
            source__name=OURS, source_reference__in=chunk, withdrawn_at__isnull=True
        ).values_list("source_reference", "description", "quantity", "unit")
        for reference, item, amount, unit in rows:
            yield ledger.lines[lines[reference]], Held(item, amount, unit)
