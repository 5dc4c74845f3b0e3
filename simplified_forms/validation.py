"""Judges a body against a specification: one pure function for the page, the API, imports and transfers.

No ORM, no request, no clock: what it must know comes in the `Context`. It never raises, whatever JSON it is given,
and what it answers as cleaned is a fixed point: cleaning it again changes nothing. Value shapes:
`simplified_forms.shapes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import orjson
from django.utils.translation import get_language, override

from problems import FieldProblem
from simplified_forms.compilation import clean_level, compiled
from simplified_forms.run import Context, Run
from simplified_forms.wording import problem

__all__ = ["MAX_BODY_BYTES", "Context", "Outcome", "validate"]

MAX_BODY_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a validation.

    `cleaned`: the values in canonical spelling and the form's order; complete only without errors. `errors`: what
    must be mended. `questions`: what is odd and may be right; the sender is asked, nothing is forbidden.
    """

    cleaned: dict[str, Any]
    errors: list[FieldProblem]
    questions: list[FieldProblem]

    @property
    def ok(self) -> bool:
        """Tell whether the body may be sent."""
        return not self.errors


def validate(spec: Mapping[str, Any], body: object, context: Context) -> Outcome:
    """Return the cleaned body, the errors and the questions, in the context's language."""
    if get_language() == context.language:
        return _validated(spec, body, context)
    with override(context.language):
        return _validated(spec, body, context)


def _validated(spec: Mapping[str, Any], body: object, context: Context) -> Outcome:
    run = Run(context, _earliest(context))
    code = _unfit(body)
    if code is not None:
        run.refuse("", code, limit=MAX_BODY_BYTES // 1024)
        return _outcome({}, run)
    level = compiled(spec, kind=context.kind, nominal_allowed=context.nominal_allowed)
    return _outcome(clean_level(level, body, "", run), run)


def _earliest(context: Context) -> date | None:
    if context.operation_starts_on is None:
        return None
    try:
        return context.operation_starts_on - timedelta(days=context.late_limit_days)
    except OverflowError:
        return None


def _unfit(body: object) -> str | None:
    if not isinstance(body, dict):
        return "not_an_object"
    try:
        size = len(orjson.dumps(body))
    except TypeError:
        return "not_json"
    return "too_large" if size > MAX_BODY_BYTES else None


def _outcome(cleaned: dict[str, Any], run: Run) -> Outcome:
    return Outcome(
        cleaned,
        [problem(path, code, params) for path, code, params in run.errors],
        [problem(path, code, params) for path, code, params in run.questions],
    )
