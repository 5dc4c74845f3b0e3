"""Fills a group of the running product with a long history, by the ordinary action that imports use.

What must not live here: what is measured, and by whom.
"""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

from tests.journeys.product import Product

# Runs inside the product, as `cencomm manage shell` does: notes of one officer, of which every tenth answers an
# earlier one, so that threads lie across the pages.
SCRIPT = """
from uuid import UUID
from groups.models import Membership
from messaging.actions import post_messages
from messaging.drafts import Draft
member = Membership.objects.select_related("group", "officer__administration").get(
    group__code="CULT", officer__email="{email}", left_at__isnull=True)
def drafts():
    for number in range({count}):
        answered = UUID(int={seed} + number - 7) if number % 10 == 9 else None
        yield Draft(id=UUID(int={seed} + number), kind="note", in_reply_to=answered,
                    body={{"text": f"Entry {{number}} of the {watch}, berth {{number % 37}}, nothing found"}})
sent = sum(outcome.created for outcome in post_messages(member, drafts()))
print("sent", sent, member.group_id)
"""
SEED = 0x5EED << 100


def fill(product: Product, email: str, count: int, *, watch: str = "long watch") -> None:
    """Send so many notes of that officer to the group whose members see no other."""
    code = SCRIPT.format(email=email, count=count, seed=SEED + zlib.crc32(watch.encode()) * 2**32, watch=watch)
    done = subprocess.run(
        [*product.command("manage")[:-2], "--data", str(product.data), "shell", "-c", code],
        env={**product.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        cwd=product.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"sent {count}" in done.stdout, done.stdout + done.stderr
