"""Non-nominal screening: what in a free text may point at a person, and where it stands.

Pure functions over text. What must not live here: any decision (people decide), any storage. The rules are this
project's own, from the list in its domain description. They are tuned to miss little and to ask often; what they
find and miss is measured (`python -m benchmarks.bench_screening`, docs/screening.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simplified_forms.screening.findings import LABELS, Finding, FindingKind
from simplified_forms.screening.names import names_in, sure_names_in
from simplified_forms.screening.numbers import ascii_digits, numbers_in
from simplified_forms.screening.things import marked_things

__all__ = ["LABELS", "Finding", "FindingKind", "screen"]

LONGEST = 40_000  # characters of one text; a body holds no longer one
MOST = 200  # findings in one text: who has so many need not count on


def screen(text: str, countries: Sequence[str] = (), *, things_named: bool = False) -> list[Finding]:
    """Return what may be nominal in `text`, in order, without overlaps (the surest kind wins).

    `countries`: alpha-2 codes whose national telephone numbers are known by their rules. `things_named`: the text
    names a thing (a ship, a brand, a carrier), so only what is announced as a person's name counts as one.
    """
    text = ascii_digits(text[:LONGEST])
    taken: list[Finding] = []
    for finding in _candidates(text, countries, things_named=things_named):
        if not any(finding.overlaps(other) for other in taken):
            taken.append(finding)
            if len(taken) == MOST:
                break
    return sorted(taken, key=lambda finding: finding.start)


def _candidates(text: str, countries: Sequence[str], *, things_named: bool) -> Iterator[Finding]:
    if any(c.isdigit() for c in text) or "@" in text:
        yield from numbers_in(text, marked_things(text), countries)
    yield from sure_names_in(text) if things_named else names_in(text)
