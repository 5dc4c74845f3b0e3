"""Which questions lack an answer: kept beside them, so that nobody has to go through a long history to find out.

Called under the group's lock by whatever makes, corrects or withdraws a question or an answer. The rule is that of
`queries.answers.Question.open`. What must not live here: who may do any of that.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection

from messaging.kinds import ANSWERS, WANT_ANSWER, Status
from messaging.models import Message
from messaging.queries.answers import ANSWERS_OF_VERSION, VERSIONS

_TABLE = Message._meta.db_table
_SETTLE = f"""
{VERSIONS},
answered AS (
  SELECT version.asked, to_jsonb(array_agg(answer.country)) AS countries
    FROM version CROSS JOIN {ANSWERS_OF_VERSION}
   GROUP BY version.asked
),
judged AS (
  SELECT question.id, question.unanswered AS before,
         question.superseded_at IS NULL AND question.status <> %(withdrawn)s AND (
           answered.countries IS NULL
           OR NOT coalesce(question.addressed_to -> 'countries', '[]'::jsonb) <@ answered.countries) AS unanswered
    FROM version CROSS JOIN LATERAL (SELECT * FROM {_TABLE} found WHERE found.id = version.id OFFSET 0) question
    LEFT JOIN answered USING (asked)
)
UPDATE {_TABLE} SET unanswered = NOT unanswered
 WHERE id = ANY (ARRAY(SELECT judged.id FROM judged WHERE judged.unanswered <> judged.before))
"""  # noqa: S608 - the table's name is ours


def settle_questions(asked: Collection[UUID]) -> None:
    """Say of every version of these questions whether an answer is missing."""
    if not asked:
        return
    values: dict[str, Any] = {"asked": list(asked), "answers": list(ANSWERS), "withdrawn": Status.WITHDRAWN.value}
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, values)


def questions_touched(message: Message) -> set[UUID]:
    """Return the questions that a message is, or answers."""
    if message.kind in WANT_ANSWER:
        return {message.pk}
    return {message.in_reply_to_id} if message.kind in ANSWERS and message.in_reply_to_id else set()
