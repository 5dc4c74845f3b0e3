"""The forms of the pages of accounts: they read what was typed. The rules are those of the actions."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.actions import SCOPES
from accounts.actions.tokens import CLIENT_SYSTEM_SCOPES
from accounts.models import Administration, Region
from accounts.queries import administrations
from nomenclature.lists import code_list
from problems import Refusal

SCOPE_TEXT = {
    "messages:read": _("Read groups and messages"),
    "messages:write": _("Send and acknowledge messages"),
    "cen:read": _("Search CEN"),
    "cen:write": _("Send records to CEN"),
    "transfers": _("Start and follow transfers"),
}
LIVES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("One year"))]


def tell_refusal(form: forms.Form, refusal: Refusal) -> int:
    """Write a refusal into the form, to its fields where it names them. Returns the status of the answer."""
    placed = False
    for problem in refusal.errors:
        if problem.field in form.fields:
            form.add_error(problem.field, problem.message)
            placed = True
    if not placed:
        form.add_error(None, refusal.detail)
    return 422 if refusal.status == 401 else refusal.status


@cache
def time_zones() -> list[tuple[str, str]]:
    """Return the time zones of the world by name: those of a region and a city, and UTC."""
    names = sorted(name for name in zoneinfo.available_timezones() if "/" in name and "Etc/" not in name)
    return [(name, name.replace("_", " ")) for name in ["UTC", *names] if not name.startswith("US/")]


def _countries() -> list[tuple[str, str]]:
    """Return all countries in the reader's language, by name."""
    return sorted(code_list("country").items(get_language() or "en"), key=lambda item: item[1])


def _password(label: Any, autocomplete: str, **values: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=256, strip=False, widget=widget, **values)


def _code(help_text: Any = "") -> forms.CharField:
    attrs = {
        "autocomplete": "one-time-code",
        "inputmode": "text",
        "autocapitalize": "characters",
        "spellcheck": "false",
        "class": "code-input",
    }
    return forms.CharField(label=_("Code"), max_length=40, help_text=help_text, widget=forms.TextInput(attrs=attrs))


class SignInForm(forms.Form):
    """Name and password."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "username webauthn", "autofocus": True, "spellcheck": "false"}
        ),
    )
    password = _password(_("Password"), "current-password")


class CodeForm(forms.Form):
    """A code of the authenticator, or a recovery code."""

    code = _code()


class SignInCodeForm(CodeForm):
    """The same, as the only thing on its page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autofocus"] = True


class StepUpForm(forms.Form):
    """A code for one act, for some with the password; `accounts.step_up` reads them."""

    step_up_password = _password(_("Password"), "current-password")
    step_up_code = _code()


class PasskeyNameForm(forms.Form):
    """What the officer calls a passkey, to know it again."""

    name = forms.CharField(
        label=_("Name of the passkey"),
        max_length=60,
        help_text=_("What you know it by: this laptop, the key on my ring."),
    )


class NewPasswordForm(forms.Form):
    """A new password, twice."""

    password = _password(
        _("New password"),
        "new-password",
        min_length=12,
        help_text=_("At least 12 characters. A few words that belong to nobody else are best."),
    )
    again = _password(_("New password again"), "new-password")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("again") and values.get("password") != values["again"]:
            self.add_error("again", _("The two passwords differ."))
        return values


class ChangePasswordForm(NewPasswordForm):
    """The present password, then a new one, twice."""

    present = _password(_("Present password"), "current-password")
    field_order = ["present", "password", "again"]


class ProfileForm(forms.Form):
    """What an officer says about himself."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)


class TokenForm(forms.Form):
    """A token of the officer's own. The second factor is asked for then: a token needs none afterwards."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What uses it: a programme, a machine."))
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=[(scope, SCOPE_TEXT[scope]) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.ChoiceField(label=_("Valid for"), choices=LIVES, initial="90")


class ClientSystemForm(TokenForm):
    """A token of a system that sends to CEN or reads it, and belongs to no officer."""

    client_system = forms.CharField(label=_("Client system"), max_length=80)
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=[(scope, SCOPE_TEXT[scope]) for scope in sorted(CLIENT_SYSTEM_SCOPES)],
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ["client_system", "name", "scopes", "days"]


class AdministrationForm(forms.Form):
    """A customs administration or another agency."""

    country = forms.ChoiceField(label=_("Country"), choices=_countries)
    name = forms.CharField(label=_("Name"), max_length=160)
    kind = forms.ChoiceField(label=_("Kind"), choices=Administration.Kind.choices)
    region = forms.ModelChoiceField(label=_("Region"), queryset=Region.objects.order_by("name"), required=False)


class OfficerForm(forms.Form):
    """What is known of an officer whose account exists."""

    name = forms.CharField(label=_("Name"), max_length=120)
    administration = forms.ModelChoiceField(
        label=_("Administration"), queryset=administrations().order_by("country", "name")
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones, initial="UTC")
    is_platform_administrator = forms.BooleanField(
        label=_("Platform administrator"),
        required=False,
        help_text=_("Manages accounts and groups; reads no content of a group."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["administration"]
        field.label_from_instance = lambda it: f"{it.country} · {it.name}"  # type: ignore[attr-defined]


class NewOfficerForm(OfficerForm):
    """A new officer, who is invited at once."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ["email", "name"]
