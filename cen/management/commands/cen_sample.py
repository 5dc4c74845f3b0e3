"""`manage cen_sample --rows N --seed S`: take invented seizures into CEN, for demonstrations and benchmarks."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime
from itertools import batched
from typing import Any

from django.core.management.base import BaseCommand

from cen.actions import take_in
from cen.sample import sample_records

BATCH = 10_000


class Command(BaseCommand):
    """Take invented seizures into CEN. The same rows and seed again change nothing."""

    help = "Take invented, believable seizures into CEN (source: sample)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rows", type=int, default=5_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--until", type=date.fromisoformat, default=datetime.now(UTC).date())

    def handle(self, *args: Any, **options: Any) -> None:
        accepted = 0
        records = sample_records(rows=options["rows"], seed=options["seed"], until=options["until"])
        for batch in batched(records, BATCH):
            receipts = take_in(batch, source="sample", client="cen_sample")
            accepted += sum(receipt.outcome == "accepted" for receipt in receipts)
        self.stdout.write(f"{accepted} invented seizures taken into CEN")
