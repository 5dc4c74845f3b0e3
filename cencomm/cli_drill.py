"""`bin/cencomm drill`: the fault suite of the folder `tests/faults`, long, and the soak; they are written there."""

from __future__ import annotations

import argparse
import importlib
import importlib.util

from cencomm.cli_errors import CommandRefused

MODULE = "tests.faults.drill"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.add_argument("--seed", type=int, metavar="N", help="the seed to draw the faults from (default: any)")
    parser.add_argument("--minutes", type=float, default=0, metavar="M", help="how long (default: 45 s; soak: 30)")
    parser.add_argument("--web", type=int, default=2, metavar="N", help="web processes (default: %(default)s)")
    parser.add_argument("--only", action="append", metavar="FAULT", help="this kind of fault only; repeatable")
    parser.add_argument("--soak", action="store_true", help="no faults: half the maximum rate, and what grows")
    parser.add_argument("--rate", type=float, default=0, metavar="R", help="of a soak: posts a second, at most")
    parser.add_argument("--logs", metavar="DIR", help="leave the logs of the processes there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_drill(options: argparse.Namespace) -> int:
    """Run it; the exit code is 0 when every promise held."""
    if importlib.util.find_spec("tests") is None or importlib.util.find_spec("tests.faults") is None:
        message = "The fault suite is not in this installation: it comes with the repository, in tests/faults."
        raise CommandRefused(message, code=69)
    return int(importlib.import_module(MODULE).run_drill(options))
