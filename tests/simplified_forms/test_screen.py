"""Screening finds what may name a person, and lets numbers and names of things pass."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplified_forms.screening import FindingKind, screen
from simplified_forms.screening.bodies import screen_field, screen_file_name, screen_message


def found_in(text: str, *countries: str) -> list[tuple[str, str]]:
    return [(finding.kind.value, text[finding.start : finding.end]) for finding in screen(text, countries)]


@pytest.mark.parametrize(
    ("text", "kind", "passage"),
    [
        ("write to j.doe@example.org today", "email", "j.doe@example.org"),
        ("call +233 24 555 0187 on arrival", "phone", "+233 24 555 0187"),
        ("tel 06 12 34 56 78", "phone", "06 12 34 56 78"),
        ("paid from DE89 3704 0044 0532 0130 00", "iban", "DE89 3704 0044 0532 0130 00"),
        ("from GB29 NWBK 6016 1331 9268 19 LAST WEEK", "iban", "GB29 NWBK 6016 1331 9268 19"),
        ("passport A1234567 shown", "passport", "A1234567"),
        ("identity card no. 27451893", "passport", "27451893"),
        ("truck AB-123-CD parked", "plate", "AB-123-CD"),
        ("plate A123BC at the gate", "plate", "A123BC"),
        ("born 12 March 1984 in Kano", "birth", "12 March 1984"),
        ("consignee: Jean Dupont of Lomé", "name", "Jean Dupont"),
        ("the driver Mr. Kofi Mensah said", "name", "Kofi Mensah"),
        ("Mme Aïcha Diallo", "name", "Aïcha Diallo"),
        ("reçu de Paul MARTINEAU hier", "name", "Paul MARTINEAU"),
        ("driver kofi boateng ran", "name", "kofi boateng"),
        ("signed A. K. Owusu", "name", "A. K. Owusu"),
        ("водитель Иванов Сергей Петрович", "name", "Иванов Сергей Петрович"),
        ("السيد أحمد حسن", "name", "أحمد حسن"),
        ("هاتف ٠٥٠١٢٣٤٥٦٧", "phone", "٠٥٠١٢٣٤٥٦٧"),
        # names that no list knows
        ("at night Zubwe Quorra fled over the wall", "name", "Zubwe Quorra"),
        ("hier Zubwe Quorra a été interpellé", "name", "Zubwe Quorra"),
        ("Zubwe Quorra wurde gestern am Tor festgenommen", "name", "Zubwe Quorra"),
        ("then Zubwe Quorra, 34, left", "name", "Zubwe Quorra"),
        ("and Zubwe Quorra (bosun) left", "name", "Zubwe Quorra"),
        ("Mr Adebayo and Zubwe Quorra left", "name", "Zubwe Quorra"),
        ("loaded by Zubwe Quorravili in Zubwe Quorraszwili, Zubwe Quorrashvili", "name", "Zubwe Quorrashvili"),
        ("his brother Quorra waits", "name", "Quorra"),
        ("ticket QUORRA/ZUBWE MR seat 2A", "name", "QUORRA/ZUBWE MR"),
        ("البحار قصواء المنصوري وقع", "name", "قصواء المنصوري"),
    ],
)
def test_person_is_found(text: str, kind: str, passage: str) -> None:
    assert (kind, passage) in found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "container MSKU9070323 behind the door",
        "container TGHU1234567 with a wrong check digit",
        "IMO 9074729 berthed at 21:00",
        "parcel RR473124829GB from abroad",
        "tramadol 225 mg, 1240000 tablets in floor polish",
        "seized 12.5 kg near the scanner",
        "seal EU1234567 cut, HS 2402.20, 25 000 kg, 480 cartons",
        "MV Ocean Pearl from Santos, IMO 9319466, to Port Harcourt",
        "OPX-GH-WRN-00012 and invoice 2026/0045 of 21.11.2026",
        "flight ET509, AWB 071-12345675, voyage 045W",
        "San Pedro, Santa Cruz de Tenerife and Jomo Kenyatta Airport",
        "Captain and crew were cooperative, the driver was released.",
        "Shift Charlie and Toyota Corolla, Amber Resin, collected by DHL",
        "Zubwe Quorra berths at noon, Queen Victoria sails",
        "",
    ],
)
def test_thing_is_let_pass(text: str) -> None:
    assert found_in(text) == []


def test_findings_do_not_overlap_and_stand_in_order() -> None:
    text = "driver Jean Dupont, jean.dupont@example.org, +33 6 12 34 56 78"
    findings = screen(text)
    assert [finding.kind for finding in findings] == [FindingKind.NAME, FindingKind.EMAIL, FindingKind.PHONE]
    assert all(one.end <= other.start for one, other in pairwise(findings))


def test_national_telephone_numbers_of_known_countries_are_found() -> None:
    assert found_in("seen beside 612345678 on it") == []
    assert found_in("seen beside 612345678 on it", "ES") == [("phone", "612345678")]


def test_a_field_that_names_a_thing_asks_only_about_announced_persons() -> None:
    assert screen_field("carrier", "Jean Dupont Transit") == []
    assert [one.kind for one in screen_field("transport.carrier", "Mr. Jean Dupont")] == [FindingKind.NAME]
    assert [one.kind for one in screen_field("conveyance_identity", "Hilux GR 4521-19")] == [FindingKind.PLATE]
    assert screen_field("document_number", "AB1234567") == []
    assert [one.kind for one in screen_field("document_number", "x@example.org")] == [FindingKind.EMAIL]


def test_a_message_is_screened_field_by_field_and_its_own_things_are_known() -> None:
    body = {
        "text": "Seal AB1234567 and Marie Celeste looked at; ask Kofi Mensah",
        "seal": "AB1234567",
        "conveyance_identity": "Marie Celeste",
        "departure_place": "Mr. Yao Konan's yard",
        "goods": [{"description": "for Aïcha Diallo"}],
        "person_name": "Somebody Known",
        "unheard_of": "Kofi Mensah",
    }
    found = screen_message(subject="tel. +33 6 12 34 56 78", body=body)
    assert [(one.field, one.finding.kind.value, one.passage) for one in found] == [
        ("subject", "phone", "+33 6 12 34 56 78"),
        ("text", "name", "Kofi Mensah"),
        ("departure_place", "name", "Yao Konan's"),
        ("goods.0.description", "name", "Aïcha Diallo"),
    ]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("Kofi_Mensah_passport.jpg", {"name"}),
        ("passport_A1234567.jpg", {"passport"}),
        ("plate AB-123-CD.png", {"plate"}),
        ("IMG_20261121_140502.jpg", set()),
        ("container_MSKU9070323_door.jpg", set()),
        ("scan-0042.pdf", set()),
    ],
)
def test_file_names_are_screened(name: str, kinds: set[str]) -> None:
    assert {finding.kind.value for finding in screen_file_name(name)} == kinds


@given(st.text(max_size=300), st.sampled_from([(), ("GH", "FR"), ("ZZ",)]))
def test_any_text_can_be_screened(text: str, countries: tuple[str, ...]) -> None:
    findings = screen(text, countries)
    assert all(0 <= one.start < one.end <= len(text) for one in findings)
    assert all(one.end <= other.start for one, other in pairwise(findings))


@pytest.mark.parametrize(
    "piece",
    ["1 ", "0 ", "A1-", "GB29 ", "a@b.", "Mr ", "San de ", "passport A", "née 1", "السيد ", "Kofi Xo, ", "Aa/"],
)
def test_a_long_text_of_traps_comes_to_an_end(piece: str) -> None:
    # A pattern that goes back over the whole text at every place would take hours for this.
    assert isinstance(screen(piece * 6_000), list)
