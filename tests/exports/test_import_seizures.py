"""`manage import_seizures`: rows of a file become messages and CEN records, once, or are listed with a reason."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum

from accounts.models import Officer
from audit.models import Entry
from cen.models import Seizure
from exports.models import Resolution, Transfer
from groups.models import ClosedUserGroup, Role
from messaging.models import Event, Message
from simplified_forms.actions import publish_template, save_draft
from simplified_forms.queries import template_in_force
from tests.cast import join, make_group, membership_of

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

HEADER = [
    "REGION",
    "SUBREGION",
    "COUNTRY",
    "ADMINISTRATIVE_DIVISION",
    "PLACE",
    "SEIZURE_DATE",
    "DRUG_NAME",
    "AMOUNT",
    "DRUG_UNIT",
    "HIDING_PLACE",
    "INSTALLATION",
    "TRANSPORT",
    "PRODUCING_COUNTRY",
    "DEPARTURE_COUNTRY",
    "DESTINATION_COUNTRY",
    "ROUTING",
]
USUAL = {
    "REGION": "Europe",
    "COUNTRY": "Spain",
    "PLACE": "Algeciras",
    "SEIZURE_DATE": "2012-03-01",
    "DRUG_NAME": "Cocaine",
    "AMOUNT": "1.5",
    "DRUG_UNIT": "Kilogram",
    "HIDING_PLACE": "Baggage",
    "INSTALLATION": "Seaport",
    "TRANSPORT": "Commercial sea",
    "DEPARTURE_COUNTRY": "Unknown",
    "DESTINATION_COUNTRY": "Spain",
    "ROUTING": "Border - inbound",
}
GOOD: list[dict[str, str]] = [
    {},
    {"DRUG_NAME": "Heroin", "AMOUNT": "12.25", "DRUG_UNIT": "Gram", "COUNTRY": "Iran, Islamic Republic of"},
    {"DRUG_NAME": "Crack", "AMOUNT": "0.37799999999999995", "DRUG_UNIT": "Kilogram", "SEIZURE_DATE": "2013-01-01"},
    {"DRUG_NAME": "Crack", "AMOUNT": "9e-05", "SEIZURE_DATE": "2013-05-01"},
    {"DRUG_NAME": "Diazepam", "AMOUNT": "2.5", "DRUG_UNIT": "Thousand of tablets"},
    {"DRUG_NAME": "Diazepam", "AMOUNT": "30", "DRUG_UNIT": "Tablet", "PLACE": "Kapitan\nAndreevo"},
]
BAD: list[tuple[dict[str, str], str, str, str]] = [
    ({"AMOUNT": "0.0"}, "post", "AMOUNT", "not_positive"),
    ({"AMOUNT": "-4"}, "post", "AMOUNT", "not_positive"),
    ({"AMOUNT": "much"}, "map", "AMOUNT", "not_a_number"),
    ({"AMOUNT": ""}, "map", "AMOUNT", "value_missing"),
    ({"DRUG_UNIT": ""}, "map", "DRUG_UNIT", "unit_missing"),
    ({"DRUG_UNIT": "Acres"}, "map", "DRUG_UNIT", "unit_not_mapped"),
    ({"COUNTRY": "Atlantis"}, "map", "COUNTRY", "country_unknown"),
    ({"COUNTRY": ""}, "post", "COUNTRY", "required"),
    ({"DEPARTURE_COUNTRY": "Atlantis"}, "map", "DEPARTURE_COUNTRY", "country_unknown"),
    ({"SEIZURE_DATE": "2199-01-01"}, "post", "SEIZURE_DATE", "future"),
    ({"SEIZURE_DATE": "2013-02-30"}, "map", "SEIZURE_DATE", "not_a_date"),
    ({"DRUG_NAME": "Moonlight"}, "map", "DRUG_NAME", "value_not_mapped"),
    ({"TRANSPORT": "Broomstick"}, "map", "TRANSPORT", "value_not_mapped"),
    ({"PLACE": "x" * 300}, "post", "PLACE", "too_long"),
]
Run = Callable[..., str]


def lines_of(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HEADER, delimiter=";", restval="")
    writer.writeheader()
    writer.writerows(USUAL | row for row in rows)
    return text.getvalue().encode()


@pytest.fixture
def standing(amina: Officer, chloe: Officer, fatou: Officer, padma: Officer) -> ClosedUserGroup:
    """A standing group: it has no days, so that old seizures may come in."""
    group = make_group("SEAWALL", "Project Seawall", coordinator=amina, administrator=padma, kind="standing")
    join(group, chloe, Role.ANALYST)
    join(group, fatou, Role.OFFICER)
    return group


@pytest.fixture
def run(standing: ClosedUserGroup, tmp_path: Path) -> Run:
    """Return a function that runs the command on rows (or bytes) all the way into CEN."""

    def run(content: list[dict[str, str]] | bytes, *options: str, **changes: Any) -> str:
        path = tmp_path / "seizures.csv"
        path.write_bytes(content if isinstance(content, bytes) else lines_of(content))
        values = {
            "group": "SEAWALL",
            "officer": "fatou@demo.invalid",
            "mapping": "unodc_ids",
            "file": str(path),
            "validate-by": "chloe@demo.invalid",
            "transfer-by": "amina@demo.invalid",
            "report": str(tmp_path / "report.csv"),
        } | changes
        out = io.StringIO()
        given = [f"--{name}={value}" for name, value in values.items() if value]
        call_command("import_seizures", *given, *options, stdout=out)
        return out.getvalue()

    return run


def report(tmp_path: Path) -> list[tuple[str, str, str, str]]:
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        return [(row["line"], row["stage"], row["column"], row["code"]) for row in csv.DictReader(file)]


def everything() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Message, Event, Transfer, Resolution, Seizure))


def test_rows_arrive_in_cen_exactly(run: Run, tmp_path: Path) -> None:
    printed = run(GOOD)
    assert "All 4 come out exactly" in printed
    assert report(tmp_path) == []
    sums = Seizure.objects.values_list("description", "unit").annotate(Count("pk"), Sum("quantity")).order_by()
    assert set(sums) == {
        ("Cocaine", "KGM", 1, Decimal("1.5")),
        ("Heroin", "GRM", 1, Decimal("12.25")),
        ("Crack", "KGM", 2, Decimal("0.37808999999999995")),
        ("Diazepam", "H87", 2, Decimal("2530")),
    }
    assert set(Message.objects.values_list("status", "sender__name")) == {("transferred", "Fatou")}
    first = Seizure.objects.get(description="Cocaine")
    assert (first.commodity, first.country, first.place_text) == ("DRG.cocaine", "ES", "Algeciras")
    assert (first.conveyance, first.location_type, first.direction) == ("SEA", "SPT", "IMP")
    assert (first.departure_country, first.destination_country) == ("ZZ", "ES")
    assert first.seized_on.isoformat() == "2012-03-01"
    assert first.operation_code == "SEAWALL"


def test_a_row_that_is_not_accepted_is_listed_with_line_column_and_reason(run: Run, tmp_path: Path) -> None:
    printed = run([GOOD[0], *(row for row, *_ in BAD)])
    assert report(tmp_path) == [
        (str(line), stage, column, code) for line, (_row, stage, column, code) in enumerate(BAD, start=3)
    ]
    assert Seizure.objects.count() == Message.objects.count() == 1
    assert f"not accepted                                        {len(BAD)}" in printed
    assert "come out exactly" in printed


def test_rows_that_are_no_rows_of_the_file_are_listed(run: Run, tmp_path: Path) -> None:
    content = (
        lines_of(GOOD[:1])
        + b"Europe;;Spain\r\n"
        + b";" * 20
        + b"\r\n"
        + lines_of(GOOD[1:2]).splitlines()[1]
        + b"\r\n"
    )
    bad_bytes = lines_of([{"PLACE": "?"}]).splitlines()[1].replace(b"?", b"\xff\xfe") + b"\r\n"
    run(content + bad_bytes)
    assert report(tmp_path) == [
        ("3", "map", "", "too_few_columns"),
        ("4", "map", "", "too_many_columns"),
        ("6", "map", "", "not_text"),
    ]
    assert Seizure.objects.count() == 2


def test_the_report_names_lines_and_not_what_stands_in_them(run: Run, tmp_path: Path) -> None:
    run([{"COUNTRY": "Atlantis"}, {"PLACE": "house of Mr Peter Lantern"}, {"AMOUNT": "secret"}])
    text = (tmp_path / "report.csv").read_text()
    assert len(text.splitlines()) == 4
    assert not {"Atlantis", "Lantern", "secret"} & {
        word for word in ("Atlantis", "Lantern", "secret") if word in text
    }


def test_the_same_file_again_doubles_nothing(run: Run) -> None:
    run([*GOOD, GOOD[0], BAD[0][0]], "--keep-duplicates")
    before = everything()
    printed = run([*GOOD, GOOD[0], BAD[0][0]], "--keep-duplicates")
    assert everything() == before
    assert before[0] == before[4] == len(GOOD) + 1
    assert "come out exactly" in printed


def test_a_file_that_grew_and_was_sorted_anew_adds_only_what_is_new(run: Run) -> None:
    run(GOOD)
    before = dict(Seizure.objects.values_list("source_reference", "cen_reference"))
    new = {"DRUG_NAME": "Khat", "AMOUNT": "7"}
    run([new, *reversed(GOOD)])
    after = dict(Seizure.objects.values_list("source_reference", "cen_reference"))
    assert before.items() < after.items()
    assert len(after) == len(before) + 1
    assert Message.objects.count() == len(GOOD) + 1


def test_a_row_imported_with_another_mapping_of_the_same_name_is_refused(run: Run, tmp_path: Path) -> None:
    original = (Path(__file__).parents[2] / "exports" / "mappings" / "unodc_ids.toml").read_text()
    mapping = tmp_path / "mine.toml"
    mapping.write_text(original)
    run(GOOD[:2], mapping=str(mapping))
    mapping.write_text(original.replace('"Cocaine" = "DRG.cocaine"', '"Cocaine" = "DRG.other"'))
    run(GOOD[:2], mapping=str(mapping))
    assert ("2", "post", "", "conflicting_replay") in report(tmp_path)
    assert Seizure.objects.get(description="Cocaine").commodity == "DRG.cocaine"


def test_possible_duplicates_wait_until_a_coordinator_decides(run: Run, tmp_path: Path) -> None:
    rows = [GOOD[0], GOOD[0], GOOD[1]]
    run(rows)
    assert report(tmp_path) == [
        ("2", "review", "", "possible_duplicate"),
        ("3", "review", "", "possible_duplicate"),
    ]
    assert Seizure.objects.count() == 1
    run(rows, "--keep-duplicates")
    assert report(tmp_path) == []
    assert Seizure.objects.count() == 3
    decision = Resolution.objects.get()
    assert (decision.kind, decision.decided_by.officer.name) == ("not_duplicate", "Amina")
    entry = Entry.objects.get(action="transfer:row:resolved")
    assert (entry.actor, entry.details) == (decision.decided_by.officer_id, {"decision": "not_duplicate"})


def test_texts_that_may_name_somebody_wait_until_a_coordinator_decides(run: Run, tmp_path: Path) -> None:
    rows = [GOOD[0], {"PLACE": "house of Mr Peter Lantern", "AMOUNT": "900"}]
    run(rows)
    assert report(tmp_path) == [("3", "review", "PLACE", "name")]
    assert Seizure.objects.count() == 1
    run(rows, "--not-nominal")
    assert report(tmp_path) == []
    assert Seizure.objects.count() == 2


def test_nothing_is_validated_or_transferred_that_was_not_asked_for(run: Run) -> None:
    run(GOOD, **{"validate-by": "", "transfer-by": ""})
    assert set(Message.objects.values_list("status", flat=True)) == {"submitted"}
    run(GOOD, **{"transfer-by": ""})
    assert set(Message.objects.values_list("status", flat=True)) == {"validated_ocu"}
    assert Transfer.objects.count() == Seizure.objects.count() == 0


def test_what_a_person_returned_meanwhile_stays_with_the_person(run: Run, tmp_path: Path) -> None:
    run(GOOD[:2], **{"validate-by": "", "transfer-by": ""})
    Message.objects.filter(number=1).update(status="returned")
    printed = run(GOOD[:2])
    assert report(tmp_path) == [
        ("2", "review", "", "not_validated"),
        ("2", "validate", "", "returned"),
    ]
    assert Seizure.objects.count() == 1
    assert "come out exactly" in printed


def test_a_dry_run_says_what_would_be_refused_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    before = everything()
    printed = run([*GOOD, *(row for row, *_ in BAD)], "--dry-run")
    assert everything() == before
    assert f"can be sent                                          {len(GOOD)}" in printed
    assert [code for *_, code in report(tmp_path)] == [code for *_, code in BAD]


def test_a_difference_to_cen_is_found_and_fails(run: Run) -> None:
    run(GOOD)
    Seizure.objects.filter(description="Crack").update(quantity=Decimal(7))
    with pytest.raises(CommandError, match="CEN does not hold what the file says") as failure:
        run(GOOD)
    assert failure.value.returncode == 1
    Seizure.objects.filter(description="Heroin").delete()
    with pytest.raises(CommandError, match="CEN does not hold what the file says"):
        run(GOOD)


def test_gzipped_files_are_read(run: Run) -> None:
    run(gzip.compress(b"\xef\xbb\xbf" + lines_of(GOOD)))
    assert Seizure.objects.count() == len(GOOD)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"officer": "eve@demo.invalid"}, "no such"),
        ({"officer": "nobody@demo.invalid"}, "no officer"),
        ({"group": "NOWHERE"}, "no group"),
        ({"validate-by": "fatou@demo.invalid"}, "role"),
        ({"transfer-by": "chloe@demo.invalid"}, "role"),
        ({"mapping": "nowhere"}, "no mapping nowhere"),
        ({"mapping": "../secret"}, "small letters"),
        ({"file": "nowhere.csv"}, "cannot be opened"),
    ],
)
def test_a_stranger_a_wrong_role_or_a_wrong_name_imports_nothing(
    run: Run, eve: Officer, changes: dict[str, str], sentence: str
) -> None:
    before = everything()
    with pytest.raises(CommandError, match=f"(?i){sentence}"):
        run(GOOD, **changes)
    assert everything() == before


def test_a_closed_group_takes_nothing(run: Run, standing: ClosedUserGroup) -> None:
    ClosedUserGroup.objects.filter(pk=standing.pk).update(phase="closed")
    with pytest.raises(CommandError, match="closed"):
        run(GOOD)
    assert Message.objects.count() == 0


def test_an_operation_refuses_what_lies_before_its_days(run: Run, group: ClosedUserGroup, tmp_path: Path) -> None:
    run(GOOD[:1], group=group.code)
    assert report(tmp_path) == [("2", "post", "SEIZURE_DATE", "before_operation")]


def test_a_form_without_description_cannot_be_compared_by(
    run: Run, standing: ClosedUserGroup, amina: Officer
) -> None:
    coordinator = membership_of(amina, standing)
    spec = template_in_force(standing, "seizure").spec
    fields = [entry for entry in spec["fields"] if entry["name"] != "description"]
    form = {"kind": "seizure", "mode": "simplified"}
    save_draft(coordinator, **form, name="Short", spec={"fields": fields}, seen_at=None)
    publish_template(coordinator, **form)
    with pytest.raises(CommandError, match="lacks a field"):
        run(GOOD)
    assert Message.objects.count() == 0


def test_a_file_without_a_column_is_refused_as_a_whole(run: Run) -> None:
    with pytest.raises(CommandError, match="no column AMOUNT"):
        run(lines_of(GOOD).replace(b"AMOUNT", b"WEIGHT"))
    with pytest.raises(CommandError, match="no column"):
        run(b"")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("[fields.place]", "[fields.person_name]"), "never imported|no field"),
        (('"Cocaine" = "DRG.cocaine"', '"Cocaine" = "DRG.stardust"'), "DRG.stardust is not in its list"),
        (('{ unit = "GRM" }', '{ unit = "GRAM" }'), "no unit GRAM"),
        (('factor = "350"', 'factor = "-1"'), "more than zero"),
        (('item = "DRUG_NAME"', 'item = "PLACE"'), "What is compared"),
        (("[fields.date]", "[fields.date"), "not TOML"),
        (('as = "quantity"', 'as = "text"'), "cannot be made"),
    ],
)
def test_a_mapping_that_cannot_be_right_is_refused(
    run: Run, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    original = (Path(__file__).parents[2] / "exports" / "mappings" / "unodc_ids.toml").read_text()
    assert change[0] in original
    path = tmp_path / "wrong.toml"
    path.write_text(original.replace(*change))
    with pytest.raises(CommandError, match=sentence):
        run(GOOD, mapping=str(path))
