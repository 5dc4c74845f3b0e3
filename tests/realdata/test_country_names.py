"""Every country name in real seizure files is understood, or is on the short list of names that mean none."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import pytest

from nomenclature.names import country_code

FOLDER = os.environ.get("CENCOMM_REALDATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="CENCOMM_REALDATA is not set: no real data to read")

COLUMNS = ("COUNTRY", "PRODUCING_COUNTRY", "DEPARTURE_COUNTRY", "DESTINATION_COUNTRY")
NO_COUNTRY = {"", "Other", "Multiple Countries", "Netherlands Antilles"}


@pytest.mark.parametrize("name", ["ids_2011_2014_all.csv.gz", "ids_2011_2014_transport_and_hiding.csv.gz"])
def test_unodc_country_names_are_understood(name: str) -> None:
    with gzip.open(Path(FOLDER) / "unodc-ids-2011-2014" / name, "rt", encoding="utf-8") as file:
        written = {row[column] for row in csv.DictReader(file, delimiter=";") for column in COLUMNS}
    assert len(written) > 100
    assert {text for text in written if country_code(text) is None} <= NO_COUNTRY


COLUMNS_BY_LANGUAGE = {
    "UNTERM English Short": 0,
    "UNTERM French Short": 0,
    "UNTERM Spanish Short": 0,
    "UNTERM Russian Short": 0,
    "UNTERM Arabic Short": 0,
    "official_name_en": 0,
    "official_name_fr": 10,
    "official_name_es": 10,
}


@pytest.mark.parametrize("column", sorted(COLUMNS_BY_LANGUAGE))
def test_names_of_another_source_are_understood_or_not_but_never_mistaken(column: str) -> None:
    with (Path(FOLDER) / "reference-codes" / "country-codes.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ISO3166-1-Alpha-2"] and row[column].strip()]
    assert len(rows) > 180
    found = {row[column]: (row["ISO3166-1-Alpha-2"], country_code(row[column].rstrip(" *"))) for row in rows}
    assert {name: codes for name, codes in found.items() if codes[1] not in (codes[0], None)} == {}
    missed = [name for name, codes in found.items() if codes[1] is None]
    assert len(missed) <= COLUMNS_BY_LANGUAGE[column], missed
