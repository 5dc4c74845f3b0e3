"""The refusals of a transfer."""

from __future__ import annotations

from problems import Refusal


class NothingToTransfer(Refusal):
    """None of these seizures is ready: look at what blocks them."""

    code = "nothing_to_transfer"
    status = 409


class RecordChanged(Refusal):
    """A record has changed since you looked at it: look again and confirm again."""

    code = "record_changed"
    status = 409


class UnknownTransfer(Refusal):
    """There is no such transfer, or nothing that you may see."""

    code = "not_found"
    status = 404


class NothingToResolve(Refusal):
    """There is nothing to decide here any more: look again."""

    code = "nothing_to_resolve"
    status = 409


class BadMapping(Refusal):
    """This mapping cannot be used."""

    code = "bad_mapping"
    status = 422


class BadMappingFile(Refusal):
    """This mapping file cannot be used."""

    code = "bad_mapping_file"
    status = 422


class BadSourceFile(Refusal):
    """This file cannot be imported with this mapping."""

    code = "bad_source_file"
    status = 422


class FormLacksField(Refusal):
    """The seizure form of this group lacks a field that an import is compared by: add it to the form."""

    code = "form_lacks_field"
    status = 409
