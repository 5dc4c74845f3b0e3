"""Screening finds what may name a person, and lets numbers of things pass."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simplified_forms.screening import FindingKind, screen


@pytest.mark.parametrize(
    ("text", "kind", "passage"),
    [
        ("write to j.doe@example.org today", FindingKind.EMAIL, "j.doe@example.org"),
        ("call +233 24 555 0187 on arrival", FindingKind.PHONE, "+233 24 555 0187"),
        ("tel 06 12 34 56 78", FindingKind.PHONE, "06 12 34 56 78"),
        ("paid from DE89 3704 0044 0532 0130 00", FindingKind.IBAN, "DE89 3704 0044 0532 0130 00"),
        ("passport A1234567 shown", FindingKind.PASSPORT, "A1234567"),
        ("truck AB-123-CD parked", FindingKind.PLATE, "AB-123-CD"),
        ("consignee: Jean Dupont of Lomé", FindingKind.NAME, "Jean Dupont"),
        ("the driver Mr. Kofi Mensah said", FindingKind.NAME, "Kofi Mensah"),
        ("Mme Aïcha Diallo", FindingKind.NAME, "Aïcha Diallo"),
        ("reçu de Paul MARTINEAU hier", FindingKind.NAME, "Paul MARTINEAU"),
    ],
)
def test_person_is_found(text: str, kind: FindingKind, passage: str) -> None:
    found = [(finding.kind, text[finding.start : finding.end]) for finding in screen(text)]
    assert (kind, passage) in found


@pytest.mark.parametrize(
    "text",
    [
        "container MSKU9070323 behind the door",
        "IMO 9074729 berthed at 21:00",
        "parcel RR473124829GB from abroad",
        "tramadol 225 mg, 1240000 tablets in floor polish",
        "seized 12.5 kg near the scanner",
        "",
    ],
)
def test_thing_is_let_pass(text: str) -> None:
    assert screen(text) == []


def test_findings_do_not_overlap_and_stand_in_order() -> None:
    text = "driver Jean Dupont, jean.dupont@example.org, +33 6 12 34 56 78"
    findings = screen(text)
    assert [finding.kind for finding in findings] == [FindingKind.NAME, FindingKind.EMAIL, FindingKind.PHONE]
    assert all(one.end <= other.start for one, other in pairwise(findings))
