"""Specifications of forms, and bodies under any of them, given anything: named refusals, never an exception."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplified_forms.catalogue import CATALOGUE, fields_of
from simplified_forms.compilation import compiled
from simplified_forms.description import described_fields
from simplified_forms.errors import BadTemplate
from simplified_forms.fields import Kind
from simplified_forms.presentation import rows
from simplified_forms.shapes import FieldDescription
from simplified_forms.specification import MAX_FIELDS, MAX_HELP, checked_spec
from simplified_forms.validation import validate
from tests.examples import fuzzing
from tests.robustness.words import NAUGHTY, encodable, json_values, numbers, texts
from tests.simplified_forms.bodies import FULL, context

KINDS = [kind.value for kind in Kind]
names = st.one_of(st.sampled_from(sorted(CATALOGUE)), texts)
codes = st.one_of(texts, st.sampled_from(["DRG", "SEA", "KGM", "NG"]))
languages = st.sampled_from(["en", "fr", "de"])
entries = st.fixed_dictionaries(
    {"name": names},
    optional={
        "required": json_values,
        "codes": st.one_of(st.none(), st.lists(codes, max_size=5), json_values),
        "help": st.one_of(st.dictionaries(languages, st.one_of(texts, numbers), max_size=3), json_values),
        "default": json_values,
    },
)  # fmt: skip
specs = st.one_of(
    json_values, st.builds(lambda found: {"fields": found}, st.lists(st.one_of(entries, json_values), max_size=8))
)


@fuzzing(400)
@given(specs, st.sampled_from(KINDS), st.booleans(), st.booleans())
def test_a_specification_is_kept_in_one_spelling_or_refused(
    spec: Any, kind: str, nominal: bool, complete: bool
) -> None:
    try:
        kept = checked_spec(spec, kind=kind, nominal_allowed=nominal, complete=complete)
    except BadTemplate as refusal:
        if not refusal.errors:
            pytest.fail("it does not say why")
        return
    assert checked_spec(kept, kind=kind, nominal_allowed=nominal, complete=complete) == kept
    assert len(kept["fields"]) <= MAX_FIELDS
    assert all(len(text) <= MAX_HELP for entry in kept["fields"] for text in entry["help"].values())
    compiled(kept, kind=kind, nominal_allowed=nominal)
    described_fields(kept, language="fr", nominal_allowed=nominal)


bodies = st.one_of(
    json_values,
    st.dictionaries(
        st.one_of(st.sampled_from([entry["name"] for entry in FULL["fields"]]), texts), json_values, max_size=6
    ),
)


@fuzzing(400)
@given(bodies.filter(encodable))
def test_any_body_is_cleaned_or_told_what_is_wrong(body: Any) -> None:
    outcome = validate(FULL, body, context())
    if outcome.errors:
        assert all(problem.code and problem.message for problem in outcome.errors)
        return
    again = validate(FULL, outcome.cleaned, context())
    assert (again.errors, again.cleaned) == ([], outcome.cleaned)


def places_of(word: str, field: FieldDescription) -> Iterator[Any]:
    """Yield values that hold a word in each place that a field has, and in the wrong shape."""
    yield word
    yield [word]
    yield {word: word}
    for part in field.get("fields", ()):
        for value in places_of(word, part):
            yield [{part["name"]: value}]
    match field["type"]:
        case "quantity":
            yield from ({"value": word, "unit": "KGM"}, {"value": "1", "unit": word})
        case "money":
            yield from ({"value": word, "currency": "EUR"}, {"value": "1", "currency": word})


def whole_spec(kind: Kind) -> dict[str, list[dict[str, Any]]]:
    """Return a form with everything that the catalogue has for a kind, data about persons included."""
    spec = {"fields": [{"name": field.name} for field in fields_of(kind)]}
    return checked_spec(spec, kind=kind, nominal_allowed=True, complete=False)


def leaves(fields: Iterable[FieldDescription], above: str = "") -> Iterator[str]:
    for field in fields:
        yield f"{above}{field['name']}"
        yield from leaves(field.get("fields", ()), f"{above}{field['name']}.")


def test_naughty_words_in_every_field_that_any_form_may_have() -> None:
    """Each field of the catalogue in each kind, each part of a row, each word: cleaned and shown, or refused there.

    What comes out of it is what goes in again unchanged, and holds no character that a text must not hold.
    """
    judged, tried = 0, set()
    for kind in Kind:
        whole = whole_spec(kind)
        described = described_fields(whole, language="en", nominal_allowed=True)
        tried |= {(kind, name) for name in leaves(described)}
        for entry, field in zip(whole["fields"], described, strict=True):
            spec = {"fields": [entry]}
            for word in NAUGHTY:
                for value in places_of(word, field):
                    outcome = validate(spec, {entry["name"]: value}, context(kind=kind.value))
                    at = {problem.field.partition(".")[0] for problem in outcome.errors}
                    if entry["name"] not in at and entry["name"] in outcome.cleaned:
                        rows(spec, outcome.cleaned, "en")
                        again = validate(spec, outcome.cleaned, context(kind=kind.value))
                        assert again.cleaned == outcome.cleaned, (kind, entry["name"], value)
                        assert not any(sign in str(outcome.cleaned) for sign in FORBIDDEN), (entry["name"], value)
                    judged += 1
    assert tried == {(kind, name) for kind in Kind for name in every_name(kind)}
    assert judged > 40_000


def every_name(kind: Kind) -> Iterator[str]:
    """Yield the names of a kind's fields, and those within rows, as the catalogue has them."""
    for field in fields_of(kind):
        yield field.name
        yield from (f"{field.name}.{part.name}" for part in field.fields)


FORBIDDEN = ("\x00", "\x1b", "\x7f", "\x85", "\u0080", "\ud800")
