"""What a draft changes against the version in force, in sentences. Pure."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from simplified_forms.catalogue import CATALOGUE


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return one sentence per change from one specification to another, in the active language."""
    old = {entry["name"]: entry for entry in before["fields"]}
    new = {entry["name"]: entry for entry in after["fields"]}
    found = [_("Added: %(field)s") % {"field": _label(name)} for name in new if name not in old]
    found += [_("Removed: %(field)s") % {"field": _label(name)} for name in old if name not in new]
    for name, entry in new.items():
        if name in old:
            found += _changes_of(_label(name), old[name], entry)
    kept_before = [name for name in old if name in new]
    kept_after = [name for name in new if name in old]
    found += [_("Moved: %(field)s") % {"field": _label(name)} for name in _moved(kept_before, kept_after)]
    return found


def _label(name: str) -> str:
    return str(CATALOGUE[name].label)


def _changes_of(label: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    found = []
    if before["required"] != after["required"]:
        sentence = _("Now mandatory: %(field)s") if after["required"] else _("Now optional: %(field)s")
        found.append(sentence % {"field": label})
    if before["codes"] != after["codes"]:
        found.append(_("Other choices offered: %(field)s") % {"field": label})
    if before["help"] != after["help"]:
        found.append(_("Other help text: %(field)s") % {"field": label})
    if before["default"] != after["default"]:
        found.append(_("Other default: %(field)s") % {"field": label})
    return found


def _moved(before: list[str], after: list[str]) -> list[str]:
    """Return the fewest names whose moving turns one order into the other: those off a longest common run."""
    place = {name: at for at, name in enumerate(before)}
    runs: list[list[str]] = []  # for each name so far, the longest run in the old order that ends with it
    stay: list[str] = []
    for name in after:
        longest: list[str] = []
        for run in runs:
            if place[run[-1]] < place[name] and len(run) > len(longest):
                longest = run
        runs.append([*longest, name])
        if len(runs[-1]) > len(stay):
            stay = runs[-1]
    return [name for name in after if name not in stay]
