"""Catalogue, part: the fields of the seizure form, simplified and full. Data only.

Order is the order in which the builder offers them and in which the starting forms ask them. `cen_column` names are
those of CEN's intake; persons, companies, documents and remarks have none, by intention.
"""

from typing import Final

from django.utils.translation import gettext_lazy as _

from simplified_forms.catalogue_finding import AFTER, FINDING, NOMINAL
from simplified_forms.catalogue_rows import DOCUMENT, GOODS_LINE, LEG
from simplified_forms.fields import BOTH, FULL_ONLY, Field, Kind, maker

SEIZURE_ONLY: Final = frozenset({Kind.SEIZURE.value})

field = maker(Kind.SEIZURE)
shared = maker(Kind.SEIZURE, Kind.WARNING, Kind.BULLETIN)
moving = maker(Kind.SEIZURE, Kind.WARNING, Kind.MOVEMENT)

WHEN: Final[tuple[Field, ...]] = (
    field(
        "date",
        "date",
        "when",
        _("Date of seizure"),
        _("The day on which the goods were seized"),
        modes=BOTH,
        essential=SEIZURE_ONLY,
        cen_column="seized_on",
        past=True,
        default="today",
    ),
    field("time", "time", "when", _("Time of seizure (UTC)"), modes=FULL_ONLY),
    field(
        "time_precision", "code", "when", _("Precision of the time"), code_list="time_precision", modes=FULL_ONLY
    ),
    maker(Kind.SEIZURE, Kind.MOVEMENT)(
        "country",
        "country",
        "when",
        _("Country"),
        _("Where it happened"),
        modes=BOTH,
        essential=SEIZURE_ONLY,
        code_list="country",
        cen_column="country",
        default="my_country",
    ),
    maker(Kind.SEIZURE, Kind.MOVEMENT)(
        "place",
        "place",
        "when",
        _("Place"),
        _("Port, airport or crossing; any text if it is not listed"),
        modes=BOTH,
        cen_column="place_code",
        default="last",
    ),
    field(
        "location_type",
        "code",
        "when",
        _("Type of location"),
        modes=BOTH,
        code_list="location_type",
        cen_column="location_type",
        default="last",
    ),
    field("office", "text", "when", _("Customs office"), modes=FULL_ONLY, max_length=100),
    field("seizing_agency", "text", "when", _("Seizing agency"), modes=FULL_ONLY, max_length=100),
    field(
        "joint_with",
        "codes",
        "when",
        _("Jointly with"),
        _("Other agencies that took part"),
        modes=FULL_ONLY,
        code_list="joint_agency",
        max_items=20,
    ),
)

