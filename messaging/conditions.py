"""Conditions that Django's lookups do not have. No query lives here."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, F, Func, Q, UUIDField, Value


class OneOf(Func):
    """A column is one of these identifiers: `= ANY(array)`, one parameter however many they are.

    `__in` with thousands of parameters costs more to write than to run; a subquery of them hides their number from
    the planner.
    """

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()

    def __init__(self, column: str, ids: Iterable[UUID]) -> None:
        super().__init__(F(column), Value(list(ids), output_field=ArrayField(UUIDField())))


def in_thread(thread: UUID) -> Q:
    """A message is of this thread: it began it, or is in the index of those that did not begin theirs."""
    return Q(pk=thread, thread=thread) | (Q(thread=thread) & ~Q(thread=F("id")))
