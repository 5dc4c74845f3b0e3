"""What the audit trail costs: an entry in its act's transaction, sealing it, verifying it, proving it.

    python -m benchmarks.bench_audit [--entries 50000] [--rounds 3] [--json]

On a PostgreSQL of its own, with fsync. The peer of an entry is a bare insert of the same row into a table without
index, trigger or tree, 64 to a transaction as a batch of posts writes them; the peer of sealing is hashing the same
bytes with SHA-256 once. Rounds are interleaved, medians are printed; only the ratios of one run can be compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.databases import own_databases
from benchmarks.live import report

BATCH = 64
PROOFS = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    with own_databases() as databases:
        from django.conf import settings

        settings.CENCOMM_AUDIT_CHECKPOINTS = Path(databases.folder) / "checkpoints.jsonl"
        found = rounds(options.entries, options.rounds)
    tell(found, options)
    return 0


def rounds(entries: int, count: int) -> dict[str, float]:
    """Return microseconds per entry, the median of the rounds, for each step."""
    from django.db import connection

    from cencomm.audit_trail import seal_now, verify_now
    from vault import keystore

    keystore().platform_sealer(make=True)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_entry (LIKE audit_entry INCLUDING DEFAULTS)")
    taken: dict[str, list[float]] = {}
    total = 0
    for _ in range(count):
        total += entries
        steps: dict[str, tuple[int, Callable[[], Any]]] = {
            "entry": (entries, lambda: write(entries, recorded)),
            "bare insert": (entries, lambda: write(entries, bare)),
            "seal": (entries, seal_now),
            "hash only": (entries, lambda: hash_only(entries)),
            "verify": (total, verify_now),
            "prove": (PROOFS, prove),
        }
        for name, (number, step) in steps.items():
            begun = time.perf_counter()
            step()
            taken.setdefault(name, []).append((time.perf_counter() - begun) / number * 1e6)
    return {name: statistics.median(values) for name, values in taken.items()}


def write(entries: int, insert: Callable[[], None]) -> None:
    """Write so many entries, a batch to a transaction."""
    from django.db import transaction

    for _ in range(entries // BATCH):
        with transaction.atomic():
            insert()


def recorded() -> None:
    """Write one batch as posts do."""
    import audit

    leaves = [(uuid4(), f"message:{uuid4()}", {"kind": "note", "seq": 1}) for _ in range(BATCH)]
    audit.record_each(audit.Action.MESSAGE_POSTED, group=uuid4(), leaves=leaves)


def bare() -> None:
    """Write one batch of the same rows where nothing watches."""
    from django.db import connection

    group = uuid4()
    values: list[Any] = []
    for _ in range(BATCH):
        values += ["message:message:posted", uuid4(), group, f"message:{uuid4()}", '{"kind": "note", "seq": 1}']
    places = ", ".join(["(nextval('audit_entry_id_seq'), %s, %s, %s, %s, %s)"] * BATCH)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO bare_entry (id, action, actor, "group", subject, details) VALUES {places}',  # noqa: S608
            values,
        )


def hash_only(entries: int) -> None:
    """Hash as many bytes, and do nothing else."""
    line = b"x" * 300
    for _ in range(entries):
        hashlib.sha256(line).digest()


def prove() -> None:
    """Make the proofs of the newest entries."""
    from audit.models import Leaf
    from audit.queries import proof_of

    for number in Leaf.objects.order_by("-position").values_list("entry_id", flat=True)[:PROOFS]:
        if proof_of(number) is None:
            message = "an entry has no proof"
            raise RuntimeError(message)


def tell(found: dict[str, float], options: argparse.Namespace) -> None:
    """Print what was found."""
    ratios = {
        "entry": found["entry"] / found["bare insert"],
        "seal": found["seal"] / found["hash only"],
    }
    conditions = report.conditions(entries=options.entries, rounds=options.rounds, batch=BATCH)
    if options.json:
        peers = {name: found.pop(name) for name in ("bare insert", "hash only")}
        print(json.dumps({"ours": found, "peers": peers, "unit": "µs per entry", "ratios": ratios,
                          "conditions": conditions}))  # fmt: skip
        return
    print(f"{'step':14} {'µs per entry':>12}")
    for name, value in found.items():
        print(f"{name:14} {value:12.1f}")
    print(f"an entry costs {ratios['entry']:.1f} times a bare insert; load average {conditions['load_average']}")


if __name__ == "__main__":
    raise SystemExit(main())
