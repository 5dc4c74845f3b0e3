"""Migrations say everything that models say, for both databases."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command


@pytest.mark.django_db(databases=["default", "cen"])
def test_no_migration_is_missing() -> None:
    output = io.StringIO()
    try:
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1, stdout=output, no_input=True)
    except SystemExit:
        pytest.fail(f"Run `bin/cencomm manage makemigrations`:\n{output.getvalue()}")
