"""The plans that PostgreSQL makes for the statements of a block: which nodes read which table, and how many rows.

What must not live here: which statements, and what is allowed to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

EXPLAIN = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "


@dataclass(frozen=True, slots=True)
class Read:
    """One node of a plan that reads a table: how, by which index, and the rows it went through in all its turns."""

    node: str
    table: str
    index: str
    rows: int
    statement: str

    def __str__(self) -> str:
        return f"{self.node} {self.table} {self.index}: {self.rows} rows\n    {self.statement}"


@contextmanager
def reads() -> Iterator[list[Read]]:
    """Collect what the statements of this block read. Each runs twice: what its plan changed is taken back."""
    found: list[Read] = []

    def explained(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not many and isinstance(sql, str) and sql.lstrip().startswith(("SELECT", "WITH", "UPDATE")):
            with transaction.atomic(), connection.connection.cursor() as cursor:
                cursor.execute(EXPLAIN + sql, params)
                [[plan]] = cursor.fetchall()
                transaction.set_rollback(True)
            plan = json.loads(plan) if isinstance(plan, str) else plan
            found.extend(_reads(plan[0]["Plan"], "", " ".join(sql.split())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        yield found


def _reads(node: dict[str, Any], table: str, statement: str) -> Iterator[Read]:
    table = node.get("Relation Name", table)
    below = node.get("Plans", [])
    if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
        yield Read(node["Node Type"], table, node.get("Index Name", ""), _rows(node), statement)
    for child in below:
        yield from _reads(child, table, statement)


def _rows(node: dict[str, Any]) -> int:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return round((rows + node.get("Rows Removed by Index Recheck", 0)) * node["Actual Loops"])
