"""Rows of a source become seizure messages of a group, by the ordinary action; the same row twice is a replay.

What must not live here: validation by people, the way into CEN.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from exports.errors import FormLacksField
from exports.importing.converting import Converter
from exports.importing.ledger import Ledger
from exports.importing.mapping_file import ImportMapping
from exports.importing.reading import SourceFile
from exports.sources import text_digest
from groups.models import Membership
from groups.phases import PhaseAct, permits
from messaging.actions import post_messages
from messaging.drafts import Draft
from problems import FieldProblem, Refusal
from simplified_forms.fields import Kind
from simplified_forms.models import FormTemplate
from simplified_forms.queries import template_in_force, validation_context
from simplified_forms.validation import validate


class Posting:
    """One file on its way into one group, in the name of one member.

    Raises OperationClosed, PhaseForbids, NoTemplate, FormLacksField.
    """

    def __init__(self, membership: Membership, mapping: ImportMapping, source: SourceFile) -> None:
        self._membership = membership
        self._mapping = mapping
        self._source = source
        permits(membership.group, PhaseAct.POST)
        self._template: FormTemplate = template_in_force(membership.group, Kind.SEIZURE)
        names = {entry["name"] for entry in self._template.spec["fields"]}
        if not {"description", "quantity"} <= names:
            raise FormLacksField
        self._converter = Converter(mapping, source.header, form_fields=names)
        self.ledger = Ledger()

    @property
    def left_out(self) -> list[str]:
        """Fields of the mapping that the group's form does not have."""
        return self._converter.left_out

    def try_out(self) -> None:
        """Map and check every row as if it were sent; nothing is written."""
        language = self._membership.officer.language
        context = validation_context(self._membership, kind=Kind.SEIZURE, now=timezone.now(), language=language)
        for line, _cells, body in self._bodies():
            outcome = validate(self._template.spec, body, context)
            self._note_problems(line, outcome.errors)

    def send(self) -> None:
        """Send every row that can be mapped; the ledger knows the rest. Raises NotAllowed, Stranger."""
        lines: dict[UUID, int] = {}
        for outcome in post_messages(self._membership, self._drafts(lines)):
            line = lines.pop(outcome.draft.id)
            if outcome.refusal is not None:
                self._note_refusal(line, outcome.refusal)
                continue
            self.ledger.lines[outcome.draft.id] = line
            self.ledger.created += outcome.created
            self.ledger.replayed += not outcome.created

    def _drafts(self, lines: dict[UUID, int]) -> Iterator[Draft]:
        identify = identifiers(self._membership, self._mapping.name)
        for line, cells, body in self._bodies():
            draft = Draft(
                id=identify(cells),
                kind=Kind.SEIZURE.value,
                body=body,
                language=self._mapping.language,
                template=self._template.pk,
            )
            lines[draft.id] = line
            yield draft

    def _bodies(self) -> Iterator[tuple[int, Sequence[str], dict[str, Any]]]:
        for row in self._source.rows():
            self.ledger.rows += 1
            if row.problem:
                self.ledger.refuse(row.line, "map", "", row.problem)
                continue
            body, problems = self._converter.body_of(row.cells)
            for problem in problems:
                self.ledger.refuse(row.line, "map", problem.column, problem.code)
            if not problems:
                yield row.line, row.cells, body

    def _note_refusal(self, line: int, refusal: Refusal) -> None:
        if refusal.errors:
            self._note_problems(line, refusal.errors)
        else:
            self.ledger.refuse(line, "post", "", refusal.code, refusal.detail)

    def _note_problems(self, line: int, problems: Sequence[FieldProblem]) -> None:
        for problem in problems:
            path = problem.field.removeprefix("body.")
            self.ledger.refuse(line, "post", self._mapping.column_of(path), problem.code, str(problem.message))


def identifiers(membership: Membership, mapping_name: str) -> Callable[[Sequence[str]], UUID]:
    """Return a function that gives each row its message's identifier, the same in every run.

    It follows from the group, the mapping, what stands in the row, and how often the same row came before: so a
    file that grew or was sorted anew doubles nothing. It is a keyed digest, since identifiers show where content
    must not.
    """
    digest = text_digest(membership)
    seen: Counter[str] = Counter()

    def identify(cells: Sequence[str]) -> UUID:
        row = digest(orjson.dumps(["import", mapping_name, *cells]).decode())
        seen[row] += 1
        return UUID(hex=digest(f"{row} {seen[row]}")[:32], version=5)

    return identify
