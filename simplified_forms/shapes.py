"""The shapes of what the page and the API receive: one form, ready to draw. Types only, no code that runs.

`simplified_forms.queries.form_description(template, language)` gives a `FormDescription`; `GET
/api/v1/groups/{id}/templates` gives the same object per kind under `description`, and the composer, the seizure
page and the preview of the template builder draw it with static/simplified_forms/form.js.

A body (what is sent, and what validation answers as `cleaned`) maps field names to values. Empty fields are left
out.

| `type`      | value in the body                                                                        |
|-------------|------------------------------------------------------------------------------------------|
| `text`      | string, one line                                                                         |
| `long_text` | string, several lines                                                                    |
| `date`      | "2026-11-21"                                                                             |
| `time`      | "14:05" (UTC)                                                                            |
| `datetime`  | "2026-11-21T14:05Z" (UTC, to the minute; seconds and offsets are accepted)               |
| `integer`   | 3 (a number; "3" is accepted)                                                            |
| `decimal`   | "12.5" (a string; a number is accepted)                                                  |
| `boolean`   | true or false                                                                            |
| `code`      | one code of `options`, "SEA"                                                             |
| `codes`     | several codes of `options`, ["PRF", "INT"]                                               |
| `country`   | ISO 3166-1 alpha-2, "NG"; type-ahead in list `search`, or pick from `options` if present |
| `countries` | several countries, ["NG", "BJ"]                                                          |
| `place`     | a code of type-ahead list `search`, "NGAPP", or any text, "Seme border post"             |
| `commodity` | one code of `options`, "DRG.cocaine"                                                     |
| `hs`        | 2, 4 or 6 digits, "240220"; type-ahead in list `search`                                  |
| `quantity`  | {"value": "12.5", "unit": "KGM"}                                                         |
| `money`     | {"value": "1200", "currency": "EUR"}; the currencies are in `options`                    |
| `message`   | id of another message of the group, a UUID string                                        |
| `messages`  | several of them                                                                          |
| `lines`     | goods lines: a list of objects with the fields of `fields`                               |
| `route`     | legs in order: a list of objects with the fields of `fields`                             |
| `persons`   | counts: a list of objects with the fields of `fields`                                    |
| `documents` | type and number: a list of objects with the fields of `fields`                           |

Problems name a field by its path in the body: `date`, `quantity.value`, `goods.2.quantity.unit` (rows count from
0).
"""

from typing import Any, Literal, NotRequired, TypedDict

type FieldType = Literal[
    "text",
    "long_text",
    "date",
    "time",
    "datetime",
    "integer",
    "decimal",
    "boolean",
    "code",
    "codes",
    "country",
    "countries",
    "place",
    "commodity",
    "hs",
    "quantity",
    "money",
    "message",
    "messages",
    "lines",
    "route",
    "persons",
    "documents",
]


class Option(TypedDict):
    """One choice of a field of type code, codes, commodity or money.

    `group` and `group_label`: heading under which the choice stands (options of one group are neighbours). `fits`:
    offer this choice only while the value of the field named by `fits_field` is one of these codes; absent or
    empty means always. `units`: of a commodity, the unit codes allowed, the usual one first.
    """

    code: str
    label: str
    group: NotRequired[str]
    group_label: NotRequired[str]
    fits: NotRequired[list[str]]
    units: NotRequired[list[str]]


class ShowWhen(TypedDict):
    """Show the field only while the value of `field` (a code, or a list of codes) is or contains one of `codes`."""

    field: str
    codes: list[str]


class FieldDescription(TypedDict):
    """One field, in the order in which it is to be drawn. Labels, help and options are in the language asked for.

    Always there: name, type, label, help ("" when none), section (name of a section), required, default (null when
    none; the special strings "today", "now", "my_country", "last" mean: today in UTC, now in UTC, the country of
    the sender's administration, the value this officer sent last), wide (draw over the full width).
    """

    name: str
    type: FieldType
    label: str
    help: str
    section: str
    required: bool
    default: Any
    wide: bool
    nominal: bool
    max_length: NotRequired[int]  # text, long_text, place: characters
    min: NotRequired[str]  # integer, decimal: smallest value, as a decimal string
    max: NotRequired[str]
    max_items: NotRequired[int]  # codes, countries, messages, lines, route, persons, documents
    options: NotRequired[list[Option]]
    fits_field: NotRequired[
        str
    ]  # name of the field (same level, else top level) that `fits` of the options refers to
    search: NotRequired[str]  # list for GET /nomenclature/search?list=…: country, place, hs, commodity
    units: NotRequired[list[Option]]  # quantity: all units that can occur, {code, label}
    units_field: NotRequired[str]  # quantity: commodity field (same level) whose option's `units` narrow the choice
    show_when: NotRequired[ShowWhen]
    fields: NotRequired[list["FieldDescription"]]  # lines, route, persons, documents: the fields of one row


class SectionDescription(TypedDict):
    """A heading and the names of its fields. Sections come in the order of their first field."""

    name: str
    label: str
    fields: list[str]


class FormDescription(TypedDict):
    """One form. `template` and `version` are null for a preview of a draft."""

    template: str | None
    kind: str
    version: int | None
    mode: str  # "simplified", "full", or "" for kinds that have one form only
    name: str
    language: str
    sections: list[SectionDescription]
    fields: list[FieldDescription]
