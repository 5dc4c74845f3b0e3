"""Catalogue, part: the fields of one row of goods, route, persons and documents. Data only.

A row's fields are fixed: a template takes the whole list or leaves it.
"""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from simplified_forms.fields import Field, Kind, maker

field = maker(*Kind)

GOODS_LINE: Final[tuple[Field, ...]] = (
    field(
        "commodity",
        "commodity",
        "goods",
        _("Commodity"),
        code_list="commodity",
        cen_column="commodity",
        essential=frozenset({Kind.SEIZURE.value}),
    ),
    field(
        "quantity",
        "quantity",
        "goods",
        _("Quantity"),
        unit_list="unit",
        units_field="commodity",
        cen_column="quantity",
        essential=frozenset({Kind.SEIZURE.value}),
    ),
    field(
        "second_quantity",
        "quantity",
        "goods",
        _("Second quantity"),
        _("The same goods in another unit"),
        unit_list="unit",
    ),
    field(
        "description", "text", "goods", _("Description"), _("As reported, without names"), cen_column="description"
    ),
    field("hs", "hs", "goods", _("HS code"), cen_column="hs"),
    field("brand", "text", "goods", _("Brand"), max_length=100),
    field("purity", "decimal", "goods", _("Purity (%)"), minimum=0, maximum=100),
    field("species", "text", "goods", _("Species"), _("Scientific name"), max_length=100),
    field("cites_appendix", "code", "goods", _("CITES appendix"), code_list="cites_appendix"),
    field("specimen", "code", "goods", _("Specimen"), code_list="specimen"),
    field("value", "money", "goods", _("Value"), code_list="currency", cen_column="value"),
    field(
        "origin_country",
        "country",
        "goods",
        _("Country of origin"),
        code_list="country",
        cen_column="origin_country",
    ),
    field("packaging", "code", "goods", _("Packaging"), code_list="package"),
    field("disposal", "code", "goods", _("Disposal"), code_list="disposal"),
)

LEG: Final[tuple[Field, ...]] = (
    field("leg", "code", "transport", _("Leg"), code_list="route_leg", essential=frozenset({Kind.SEIZURE.value})),
    field("country", "country", "transport", _("Country"), code_list="country"),
    field("place", "place", "transport", _("Place")),
    field("date", "date", "transport", _("Date")),
    field("conveyance", "code", "transport", _("Conveyance"), code_list="conveyance"),
)

PERSON_COUNT: Final[tuple[Field, ...]] = (
    field(
        "count",
        "integer",
        "persons",
        _("Number"),
        minimum=1,
        maximum=10_000,
        essential=frozenset({Kind.SEIZURE.value}),
    ),
    field("role", "code", "persons", _("Role"), code_list="person_role"),
    field("sex", "code", "persons", _("Sex"), code_list="sex"),
    field("age_band", "code", "persons", _("Age"), code_list="age_band"),
    field("nationality", "country", "persons", _("Nationality"), code_list="country"),
)

DOCUMENT: Final[tuple[Field, ...]] = (
    field("type", "code", "reference", _("Document"), code_list="document_type"),
    field(
        "number",
        "text",
        "reference",
        pgettext_lazy("document", "Number"),
        max_length=60,
        essential=frozenset({Kind.SEIZURE.value}),
    ),
)
