"""How a page tells a refusal: in the form that was sent, with the refusal's own status."""

from __future__ import annotations

from django.forms import Form

from problems import Refusal


def tell_refusal(form: Form, refusal: Refusal) -> int:
    """Write a refusal into the form: to its fields where it names them. Returns the status of the answer."""
    placed = False
    for problem in refusal.errors:
        if problem.field in form.fields:
            form.add_error(problem.field, problem.message)
            placed = True
    if not placed:
        form.add_error(None, refusal.detail)
    return refusal.status
