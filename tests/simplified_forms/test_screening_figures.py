"""What screening finds of labelled texts does not fall: floors for the figures in docs/screening.md."""

from __future__ import annotations

import pytest

from benchmarks.bench_screening import PARTS, judge, labelled, lists_without
from simplified_forms.screening import FindingKind


@pytest.mark.parametrize(
    ("part", "recall", "precision", "quiet", "unknown_names"),
    [
        ("tuning", 0.97, 0.95, 0.95, 0.85),
        ("held_out", 0.95, 0.95, 0.92, 0.75),
        ("held_out_2", 0.90, 0.92, 0.92, 0.80),
    ],
)
def test_screening_misses_little(
    part: str, recall: float, precision: float, quiet: float, unknown_names: float
) -> None:
    texts = list(labelled(part))
    score = judge(texts)
    rows = score.as_rows()
    assert rows["all kinds"]["recall"] >= recall, score.misses
    assert rows["all kinds"]["precision"] >= precision, score.alarms
    assert score.clean_quiet >= quiet * score.clean, score.alarms
    assert {kind for kind, row in rows.items() if row["recall"] < 0.85} == set(), score.misses
    with lists_without(texts):
        assert judge(texts).as_rows()["name"]["recall"] >= unknown_names


def test_the_labelled_texts_are_many_and_of_every_kind_and_language() -> None:
    parts = {part: list(labelled(part)) for part in PARTS}
    assert sum(map(len, parts.values())) >= 400
    seen = [one.text for texts in parts.values() for one in texts]
    assert len(seen) == len(set(seen))
    for texts in parts.values():
        assert {kind for one in texts for kind, _start, _end in one.spans} == {kind.value for kind in FindingKind}
        assert {one.language for one in texts} == {"en", "fr", "es", "pt", "nl", "de", "ru", "ar"}
