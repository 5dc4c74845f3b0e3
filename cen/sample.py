"""Invented seizures for demonstrations, tests and benchmarks: believable, and the same for the same seed.

Nothing here comes from a real record. Days lie within the years before `until`, with seasons and growth.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from cen.schema import IntakeRecord
from nomenclature.lists import code_list

YEARS = 4


class Traffic(NamedTuple):
    """What is smuggled where: a weight, the goods, a typical quantity, conveyances, and routes with weights."""

    weight: int
    commodity: str
    unit: str
    median: float
    spread: float
    conveyances: str
    routes: str
    wording: tuple[str, ...]


# Routes: departure[>transit…]>destination, seized at the last place or the one marked with *.
TRAFFIC = (
    Traffic(
        16,
        "DRG.cocaine",
        "KGM",
        18,
        1.7,
        "SEA AIR AIR EXP ROA",
        "CO>BE* EC>NL* BR>ES* BR>PT* EC>BE* PE>ES* BR>GH*>NG CO>MX* DO>FR* BR>CI*>FR EC>DE*",
        ("bricks behind the reefer panel", "in sports bags behind the doors", "pressed into charcoal"),
    ),
    Traffic(
        14,
        "DRG.cannabis_herb",
        "KGM",
        45,
        1.8,
        "ROA SEA MAI EXP AIR",
        "ES>FR* GH>NG* TH>GB* CA>GB* US>GB* ES>DE* MA>ES* AL>IT*",
        ("vacuum bags", "in suitcases", "vacuum-packed, cover load of furniture"),
    ),
    Traffic(
        9,
        "DRG.cannabis_resin",
        "KGM",
        120,
        1.6,
        "ROA SEA INL",
        "MA>ES* MA>FR* ES>IT* MA>DZ* LB>EG* ES>NL*",
        ("olive-shaped pellets", "plates among fruit"),
    ),
    Traffic(
        7,
        "DRG.heroin",
        "KGM",
        9,
        1.4,
        "ROA AIR SEA",
        "TR>BG*>NL IR>TR* PK>GB* TR>DE* PK>KE*>UG AF>TR*",
        ("in the fuel tank", "sewn into carpets"),
    ),
    Traffic(
        9,
        "DRG.methamphetamine",
        "KGM",
        14,
        1.6,
        "AIR EXP SEA MAI",
        "MX>AU* MX>NZ* MM>TH* NG>ZA* US>AU* MX>JP* TH>MY*",
        ("crystals in tea packets", "dissolved in candles"),
    ),
    Traffic(
        8,
        "DRG.tramadol",
        "H87",
        90000,
        1.6,
        "SEA EXP AIR ROA",
        "IN>NG* IN>GH* IN>AE*>NE IN>BJ* IN>CI* IN>TG*>BF",
        ("blisters of 225 mg", "capsules declared as vitamins", "comprimés déclarés comme compléments"),
    ),
    Traffic(
        4,
        "DRG.captagon",
        "H87",
        400000,
        1.3,
        "ROA SEA",
        "SY>JO*>SA LB>SA* SY>TR*>SA SY>AE* JO>SA*",
        ("tablets inside pomegranates", "in machine rollers"),
    ),
    Traffic(
        5,
        "DRG.ketamine",
        "KGM",
        8,
        1.2,
        "EXP MAI AIR",
        "DE>GB* NL>US* NL>AU* IN>SG* BE>GB*",
        ("in bath salt tins",),
    ),
    Traffic(4, "DRG.mdma", "H87", 6000, 1.3, "MAI EXP", "NL>US* NL>AU* DE>US* BE>BR* NL>CL*", ("tablets in toys",)),
    Traffic(
        3,
        "DRG.khat",
        "KGM",
        38,
        0.8,
        "EXP AIR MAI",
        "KE>GB* ET>US* KE>DE* ET>FR*",
        ("dried leaves declared as tea",),
    ),
    Traffic(
        14,
        "TOB.cigarettes_cheap_white",
        "H87",
        480000,
        1.5,
        "ROA SEA RAI",
        "BY>PL* BY>LT* AE>IE* UA>RO* AE>GR*>LY AE>TN* VN>BE*",
        ("master cases behind timber", "cover load of bricks"),
    ),
    Traffic(
        9,
        "TOB.cigarettes_genuine",
        "H87",
        60000,
        1.4,
        "ROA PED AIR",
        "UA>PL* MD>RO* DZ>FR* BY>LV* BA>HR*",
        ("cartons under the seats",),
    ),
    Traffic(
        5, "TOB.water_pipe", "KGM", 300, 1.0, "SEA ROA MAI", "AE>DE* EG>NL* AE>FR* JO>SE*", ("molasses in drums",)
    ),
    Traffic(
        5,
        "ALC.spirits",
        "LTR",
        900,
        1.3,
        "ROA SEA",
        "AE>IR* RU>FI* PL>SE* SG>MY* GB>IE*",
        ("bottles without tax stamps",),
    ),
    Traffic(
        7,
        "IPR.footwear",
        "H87",
        2400,
        1.3,
        "SEA EXP AIR",
        "CN>IT* CN>NG* TR>DE* CN>US* CN>MA* CN>PE*",
        ("sports shoes of three trademarks",),
    ),
    Traffic(
        6, "IPR.cosmetics", "H87", 5200, 1.2, "SEA EXP", "CN>GH* TR>RO* CN>KE* CN>AE*>NG", ("perfume and creams",)
    ),
    Traffic(4, "IPR.parts", "H87", 900, 1.1, "SEA ROA", "CN>SA* CN>PL* CN>AE*>KE", ("brake pads and filters",)),
    Traffic(
        6,
        "MED.medicines_substandard",
        "H87",
        40000,
        1.4,
        "SEA EXP ROA AIR",
        "IN>BJ* CN>NG* IN>KE* NG>NE* IN>MG* TG>BF*",
        ("antibiotics without registration", "antipaludiques sans autorisation"),
    ),
    Traffic(
        3,
        "MED.protective_equipment",
        "H87",
        20000,
        1.1,
        "SEA AIR",
        "CN>ES* CN>CI* CN>BR*",
        ("masks with false certificates",),
    ),
    Traffic(
        3,
        "CIT.pangolin_scales",
        "KGM",
        240,
        1.2,
        "SEA AIR",
        "NG>VN* CM>VN* CD>SG*>VN NG>HK* MZ>VN*",
        ("scales under frozen fish",),
    ),
    Traffic(
        3,
        "CIT.ivory",
        "KGM",
        34,
        1.4,
        "SEA AIR MAI",
        "TZ>VN* NG>VN* AO>CN* KE>HK* ZW>CN*",
        ("cut tusks in timber", "carvings"),
    ),
    Traffic(3, "CIT.turtles", "H87", 60, 1.0, "AIR MAI", "MG>MY* MX>DE* ID>CN* MG>TH*", ("live, in luggage",)),
    Traffic(2, "CIT.rosewood", "MTQ", 38, 0.8, "SEA", "MG>CN* GM>CN* GH>VN* SN>CN*", ("logs declared as plywood",)),
    Traffic(
        4, "WEA.pistols", "H87", 3, 0.9, "EXP MAI ROA", "US>MX* US>JM* TR>GB* US>BS* BA>SE*", ("parts in speakers",)
    ),
    Traffic(
        3,
        "ENV.e_waste",
        "KGM",
        14000,
        0.7,
        "SEA",
        "DE>GH* GB>NG* BE>GH* NL>NG* IT>TN*",
        ("used monitors declared as second-hand",),
    ),
    Traffic(
        3,
        "PRE.ephedrine",
        "KGM",
        60,
        1.2,
        "EXP SEA",
        "IN>NG* IN>MX* CN>NZ* TR>CZ*",
        ("drums declared as maize starch",),
    ),
    Traffic(
        2,
        "CUL.coins",
        "H87",
        180,
        1.1,
        "MAI AIR",
        "TR>DE* BG>US* EG>GB* SY>LB*",
        ("antique coins among souvenirs",),
    ),
)
PORTS = {
    "BE": "Antwerp", "NL": "Rotterdam", "ES": "Algeciras", "NG": "Apapa, Lagos", "GH": "Tema", "CI": "Abidjan",
    "FR": "Le Havre", "DE": "Hamburg", "GB": "Felixstowe", "PT": "Sines", "IT": "Gioia Tauro", "BJ": "Cotonou",
    "TG": "Lomé", "SN": "Dakar", "KE": "Mombasa", "VN": "Hai Phong", "HK": "Kwai Chung", "MX": "Manzanillo",
    "AU": "Sydney", "NZ": "Auckland", "CN": "Shenzhen", "SA": "Jeddah", "AE": "Jebel Ali", "TN": "Radès",
}  # fmt: skip
AIRPORTS = {
    "BE": "Zaventem", "NL": "Schiphol", "ES": "Barajas", "NG": "Lagos", "GB": "Heathrow", "FR": "Roissy",
    "DE": "Frankfurt", "PT": "Lisbon", "KE": "Nairobi", "AU": "Sydney", "HK": "Chek Lap Kok", "TH": "Suvarnabhumi",
    "TR": "Istanbul", "US": "Miami", "CI": "Abidjan", "ZA": "Johannesburg", "MX": "Mexico City",
}  # fmt: skip
BORDERS = {
    "PL": "Terespol", "TR": "Kapıkule", "SA": "Al-Haditha", "JO": "Jaber", "BG": "Kapitan Andreevo",
    "RO": "Siret", "LT": "Medininkai", "FR": "Le Perthus", "FI": "Vaalimaa", "IT": "Trieste", "HR": "Bajakovo",
}  # fmt: skip
PLACES = {"SEA": PORTS, "AIR": AIRPORTS, "ROA": BORDERS}
LOCATIONS = {
    "SEA": "SPT SPT SPT CFS", "AIR": "APT APT ACC", "EXP": "ACC MLC", "MAI": "MLC", "ROA": "LBC LBC INL",
    "RAI": "RLT LBC", "PED": "LBC GRB", "INL": "INP", "MUL": "CFS",
}  # fmt: skip
DETECTION = "XRY XRY XRY PHY PHY PHY DOG DOG DOC OBS TRC CDL SUR WEB FND UNK"
SELECTION = "PRF PRF PRF RTN RTN INT TIP GRP OTA RND UNK"
OPERATIONS = ("", "", "", "", "", "HAR3", "CARGO25", "MAIL26")


def sample_records(*, rows: int, seed: int, until: date, prefix: str = "S") -> Iterator[IntakeRecord]:
    """Yield invented records up to the day `until`. The same arguments yield the same records."""
    chance = random.Random(seed)  # noqa: S311 - invented data, not a secret
    fitting = _fitting_concealments()
    weights = [traffic.weight for traffic in TRAFFIC]
    for number in range(1, rows + 1):
        traffic = chance.choices(TRAFFIC, weights)[0]
        yield _record(chance, traffic, reference=f"{prefix}{seed}-{number:07d}", until=until, fitting=fitting)


def _fitting_concealments() -> dict[str, list[str]]:
    concealments = code_list("concealment")
    return {
        conveyance: [
            code
            for code in concealments
            if conveyance in (concealments.entry(code).attributes.get("fits") or ()) and code not in ("OTH", "UNK")
        ]
        for conveyance in code_list("conveyance")
    }


def _record(
    chance: random.Random, traffic: Traffic, *, reference: str, until: date, fitting: dict[str, list[str]]
) -> IntakeRecord:
    route = chance.choice(traffic.routes.split()).split(">")
    stop = next(place for place, code in enumerate(route) if code.endswith("*"))
    codes = [code.rstrip("*") for code in route]
    country, conveyance = codes[stop], chance.choice(traffic.conveyances.split())
    day = _day(chance, until)
    found_at = datetime.combine(day, time(chance.randrange(24), chance.randrange(60)), UTC)
    record = IntakeRecord(
        source_reference=reference,
        seized_on=day,
        country=country,
        place_text=PLACES.get(conveyance, {}).get(country, ""),
        location_type=chance.choice(LOCATIONS.get(conveyance, "UNK").split()),
        direction="TRA" if stop < len(codes) - 1 else "IMP",
        conveyance=conveyance,
        commodity=traffic.commodity,
        description=chance.choice(traffic.wording),
        quantity=_quantity(chance, traffic),
        unit=traffic.unit,
        departure_country=codes[0],
        transit_countries=codes[1:-1],
        destination_country=codes[-1],
        detection=sorted(set(chance.choices(DETECTION.split(), k=chance.choice((1, 1, 1, 2))))),
        selection=[chance.choice(SELECTION.split())],
        concealment=chance.choice([*fitting.get(conveyance, []), "NON", "UNK"]),
        cases=chance.choice((1, 1, 1, 1, 1, 1, 2)),
        operation_code=chance.choice(OPERATIONS),
        reported_at=found_at + timedelta(hours=chance.expovariate(1 / 20)),
    )
    if chance.random() < 0.12:
        # Not every report is complete: the charts must be honest about that.
        for name in chance.sample(("departure_country", "destination_country", "concealment", "detection"), 2):
            record[name] = [] if name == "detection" else ""  # type: ignore[literal-required]
    return record


def _day(chance: random.Random, until: date) -> date:
    """Return a day of the last years: more of them late, more in spring and autumn."""
    span = YEARS * 365
    while True:
        day = until - timedelta(days=int(span * (1 - math.sqrt(0.02 + 0.98 * chance.random()))))
        if chance.random() < 0.75 + 0.25 * math.cos(day.timetuple().tm_yday / 365 * 4 * math.pi - 1.2):
            return day


def _quantity(chance: random.Random, traffic: Traffic) -> str:
    quantity = traffic.median * chance.lognormvariate(0, traffic.spread)
    if traffic.unit == "H87":
        return str(max(1, round(quantity)))
    return f"{max(0.01, quantity):.2f}" if quantity < 50 else f"{quantity:.0f}"
