"""The root of every refusal: an act that the product declines, with a sentence for the person who asked.

What lives here: the shape of a refusal and of a field's problem, nothing else. What must not: any rule. Each
package names its own refusals in its `errors.py`; the docstring of a refusal is the sentence a user reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

__all__ = ["FieldProblem", "Refusal"]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: its path (`goods.2.quantity`), a stable code, a translated sentence."""

    field: str
    code: str
    message: str


class Refusal(Exception):
    """This cannot be done."""

    code = "refused"
    status = 400
    retry_after: int | None = None

    def __init__(self, detail: str = "", *, errors: Sequence[FieldProblem] = ()) -> None:
        super().__init__(self.code)
        self._detail = detail
        self.errors = tuple(errors)

    @property
    def sentence(self) -> str:
        """What this kind of refusal says, its docstring, in English: for commands that know no language."""
        docstring = inspect.cleandoc(type(self).__doc__ or Refusal.__doc__ or "")
        return " ".join(docstring.split())

    @property
    def title(self) -> str:
        """The translated sentence of this kind of refusal."""
        return gettext(self.sentence)

    @property
    def detail(self) -> str:
        """The sentence that fits this very case, or the title where there is none."""
        return str(self._detail) or self.title

    def as_problem(self) -> dict[str, object]:
        """Return the RFC 9457 problem document as a JSON-ready mapping."""
        problem: dict[str, object] = {
            "type": f"urn:cencomm:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            problem["errors"] = [{"field": e.field, "code": e.code, "message": str(e.message)} for e in self.errors]
        return problem
