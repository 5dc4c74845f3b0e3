"""How long a session may lie idle: 15 minutes for those who watch over others, 30 for officers.

Accounts does not know groups: whoever knows coordinators registers a question here at start.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from accounts.models import Officer

LONG = timedelta(minutes=30)
SHORT = timedelta(minutes=15)

_questions: list[Callable[[UUID], bool]] = []


def watches_over_others(question: Callable[[UUID], bool]) -> Callable[[UUID], bool]:
    """Register `question(officer_id)`: where it answers yes, that officer's sessions idle out sooner."""
    if question not in _questions:
        _questions.append(question)
    return question


def watches(officer: Officer) -> bool:
    """Whether this officer watches over others: a platform administrator, or a coordinator of any group."""
    return officer.is_platform_administrator or any(question(officer.pk) for question in _questions)


def allowed_for(officer: Officer) -> timedelta:
    """Return how long a session of this officer may lie idle."""
    return SHORT if watches(officer) else LONG
