"""What screening finds and misses in labelled texts, per kind, and what it costs.

Run: .venv/bin/python -m benchmarks.bench_screening [--json] [--misses tuning|held_out|held_out_2]

Three parts: the rules were changed while looking at the tuning part; the parts held out were written before them,
the second before those that it measures, and are only counted. A finding is right when it shares a character with a
labelled passage of its kind. `passages` counts what is labelled whatever its kind, `clean texts` the texts without
any label that raise no finding.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django

PARTS = ("tuning", "held_out", "held_out_2")
_MARK = re.compile(r"\[\[(\w+):(.*?)\]\]")
_COUNTRY = {
    "en": ("GH", "NG"),
    "fr": ("TG", "FR"),
    "es": ("ES",),
    "pt": ("PT",),
    "nl": ("NL",),
    "de": ("DE",),
    "ru": ("RU",),
}


@dataclass(frozen=True)
class Labelled:
    """A text without its marks, and what was marked: (kind, start, end)."""

    language: str
    text: str
    spans: tuple[tuple[str, int, int], ...]


@dataclass
class Score:
    """Counts over one part."""

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    clean_quiet: int = 0
    passages: int = 0
    passages_found: int = 0
    misses: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def as_rows(self) -> dict[str, dict[str, float | int]]:
        """Return precision and recall per kind."""
        kinds = sorted({*self.found, *self.missed, *self.right, *self.wrong})
        rows: dict[str, dict[str, float | int]] = {
            kind: {
                "labelled": self.found[kind] + self.missed[kind],
                "recall": _share(self.found[kind], self.missed[kind]),
                "precision": _share(self.right[kind], self.wrong[kind]),
            }
            for kind in kinds
        }
        rows["all kinds"] = {
            "labelled": self.found.total() + self.missed.total(),
            "recall": _share(self.found.total(), self.missed.total()),
            "precision": _share(self.right.total(), self.wrong.total()),
        }
        return rows


def _share(good: int, bad: int) -> float:
    return round(good / (good + bad), 4) if good + bad else 1.0


def labelled(part: str) -> Iterator[Labelled]:
    """Yield the texts of a part."""
    for line in (Path(__file__).parent / "screening" / f"{part}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        language, marked = line.split("\t")
        text, spans, end = "", [], 0
        for match in _MARK.finditer(marked):
            text += marked[end : match.start()]
            spans.append((match[1], len(text), len(text) + len(match[2])))
            text, end = text + match[2], match.end()
        yield Labelled(language, text + marked[end:], tuple(spans))


def judge(texts: Sequence[Labelled]) -> Score:
    """Return what screening finds of what is labelled."""
    from simplified_forms.screening import screen

    score = Score()
    for one in texts:
        findings = screen(one.text, _COUNTRY.get(one.language, ()))
        for kind, start, end in one.spans:
            over = [finding for finding in findings if finding.start < end and start < finding.end]
            hit = any(finding.kind == kind for finding in over)
            (score.found if hit else score.missed)[kind] += 1
            score.passages += 1
            score.passages_found += bool(over)
            if not hit:
                score.misses.append(
                    f"{kind}: {one.text[start:end]!r} in {one.text!r} ({[f.kind.value for f in over]})"
                )
        for finding in findings:
            hit = any(
                kind == finding.kind and finding.start < end and start < finding.end
                for kind, start, end in one.spans
            )
            (score.right if hit else score.wrong)[finding.kind.value] += 1
            if not hit:
                score.alarms.append(
                    f"{finding.kind.value}: {one.text[finding.start : finding.end]!r} in {one.text!r}"
                )
        if not one.spans:
            score.clean += 1
            score.clean_quiet += not findings
    return score


@contextmanager
def lists_without(texts: Sequence[Labelled]) -> Iterator[None]:
    """Take the labelled names out of the lists: what is found then is found by where it stands."""
    from simplified_forms.screening import lexicon

    gone = {
        lexicon.folded(word)
        for one in texts
        for kind, start, end in one.spans
        if kind == "name"
        for word in re.findall(r"[^\W\d_]+", one.text[start:end])
    }
    kept = lexicon._given_names, lexicon._family_names
    lists = [known() - gone for known in kept]
    lexicon._given_names, lexicon._family_names = (lambda: lists[0]), (lambda: lists[1])  # type: ignore[assignment]
    try:
        yield
    finally:
        lexicon._given_names, lexicon._family_names = kept


def seconds_per_text(texts: Sequence[Labelled], *, rounds: int = 5) -> float:
    """Return the median over rounds of the mean processor time of one text, everything loaded."""
    from simplified_forms.screening import screen

    means = []
    for _ in range(rounds):
        start = time.process_time()
        for one in texts:
            screen(one.text, _COUNTRY.get(one.language, ()))
        means.append((time.process_time() - start) / len(texts))
    return statistics.median(means)


def measure() -> dict[str, Any]:
    """Return everything that is printed."""
    result: dict[str, Any] = {}
    every: list[Labelled] = []
    for part in PARTS:
        texts = list(labelled(part))
        every += texts
        score = judge(texts)
        with lists_without(texts):
            unknown = judge(texts).as_rows()["name"]["recall"]
        result[part] = {
            "recall_of_names_in_no_list": unknown,
            "texts": len(texts),
            "kinds": score.as_rows(),
            "passages": {"labelled": score.passages, "found": score.passages_found},
            "clean_texts": {"all": score.clean, "quiet": score.clean_quiet},
            "misses": score.misses,
            "alarms": score.alarms,
        }
    result["microseconds_per_text"] = round(seconds_per_text(every) * 1e6, 1)
    result["mean_characters"] = round(statistics.mean(len(one.text) for one in every))
    return result


def main() -> None:
    """Print the figures, and the misses of a part if they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--misses", choices=PARTS, help="name what is missed and what is found wrongly in a part")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    django.setup()
    result = measure()
    misses = {part: (result[part].pop("misses"), result[part].pop("alarms")) for part in PARTS}
    if given.json:
        print(json.dumps(result, indent=2))
        return
    for part in PARTS:
        one = result[part]
        print(f"{part}: {one['texts']} texts")
        for kind, row in one["kinds"].items():
            shares = f"recall {row['recall']:7.1%}  precision {row['precision']:7.1%}"
            print(f"  {kind:12} {row['labelled']:4} labelled  {shares}")
        passages, clean = one["passages"], one["clean_texts"]
        print(f"  recall of names if no list knew them: {one['recall_of_names_in_no_list']:.1%}")
        print(f"  passages found, of whatever kind: {passages['found']} of {passages['labelled']}")
        print(f"  clean texts that raise nothing:   {clean['quiet']} of {clean['all']}")
    print(f"{result['microseconds_per_text']} µs per text of {result['mean_characters']} characters, one core")
    if given.misses:
        missed, alarms = misses[given.misses]
        print("\n".join(["", "missed", *missed, "", "found wrongly", *alarms]), file=sys.stderr)


if __name__ == "__main__":
    main()
