"""Laws of validation, for any JSON: it never raises, its answer is a fixed point in the order of the form."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st

from simplified_forms.catalogue import CATALOGUE, fields_of
from simplified_forms.compilation import known_codes
from simplified_forms.fields import Field, Kind
from simplified_forms.specification import checked_spec
from simplified_forms.starting import entry
from simplified_forms.validation import validate
from tests.examples import fuzzing
from tests.simplified_forms.bodies import context

TEXT = st.text(max_size=40)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
DAY = st.dates().map(lambda day: day.isoformat())
NUMBER = (
    st.decimals(min_value=0, max_value=10**12, places=3).map(str)
    | st.integers(min_value=0, max_value=10**9)
    | st.floats(min_value=0, max_value=10**9)
)


def code_of(field: Field) -> st.SearchStrategy[str]:
    codes = sorted(known_codes(field))
    return st.sampled_from(codes) | st.sampled_from(codes).map(str.lower)


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """Values that are often right for a field, so that bodies often pass."""
    rows = st.lists(st.deferred(lambda: body_of(field.fields)), max_size=3)
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "text": TEXT,
        "long_text": st.text(max_size=200),
        "place": TEXT,
        "hs": st.sampled_from(["2402", "24.02", "240220", "99"]),
        "date": DAY,
        "time": st.times().map(lambda time: time.isoformat()),
        "datetime": st.datetimes().map(lambda moment: moment.isoformat()),
        "integer": st.integers(),
        "decimal": NUMBER,
        "boolean": st.booleans(),
        "message": st.uuids().map(str),
        "messages": st.lists(st.uuids().map(str), max_size=3),
        "lines": rows,
        "route": rows,
        "persons": rows,
        "documents": rows,
    }
    if field.type in by_type:
        return by_type[field.type]
    if field.type in ("codes", "countries"):
        return st.lists(code_of(field), max_size=4)
    if field.type == "quantity":
        return st.fixed_dictionaries({"value": NUMBER, "unit": code_of(field)})
    if field.type == "money":
        return st.fixed_dictionaries({"value": NUMBER, "currency": code_of(field)})
    return code_of(field)


def body_of(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={field.name: value_of(field) for field in fields})


def bodies_near(kind: Kind) -> st.SearchStrategy[dict[str, Any]]:
    fields = tuple(fields_of(kind.value))
    wild = st.dictionaries(st.sampled_from([field.name for field in fields]) | TEXT, JSON, max_size=4)
    return st.builds(lambda good, bad, mix: {**good, **(bad if mix else {})}, body_of(fields), wild, st.booleans())


SPECS = {
    kind: {"fields": [entry(field.name, required=kind.value in field.essential) for field in fields_of(kind.value)]}
    for kind in Kind
}


def loose(kind: Kind) -> dict[str, Any]:
    """The form of every field with nothing mandatory, so that many bodies pass."""
    return {"fields": [{**one, "required": False} for one in SPECS[kind]["fields"]]}


@given(st.sampled_from(Kind), JSON)
def test_any_json_is_judged_without_raising(kind: Kind, body: object) -> None:
    outcome = validate(SPECS[kind], body, context(kind.value, nominal_allowed=True))
    orjson.dumps(outcome.cleaned)


@fuzzing(80)
@given(
    st.sampled_from([Kind.SEIZURE, Kind.WARNING, Kind.FEEDBACK, Kind.MOVEMENT]).flatmap(
        lambda kind: st.tuples(st.just(kind), bodies_near(kind))
    )
)
def test_cleaning_twice_changes_nothing(case: tuple[Kind, dict[str, Any]]) -> None:
    kind, body = case
    here = context(kind.value, nominal_allowed=True)
    wrong = {problem.field.split(".")[0] for problem in validate(loose(kind), body, here).errors}
    once = validate(loose(kind), {name: value for name, value in body.items() if name not in wrong}, here)
    assume(once.ok)
    twice = validate(loose(kind), once.cleaned, here)
    assert twice.ok
    assert orjson.dumps(twice.cleaned) == orjson.dumps(once.cleaned)


@given(bodies_near(Kind.SEIZURE), st.randoms())
def test_the_order_of_a_body_does_not_matter(body: dict[str, Any], random: Any) -> None:
    names = list(body)
    random.shuffle(names)
    here = context(nominal_allowed=True)
    first = validate(loose(Kind.SEIZURE), body, here)
    second = validate(loose(Kind.SEIZURE), {name: body[name] for name in names}, here)
    assert orjson.dumps(first.cleaned) == orjson.dumps(second.cleaned)
    assert set(first.errors) == set(second.errors)


@given(bodies_near(Kind.SEIZURE))
def test_nothing_comes_back_that_the_form_does_not_have(body: dict[str, Any]) -> None:
    outcome = validate(SPECS[Kind.SEIZURE], body, context())
    assert all(name in CATALOGUE and not CATALOGUE[name].nominal for name in outcome.cleaned)


@given(st.sampled_from(Kind), st.lists(st.sampled_from(sorted(CATALOGUE)), unique=True, max_size=8))
def test_a_checked_specification_is_a_fixed_point(kind: Kind, names: list[str]) -> None:
    fields = [entry(name) for name in names if kind.value in CATALOGUE[name].kinds]
    once = checked_spec({"fields": fields}, kind=kind.value, nominal_allowed=True, complete=False)
    assert checked_spec(once, kind=kind.value, nominal_allowed=True, complete=False) == once
