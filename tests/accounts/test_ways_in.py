"""The ways in are those of the protocol, and none of them asks for or shows a hint."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from django import forms
from django.apps import apps

from accounts import forms as account_forms
from accounts.models import OfficerSession

ROOT = Path(__file__).resolve().parents[2]
# Each function of a page that begins or raises a session, and the way of the protocol that it is a step of.
WAYS = {
    "sign_in.sign_in": "password, then",
    "sign_in._prove": "password, then a code of the authenticator",
    "sign_in.go_on": "",  # the last step of all: it raises the session after the factor that it is given
    "passkeys.sign_in": "passkey alone",
    "passkeys.second_factor": "password, then passkey",
    "passkeys.first": "password, then a recovery code",
    "invitation.authenticator": "one-time link",
    "invitation.passkey": "one-time link",
}
STEPS = {"begin", "complete", "go_on", "login"}
HINT = re.compile(r"hint|question|maiden|security_answer|reminder")


def steps_of(source: str) -> set[str]:
    """Return the functions of a module that begin or raise a session."""
    return {
        function.name
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        and (getattr(call.func, "attr", "") in STEPS or getattr(call.func, "id", "") in STEPS)
        and not (
            isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) not in {"web_session", "auth"}
        )
    }


def ways_told() -> list[str]:
    """Return the ways in that the protocol lists, with their strength."""
    table = (
        (ROOT / "docs" / "protocol.md").read_text().partition("How strong each way in is")[2].partition("\n### ")[0]
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    assert rows[0] == ["way", "proves", "withstands phishing", "for whom"]
    assert all(all(row) for row in rows[2:])
    return [row[0] for row in rows[2:]]


def test_every_way_in_is_told_with_its_strength() -> None:
    found = {
        f"{file.stem}.{name}"
        for package in ("accounts", "groups", "cencomm")
        for file in (ROOT / package).rglob("views/*.py")
        for name in steps_of(file.read_text())
    }
    assert found == set(WAYS)
    told = ways_told()
    assert [way for way in WAYS.values() if not any(one.startswith(way) for one in told)] == []
    assert {one for one in told if not any(way and one.startswith(way) for way in WAYS.values())} == {"token"}
    factors = {
        OfficerSession.Factor.PASSKEY: "then passkey",
        OfficerSession.Factor.AUTHENTICATOR: "code of the authenticator",
        OfficerSession.Factor.RECOVERY_CODE: "recovery code",
    }
    assert set(factors) == set(OfficerSession.Factor) - {OfficerSession.Factor.NONE}
    assert [text for text in factors.values() if not any(text in one for one in told)] == []


def test_a_way_that_nobody_told_would_be_found() -> None:
    assert steps_of("def late(request):\n    web_session.begin(request, officer)\n") == {"late"}
    assert steps_of("def late(request):\n    return go_on(request, device)\n") == {"late"}
    assert steps_of("def late(request):\n    return challenges.begin(one)\n") == set()


def test_nothing_hints_at_a_password_and_nothing_is_asked_instead() -> None:
    """No column keeps a hint or an answer, no form has a field for one, and a sign-in asks for three things."""
    columns = {
        f"{model.__name__}.{field.name}" for model in apps.get_app_config("accounts").get_models()
        for field in model._meta.get_fields()
    }  # fmt: skip
    fields = {
        f"{name}.{field}"
        for name, form in vars(account_forms).items()
        if isinstance(form, type) and issubclass(form, forms.Form)
        for field in form.base_fields
    }
    assert len(columns) > 50
    assert {one for one in columns | fields if HINT.search(one)} == set()
    asked = {field for field in fields if field.startswith(("SignIn", "CodeForm."))}
    assert asked == {"SignInForm.email", "SignInForm.password", "SignInCodeForm.code", "CodeForm.code"}
