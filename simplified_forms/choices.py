"""Short code lists that only the forms use, and one door to every list that a field can name.

What lives here: lists too small or too particular for `nomenclature` (proposals of this project, none is an
official list), and `labels`. What must not: lists that CEN needs; those belong to `nomenclature`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from nomenclature.lists import code_list
from simplified_forms.fields import Text

OWN_LISTS: Final[Mapping[str, Mapping[str, Text]]] = {
    "administrative_topic": {
        "BRIEFING": _("Briefing"),
        "HANDOVER": _("Shift handover"),
        "CONTACTS": _("Contacts and rota"),
        "TECHNICAL": _("Technical"),
        "OTHER": _("Other"),
    },
}


@lru_cache(maxsize=512)
def labels(list_name: str, language: str) -> Mapping[str, str]:
    """Return code -> label of a list, in the order in which it is to be offered. Unknown list: KeyError."""
    own = OWN_LISTS.get(list_name)
    if own is not None:
        with override(language):
            return {code: str(label) for code, label in own.items()}
    return dict(code_list(list_name).items(language))


@lru_cache(maxsize=128)
def codes(list_name: str) -> frozenset[str]:
    """Return the codes of a list."""
    own = OWN_LISTS.get(list_name)
    return frozenset(own) if own is not None else frozenset(code_list(list_name).codes)


def fitting(list_name: str, code: str) -> tuple[str, ...]:
    """Return the codes of the narrowing field that this code fits; empty means that it fits always."""
    if list_name in OWN_LISTS:
        return ()
    fits = code_list(list_name).attributes(code).get("fits") or ()
    return tuple(fits)