TRANSPORT: Final[tuple[Field, ...]] = (
    field(
        "direction", "code", "transport", _("Direction"), modes=BOTH, code_list="direction", cen_column="direction"
    ),
    maker(Kind.SEIZURE, Kind.WARNING, Kind.MOVEMENT, Kind.BULLETIN)(
        "conveyance",
        "code",
        "transport",
        _("Conveyance"),
        modes=BOTH,
        essential=SEIZURE_ONLY,
        code_list="conveyance",
        cen_column="conveyance",
    ),
    shared(
        "departure_country",
        "country",
        "transport",
        _("Departure country"),
        modes=BOTH,
        code_list="country",
        cen_column="departure_country",
    ),
    shared(
        "transit_countries",
        "countries",
        "transport",
        _("Transit countries"),
        modes=FULL_ONLY,
        code_list="country",
        cen_column="transit_countries",
        max_items=20,
    ),
    shared(
        "destination_country",
        "country",
        "transport",
        _("Destination country"),
        modes=BOTH,
        code_list="country",
        cen_column="destination_country",
    ),
    shared(
        "origin_country",
        "country",
        "transport",
        _("Country of origin"),
        _("Where the goods were produced"),
        modes=FULL_ONLY,
        code_list="country",
        cen_column="origin_country",
    ),
    field(
        "route",
        "route",
        "transport",
        _("Route"),
        _("Legs in order, from origin to destination"),
        modes=FULL_ONLY,
        fields=LEG,
        max_items=30,
    ),
    field(
        "conveyance_registration",
        "country",
        "transport",
        _("Registration country of the conveyance"),
        _("Flag of a vessel, country of the plate"),
        modes=FULL_ONLY,
        code_list="country",
        cen_column="transport.registration_country",
    ),
    field("carrier", "text", "transport", _("Carrier or express courier"), modes=FULL_ONLY, max_length=100),
    moving(
        "voyage",
        "text",
        "transport",
        _("Voyage, flight or train number"),
        modes=FULL_ONLY,
        max_length=40,
        cen_column="transport.voyage",
    ),
    moving(
        "container",
        "text",
        "transport",
        _("Container number"),
        _("Four letters and seven digits; the last digit is checked"),
        modes=FULL_ONLY,
        max_length=20,
        check="container_number",
        cen_column="transport.container",
        show_when=("conveyance", ("SEA", "RAI", "ROA", "INL", "MUL", "PRE")),
    ),
    moving(
        "imo_number",
        "text",
        "transport",
        _("IMO number of the vessel"),
        max_length=20,
        check="imo_number",
        show_when=("conveyance", ("SEA", "INL", "MUL")),
    ),
    moving(
        "vin",
        "text",
        "transport",
        _("Vehicle identification number"),
        max_length=25,
        check="vin",
        show_when=("conveyance", ("ROA", "MUL")),
    ),
    field(
        "air_waybill",
        "text",
        "transport",
        _("Air waybill"),
        max_length=20,
        check="air_waybill",
        show_when=("conveyance", ("AIR", "EXP", "MUL", "GAV")),
    ),
    field(
        "postal_item",
        "text",
        "transport",
        _("Postal item number"),
        max_length=20,
        check="postal_item",
        show_when=("conveyance", ("MAI", "EXP")),
    ),
    shared(
        "document_type", "code", "transport", _("Transport document"), modes=FULL_ONLY, code_list="document_type"
    ),
    shared("document_number", "text", "transport", _("Document number"), modes=FULL_ONLY, max_length=60),
    shared("documents", "documents", "transport", _("Other documents"), fields=DOCUMENT, max_items=20),
    shared(
        "traffic",
        "code",
        "transport",
        _("Traffic"),
        modes=FULL_ONLY,
        code_list="traffic",
        cen_column="transport.traffic",
    ),
)

GOODS: Final[tuple[Field, ...]] = (
    shared(
        "commodity",
        "commodity",
        "goods",
        _("Commodity"),
        modes=BOTH,
        essential=SEIZURE_ONLY,
        code_list="commodity",
        cen_column="commodity",
    ),
    shared(
        "quantity",
        "quantity",
        "goods",
        _("Quantity"),
        modes=BOTH,
        essential=SEIZURE_ONLY,
        unit_list="unit",
        units_field="commodity",
        cen_column="quantity",
    ),
    shared(
        "description",
        "text",
        "goods",
        _("Description of the goods"),
        _("As reported, without names"),
        modes=BOTH,
        cen_column="description",
    ),
    shared("hs", "hs", "goods", _("HS code"), modes=FULL_ONLY, cen_column="hs"),
    shared("brand", "text", "goods", _("Brand"), modes=FULL_ONLY, max_length=100),
    field("purity", "decimal", "goods", _("Purity (%)"), modes=FULL_ONLY, minimum=0, maximum=100),
    field("value", "money", "goods", _("Value"), modes=FULL_ONLY, code_list="currency", cen_column="value"),
    shared("packaging", "code", "goods", _("Packaging"), modes=FULL_ONLY, code_list="package"),
    field("disposal", "code", "goods", _("Disposal"), modes=FULL_ONLY, code_list="disposal"),
    field(
        "goods",
        "lines",
        "goods",
        _("Further goods"),
        _("Other goods of the same case, one line each"),
        modes=FULL_ONLY,
        fields=GOODS_LINE,
    ),
)

SEIZURE_FIELDS: Final[tuple[Field, ...]] = (*WHEN, *TRANSPORT, *GOODS, *FINDING, *AFTER, *NOMINAL)
