"""`manage cen_recount`: count the sums that CEN keeps beside its seizures anew, in one transaction."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from cen.rows import DATABASE
from cen.tally import recount_tally


class Command(BaseCommand):
    """For repair after rows were changed by hand; intakes wait meanwhile."""

    help = "Count the sums that CEN keeps beside its seizures anew."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic(using=DATABASE):
            recount_tally()
        self.stdout.write("Counted.")
