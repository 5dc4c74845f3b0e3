"""Records for the tests of CEN: one that is right, and what to change in it."""

from __future__ import annotations

from datetime import date
from typing import Any

TODAY = date(2026, 11, 20)


def a_record(reference: str = "HAR3-NG-SZR-00019", **changes: Any) -> dict[str, Any]:
    """Return a record that CEN accepts, with `changes`; a field changed to None is left out."""
    record: dict[str, Any] = {
        "source_reference": reference,
        "operation_code": "HAR3",
        "seized_on": "2026-10-18",
        "country": "NG",
        "place_code": "NGAPP",
        "place_text": "Apapa, Lagos",
        "location_type": "SPT",
        "direction": "IMP",
        "conveyance": "SEA",
        "commodity": "DRG.cocaine",
        "description": "bricks behind the reefer panel",
        "quantity": "12.50",
        "unit": "KGM",
        "departure_country": "BR",
        "transit_countries": ["CI"],
        "destination_country": "NG",
        "detection": ["XRY", "PHY"],
        "selection": ["GRP"],
        "concealment": "COR",
        "cases": 1,
        "transport": {"container": "MSCU4127794", "traffic": "CAR"},
    }
    record |= changes
    return {name: value for name, value in record.items() if value is not None}
