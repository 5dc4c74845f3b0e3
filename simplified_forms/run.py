"""One run of a validation: what it was told, and what it found. No rules.

Kept apart so that the checks of single values and the checks across fields can both write into it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class Context:
    """What a body is judged against; made by whoever sends or imports it.

    `today` is the last day that counts as not in the future, `now` the same as an aware time (None: only the day is
    judged). `sender_country`: alpha-2 of the sender's administration, None when unknown. `operation_starts_on` and
    `late_limit_days` bound the past, None for a standing group. `nominal_allowed`: the group takes nominal data.
    """

    kind: str
    today: date
    now: datetime | None = None
    sender_country: str | None = None
    operation_starts_on: date | None = None
    late_limit_days: int = 30
    language: str = "en"
    nominal_allowed: bool = False


class Run:
    """Collects errors and questions as (path, code, parameters); words come at the end, only if needed."""

    __slots__ = ("context", "earliest", "errors", "questions")

    def __init__(self, context: Context, earliest: date | None) -> None:
        self.context = context
        self.earliest = earliest
        self.errors: list[tuple[str, str, dict[str, object]]] = []
        self.questions: list[tuple[str, str, dict[str, object]]] = []

    def refuse(self, path: str, code: str, **params: object) -> None:
        """Note an error; past MAX_PROBLEMS only that there are more."""
        if len(self.errors) < MAX_PROBLEMS:
            self.errors.append((path, code, params))
        elif len(self.errors) == MAX_PROBLEMS:
            self.errors.append(("", "too_many_problems", {}))

    def ask(self, path: str, code: str, **params: object) -> None:
        """Note a question: a value that is odd, and may be right."""
        if len(self.questions) < MAX_PROBLEMS:
            self.questions.append((path, code, params))
