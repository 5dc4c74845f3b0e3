"""The field catalogue: every field that any form may use, by name. Assembles the parts; holds no entries itself.

A published template names fields of this catalogue for ever: entries may be added, their labels improved and their
lists extended, but a name is never removed and never changes its type or meaning.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simplified_forms.catalogue_messages import MESSAGE_FIELDS
from simplified_forms.catalogue_seizure import SEIZURE_FIELDS
from simplified_forms.fields import Field, Kind

__all__ = ["CATALOGUE", "Field", "Kind", "essential_names", "fields_of"]


def _assembled() -> Mapping[str, Field]:
    entries: dict[str, Field] = {}
    for field in (*MESSAGE_FIELDS, *SEIZURE_FIELDS):
        if field.name in entries:
            raise ValueError(f"field {field.name} stands twice in the catalogue")
        entries[field.name] = field
    return MappingProxyType(entries)


CATALOGUE: Final[Mapping[str, Field]] = _assembled()


def fields_of(kind: str) -> list[Field]:
    """Return the fields that templates of a kind may use, in the order in which they are offered."""
    return [field for field in CATALOGUE.values() if kind in field.kinds]


def essential_names(kind: str) -> list[str]:
    """Return the names that every template of a kind must hold as mandatory."""
    return [field.name for field in CATALOGUE.values() if kind in field.essential]
