"""Texts that break programs, and how hypothesis makes more of them. No test lives here.

`NAUGHTY` is a small set of our own, of the kinds that others have collected by the hundred: those are read in
`tests/realdata/test_naughty_strings.py` where they lie on the machine.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAUGHTY = (
    "undefined", "null", "NaN", "None", "true", "\\", "0", "-1", "1e400", "0x0", "1/0", "٠١٢", "１２３",
    "9223372036854775808", "999999999999999999999999", "2026-02-30", "0000-00-00",
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</textarea><svg/onload=alert(1)>",
    "javascript:alert(1)", "{{ 7*7 }}", "{% debug %}", "${7*7}", "#{7*7}", "%s%s%n", "%(x)s", "{0}",
    "{x.__class__}", "' OR 1=1 --", "\"; DROP TABLE x; --", "$(touch x)", "`id`", "| cat /etc/passwd",
    "../../../etc/passwd", "C:\\CON", "=1+1", "+1", "-1+1", "@SUM(1)", "=cmd|' /C calc'!A0", "\t=1+1",
    "\r=1+1", "\u202eTXT.EXE", "a\u200bb", "\ufeffstart", "\u2028line\u2029", "e\u0301", "Ω≈ç√∫", "田中さん",
    "صباح الخير", "שלום", "И́нна", "ﷺ" * 20, "Z̷̢a̸l̵g̶o̷" * 4, "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "İıŞş", "ß" * 30,
    "ﬁ", "\u00a0", "\u3000", "\U0010ffff", "a" * 500, "two\nlines", "cr\r\nlf", "tab\there", "\x7f",
    "\x85", "\u0080", "\x1b[31mred", "\x00", "a\x00b", "\ud800", "ABC\u0000", "&lt;b&gt;", "&#x3c;b>",
    "<r><t>x</t></r>", "<r>&</r>", "_x0041_", "\ufffe", "\uffff",
    "<!--", "]]>", "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
)  # fmt: skip

texts = st.one_of(st.text(max_size=60), st.sampled_from(NAUGHTY))
numbers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**40, -(2**63) - 1]),
)
plain = st.one_of(st.none(), st.booleans(), numbers, texts, st.uuids().map(str))
json_values = st.recursive(
    plain,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def encodable(value: Any) -> bool:
    """Whether a client could send this at all: halves of surrogates are no UTF-8."""
    if isinstance(value, str):
        return all(not 0xD800 <= ord(character) < 0xE000 for character in value)
    if isinstance(value, dict):
        return all(encodable(name) and encodable(one) for name, one in value.items())
    return all(encodable(one) for one in value) if isinstance(value, list) else True
