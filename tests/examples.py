"""How many examples hypothesis makes, and which. No test lives here.

The same ones in every run, whatever ran before and whatever else the product contains: no test fails by chance.
`CENCOMM_EXAMPLES=20` makes twenty times as many, other ones in each run, and prints what reproduces a failure.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

LONGER = max(1, int(os.environ.get("CENCOMM_EXAMPLES", "1")))

# How long examples take, and how many are too large or thrown away, says nothing about what is tested.
settings.register_profile(
    "cencomm",
    max_examples=100 * LONGER,
    deadline=None,
    derandomize=LONGER == 1,
    database=None,
    print_blob=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
settings.load_profile("cencomm")
if LONGER == 1:
    # Hypothesis also tries the constants of all our modules that are loaded by then: a word changed anywhere, or
    # another test before this one, would make other examples.
    providers._get_local_constants = lambda: providers._local_constants


def fuzzing(examples: int) -> Any:
    """Return hypothesis' settings: so many examples in CI, more where asked for."""
    return settings(max_examples=examples * LONGER, suppress_health_check=list(HealthCheck))
