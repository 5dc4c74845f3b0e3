"""The main job on real input: 19,130 seizures of UNODC through a group into CEN, to the last gram.

The file's figures are read here by other code than the product's, from the file's own words.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count, Sum

from cen.models import Seizure
from exports.models import Transfer
from messaging.models import Event, Message

FOLDER = os.environ.get("CENCOMM_REALDATA", "")
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="CENCOMM_REALDATA is not set: no real data to read"),
    pytest.mark.django_db(databases=["default", "cen"]),
]

FILE = Path(FOLDER) / "unodc-ids-2011-2014" / "ids_2011_2014_transport_and_hiding.csv.gz"
EXACT = Context(prec=200, traps=[Inexact])
# Every unit of the file, and how many of which unit of CEN it is. Anything else is a piece.
UNITS = {
    "Kilogram": ("KGM", "1"),
    "Gram": ("GRM", "1"),
    "100 gram": ("GRM", "100"),
    "Ton": ("KGM", "1000"),
    "Litre": ("LTR", "1"),
    "Millilitre": ("MLT", "1"),
    "Cc": ("MLT", "1"),
    "Cubic Centimeter": ("MLT", "1"),
    "Thousand of tablets": ("H87", "1000"),
}


@pytest.fixture(scope="module")
def imported(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The whole path, twice: what was printed, reported and held after each run."""
    from django.core.management.color import no_style
    from django.db import connections

    with django_db_blocker.unblock():
        _make_group()
        report = tmp_path_factory.mktemp("unodc") / "report.csv"
        yield {
            "first": _run(report),
            "held": _held(),
            "again": _run(report),
            "held again": _held(),
            "report": report,
        }
        for alias in ("default", "cen"):
            connection = connections[alias]
            tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
            kept = {"django_content_type", "auth_permission", "django_migrations", "accounts_region"}
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = replica")
                statements = connection.ops.sql_flush(
                    no_style(), sorted(set(tables) - kept), reset_sequences=True, allow_cascade=False
                )
                connection.ops.execute_sql_flush(statements)
                cursor.execute("SET session_replication_role = DEFAULT")


def _make_group() -> None:
    from accounts.actions import create_administration, create_officer
    from tests.cast import PASSWORD, join, make_group

    home = create_administration(country="NG", name="Nigeria Customs Service")
    people = {
        name: create_officer(
            email=f"{name}@demo.invalid",
            name=name.capitalize(),
            administration=home,
            password=PASSWORD,
            is_platform_administrator=name == "padma",
        )
        for name in ("amina", "chloe", "fatou", "padma")
    }
    group = make_group(
        "SEAWALL",
        "Project Seawall",
        coordinator=people["amina"],
        administrator=people["padma"],
        kind="standing",
        form_mode="full",
    )
    join(group, people["chloe"], "analyst")
    join(group, people["fatou"], "officer")


def _run(report: Path) -> str:
    out = io.StringIO()
    call_command(
        "import_seizures",
        "--group=SEAWALL",
        "--officer=fatou@demo.invalid",
        "--mapping=unodc_ids",
        f"--file={FILE}",
        "--validate-by=chloe@demo.invalid",
        "--transfer-by=amina@demo.invalid",
        "--keep-duplicates",
        "--not-nominal",
        f"--report={report}",
        stdout=out,
    )
    return out.getvalue()


def _held() -> dict[str, Any]:
    return {
        "messages": Message.objects.count(),
        "events": Event.objects.count(),
        "transfers": Transfer.objects.count(),
        "seizures": Seizure.objects.count(),
        "references": set(Seizure.objects.values_list("source_reference", "cen_reference", "version")),
    }


def _rows() -> list[dict[str, str]]:
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _refused(imported: dict[str, Any]) -> list[dict[str, str]]:
    with imported["report"].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_in_cen_or_listed_with_its_reason(imported: dict[str, Any]) -> None:
    rows, refused = _rows(), _refused(imported)
    assert len(rows) == 19_130
    assert len({one["line"] for one in refused}) + Seizure.objects.count() == len(rows)
    assert Message.objects.filter(status="transferred").count() == Seizure.objects.count()
    reasons = Counter((one["column"], one["code"]) for one in refused)
    assert reasons[("AMOUNT", "not_positive")] == sum(Decimal(row["AMOUNT"]) == 0 for row in rows) == 4
    assert reasons[("DRUG_UNIT", "unit_missing")] == sum(not row["DRUG_UNIT"] for row in rows) == 7
    assert len(refused) < 20
    assert all(one["code"] and one["line"] for one in refused)


def test_counts_and_sums_by_drug_and_unit_are_those_of_the_file(imported: dict[str, Any]) -> None:
    refused = {int(one["line"]) for one in _refused(imported)}
    counts: Counter[tuple[str, str]] = Counter()
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    line = 2
    for row in _rows():
        if line not in refused:
            unit, factor = UNITS.get(row["DRUG_UNIT"], ("H87", "1"))
            key = (row["DRUG_NAME"], unit)
            counts[key] += 1
            sums[key] = EXACT.add(sums[key], EXACT.multiply(Decimal(row["AMOUNT"]), Decimal(factor)))
        line += 1 + sum(text.count("\n") for text in row.values())
    in_cen = Seizure.objects.values_list("description", "unit").annotate(Count("pk"), Sum("quantity")).order_by()
    assert len(counts) > 200
    assert {(drug, unit): (rows, total) for drug, unit, rows, total in in_cen} == {
        key: (counts[key], sums[key]) for key in counts
    }


def test_countries_and_days_are_those_of_the_file(imported: dict[str, Any]) -> None:
    lines = {int(one["line"]) for one in _refused(imported)}
    months: Counter[str] = Counter()
    line = 2
    for row in _rows():
        if line not in lines:
            months[row["SEIZURE_DATE"]] += 1
        line += 1 + sum(text.count("\n") for text in row.values())
    days = Seizure.objects.values_list("seized_on").annotate(Count("pk")).order_by()
    assert {day.isoformat(): rows for day, rows in days} == months
    assert Seizure.objects.filter(country="ES").count() > 4_600
    assert Seizure.objects.values("country").distinct().count() == 75


def test_a_second_run_doubles_nothing(imported: dict[str, Any]) -> None:
    assert imported["held again"] == imported["held"]
    assert imported["held"]["messages"] == imported["held"]["seizures"] == imported["held"]["transfers"]
    for printed in (imported["first"], imported["again"]):
        assert "come out exactly, and every row in CEN states what its line says" in printed


def test_the_stream_has_no_gap(imported: dict[str, Any]) -> None:
    seqs = list(Event.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    numbers = Message.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, imported["held"]["messages"] + 1))
