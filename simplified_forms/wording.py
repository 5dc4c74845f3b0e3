"""What is said to the person when a value is wrong or odd: one sentence per problem code. No rules.

The sentences never repeat the value: they travel through logs of clients that we do not control.
"""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _

from problems import FieldProblem, Refusal
from simplified_forms.fields import Text

ERRORS: Final[Mapping[str, Text]] = {
    "not_an_object": _("The body must be a set of named fields."),
    "too_large": _("The form is too large: at most %(limit)s kilobytes."),
    "not_json": _("The form holds something that cannot be sent."),
    "unknown_field": _("This form has no such field."),
    "nominal_not_allowed": _("This group does not take data about persons or companies."),
    "required": _("This field is needed."),
    "wrong_type": _("This value is not of the right type."),
    "too_long": _("Too long: at most %(limit)s characters."),
    "too_many": _("Too many: at most %(limit)s."),
    "too_many_problems": _("There are more problems than are shown."),
    "unknown_code": _("This code is not in the list."),
    "code_not_offered": _("This group's form does not offer this code."),
    "not_a_date": _("Give a date as year-month-day, for example 2026-11-21."),
    "not_a_time": _("Give a time as hours and minutes, for example 14:05."),
    "not_a_datetime": _("Give a date and time, for example 2026-11-21T14:05Z."),
    "not_a_number": _("Give a number in digits, with a point for decimals."),
    "not_a_whole_number": _("Give a whole number."),
    "not_positive": _("The quantity must be more than zero."),
    "too_small": _("The smallest value is %(limit)s."),
    "too_big": _("The largest value is %(limit)s."),
    "future": _("This lies in the future."),
    "before_operation": _("This lies before %(limit)s, the earliest date that this operation takes."),
    "unit_not_allowed": _("This unit does not fit the goods. Allowed: %(units)s."),
    "not_a_message": _("This is not the identifier of a message."),
    "no_person_counted": _("Give the number of persons."),
}
QUESTIONS: Final[Mapping[str, Text]] = {
    "unusual_quantity": _("This quantity is unusually large for these goods. Is it right?"),
    "country_not_senders": _("The country is not that of your administration. Is it right?"),
    "concealment_does_not_fit": _("This concealment is unusual for the conveyance. Is it right?"),
    "import_destination": _("An import should have the country of seizure as its destination. Is it right?"),
    "import_departure": _("An import should not depart from the country of seizure. Is it right?"),
    "export_departure": _("An export should depart from the country of seizure. Is it right?"),
    "export_destination": _("An export should not have the country of seizure as destination. Is it right?"),
    "transit_route": _("In transit, departure and destination lie outside the country of seizure. Is it right?"),
    "internal_route": _("Internal traffic should not cross a border. Is the route right?"),
}


def problem(path: str, code: str, params: Mapping[str, object]) -> FieldProblem:
    """Return the problem in words, in the active language. A `refusal` in `params` brings its own sentence."""
    refusal = params.get("refusal")
    if isinstance(refusal, Refusal):
        return FieldProblem(path, code, refusal.detail)
    sentence = str(ERRORS.get(code) or QUESTIONS[code])
    return FieldProblem(path, code, sentence % params if params else sentence)
