"""The mapping of form fields to CEN columns, for platform administrators."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Officer
from exports import actions, queries
from exports.errors import BadMapping
from exports.mapping import allowed_columns, mappable_fields
from exports.presentation import column_label
from groups.errors import Stranger


@require_http_methods(["GET", "POST"])
def mapping(request: HttpRequest) -> HttpResponse:
    """Show and save the allow-list; a field without a column stays in its group."""
    officer = request.user
    if not isinstance(officer, Officer) or not officer.is_platform_administrator:
        raise Stranger
    chosen = {rule.field: rule.column for rule in queries.rules_in_force()}
    errors = {}
    if request.method == "POST":
        chosen = {name: request.POST.get(f"column-{name}", "") for name in mappable_fields()}
        rules = [{"field": name, "column": column} for name, column in chosen.items() if column]
        try:
            actions.save_mapping(officer, rules=rules)
        except BadMapping as refusal:
            errors = {problem.field: problem.message for problem in refusal.errors}
        else:
            messages.success(request, _("The mapping is in force for every group."))
            return redirect("exports:mapping")
    rows = [
        {
            "name": name,
            "label": field.label,
            "column": chosen.get(name, ""),
            "proposed": field.cen_column,
            "error": errors.pop(name, ""),
        }
        for name, field in mappable_fields().items()
    ]
    columns = [(column, column_label(column)) for column in sorted(allowed_columns())]
    context = {"rows": rows, "columns": columns, "errors": errors, "versions": queries.mapping_versions()}
    return render(request, "exports/mapping.html", context, status=422 if request.method == "POST" else 200)
