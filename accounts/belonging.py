"""Whether somebody answers for an officer: a coordinator of a group that the officer is a member of.

Accounts does not know groups: whoever does registers a question here at start.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from accounts.models import Officer

_questions: list[Callable[[UUID], bool]] = []


def belongs_to_a_group(question: Callable[[UUID], bool]) -> Callable[[UUID], bool]:
    """Register `question(officer_id)`: whether the officer is a member of any group, with whatever role."""
    if question not in _questions:
        _questions.append(question)
    return question


def has_coordinators(officer: Officer) -> bool:
    """Whether coordinators answer for this officer; for an administrator they do not, whatever was before."""
    return not officer.is_platform_administrator and any(question(officer.pk) for question in _questions)
