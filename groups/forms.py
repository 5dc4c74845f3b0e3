"""The forms of the pages of groups: they read what was typed. The rules are those of the actions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Administration, Officer
from accounts.queries import administrations
from audit.queries import Filters
from audit.wording import ACTION_TEXT, SOURCE_TEXT
from groups.models import ClosedUserGroup, Membership, Phase, Role
from groups.phases import moves_from
from groups.queries import recoverable
from groups.settings import LATE_LIMIT_DAYS, NO_COUNTRY, RETENTION_DAYS, GroupSettings
from nomenclature.lists import code_list


class DayInput(forms.DateInput):
    """The browser's own date field; it reads and writes ISO 8601 whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def country_choices() -> list[tuple[str, str]]:
    """Return all countries in the reader's language, by name."""
    return [item for item in code_list("country").items(get_language() or "en") if item[0] not in NO_COUNTRY]


class AddMemberForm(forms.Form):
    """An officer by exact e-mail address, and the role. `NewOfficerForm` follows for an address unknown here."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.OFFICER)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()


class AdministrationField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An administration, told apart by its country."""

    def label_from_instance(self, obj: Administration) -> str:
        return f"{obj.country} · {obj.name}"


class NewOfficerForm(AddMemberForm):
    """An officer who has no account yet: what the invitation needs to know."""

    name = forms.CharField(label=_("Name"), max_length=120)
    administration = AdministrationField(
        label=_("Administration"), queryset=administrations().order_by("country", "name")
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class ConfirmForm(forms.Form):
    """A tick before what cannot be taken back by a click."""

    confirm = forms.BooleanField(label=_("Yes, end this membership now."))


class RecoveryForm(forms.Form):
    """A member who lost every second factor; a contact point is offered those of the own administration."""

    member = forms.TypedChoiceField(label=_("Officer"), coerce=UUID)
    confirm = forms.BooleanField(
        label=_("I have spoken with this officer in person, or on a number that I knew before."),
    )

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["member"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - stated above
        names = [(str(one.pk), f"{one.officer.name} · {one.country}") for one in recoverable(membership)]
        field.choices = [("", "–"), *names]  # nobody is chosen by oversight


class ConfirmedByCode(forms.Form):
    """What is confirmed by typing the group's code."""

    confirm = forms.CharField(
        label=_("Code of the group"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, group: ClosedUserGroup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        self.fields["confirm"].help_text = _("Type %(code)s to confirm.") % {"code": group.code}

    def clean_confirm(self) -> str:
        typed = str(self.cleaned_data["confirm"]).strip().upper()
        if typed != self.group.code:
            raise forms.ValidationError(_("This is not the code of the group."), code="mismatch")
        return typed


class PhaseForm(ConfirmedByCode):
    """A move to another phase."""

    to = forms.ChoiceField(label=_("Next phase"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, group: ClosedUserGroup, **kwargs: Any) -> None:
        super().__init__(*args, group=group, **kwargs)
        moves = moves_from(group)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - stated above
        field.choices = [(phase.value, phase.label) for phase in moves]
        field.initial = moves[0].value if moves else None

    def phase(self) -> Phase:
        """Return the phase chosen."""
        return Phase(self.cleaned_data["to"])


class NominalForm(ConfirmedByCode):
    """Whether a group takes nominal data."""

    allowed = forms.TypedChoiceField(
        choices=[("True", ""), ("False", "")], coerce=lambda value: value == "True", widget=forms.HiddenInput()
    )


class SettingsForm(forms.Form):
    """The settings of a group. Days are asked of operations only."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(
        label=_("Description"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    starts_on = forms.DateField(label=_("First day"), widget=DayInput())
    ends_on = forms.DateField(label=_("Last day"), widget=DayInput())
    cut_off_hour = forms.IntegerField(
        label=_("Cut-off hour (UTC)"),
        min_value=0,
        max_value=23,
        help_text=_("The reporting day ends at this hour: by then each country reports, or reports nothing."),
    )
    form_mode = forms.ChoiceField(label=_("Seizure form"), choices=ClosedUserGroup.FormMode.choices)
    late_limit_days = forms.IntegerField(
        label=_("Late limit (days)"),
        min_value=LATE_LIMIT_DAYS[0],
        max_value=LATE_LIMIT_DAYS[1],
        help_text=_("How many days before the first day a reported seizure may lie."),
    )
    retention_days = forms.IntegerField(
        label=_("Retention (days)"),
        min_value=RETENTION_DAYS[0],
        max_value=RETENTION_DAYS[1],
        help_text=_("How long after closing the group can still be read; then it may be archived."),
    )

    def __init__(self, *args: Any, group: ClosedUserGroup, **kwargs: Any) -> None:
        kwargs.setdefault("initial", GroupSettings.of(group).as_fields())
        super().__init__(*args, **kwargs)
        if group.kind == ClosedUserGroup.Kind.STANDING:
            del self.fields["starts_on"], self.fields["ends_on"]

    def settings(self) -> GroupSettings:
        """Return what was set."""
        return GroupSettings(**self.cleaned_data)


class CountryForm(forms.Form):
    """One more country that takes part."""

    country = forms.ChoiceField(label=_("Country"))

    def __init__(self, *args: Any, present: set[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["country"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - stated above
        field.choices = [("", "–"), *(item for item in country_choices() if item[0] not in present)]


class ContactPointForm(forms.Form):
    """Who answers for a country: one of its members with the role of contact point, or nobody."""

    member = forms.UUIDField(required=False)


class CreateGroupForm(forms.Form):
    """A new group, as a platform administrator makes it."""

    code = forms.CharField(
        label=_("Code"),
        max_length=12,
        help_text=_("2 to 12 letters and digits. It leads every reference and cannot be changed."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )
    name = forms.CharField(label=_("Name"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=ClosedUserGroup.Kind.choices)
    form_mode = forms.ChoiceField(label=_("Seizure form"), choices=ClosedUserGroup.FormMode.choices)
    starts_on = forms.DateField(label=_("First day"), required=False, widget=DayInput())
    ends_on = forms.DateField(label=_("Last day"), required=False, widget=DayInput())
    first_coordinator = forms.EmailField(
        label=_("First coordinator (e-mail address)"),
        max_length=254,
        help_text=_("An officer with an account. The coordinator invites everybody else."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    countries = forms.MultipleChoiceField(
        label=_("Countries"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The coordinator's country takes part in any case; others can be added later."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["countries"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - stated above
        field.choices = country_choices()

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).strip().upper()

    def clean_first_coordinator(self) -> Officer:
        address = str(self.cleaned_data["first_coordinator"]).strip()
        officer = Officer.objects.select_related("administration").filter(email__iexact=address).first()
        if officer is None:
            raise forms.ValidationError(_("No officer has this address."), code="unknown")
        return officer


class TrailForm(forms.Form):
    """What to look for in the audit trail. Days are whole days in UTC."""

    since = forms.DateField(label=_("From"), required=False, widget=DayInput())
    until = forms.DateField(label=_("To"), required=False, widget=DayInput())
    source = forms.ChoiceField(
        label=_("Part"), required=False, choices=lambda: [("", _("Everything")), *SOURCE_TEXT.items()]
    )
    action = forms.ChoiceField(
        label=_("What"), required=False, choices=lambda: [("", _("Everything")), *_actions_by_part()]
    )
    actor = forms.EmailField(
        label=_("Who (e-mail address)"),
        required=False,
        max_length=254,
        widget=forms.TextInput(attrs={"inputmode": "email"}),
    )
    subject = forms.CharField(label=_("On what (identifier)"), required=False, max_length=120)
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput())

    def clean_actor(self) -> UUID | None:
        email = self.cleaned_data["actor"].strip()
        if not email:
            return None
        found: UUID | None = Officer.objects.filter(email__iexact=email).values_list("pk", flat=True).first()
        return found or UUID(int=0)  # somebody unknown has done nothing: told as that, not as an unknown name

    @property
    def filters(self) -> Filters:
        """What was asked, for the query. Call it on a valid form."""
        given = self.cleaned_data
        return Filters(
            source=given["source"],
            action=given["action"],
            actor=given["actor"],
            subject=given["subject"].strip(),
            since=_start_of(given["since"]),
            until=_start_of(given["until"] + timedelta(days=1)) if given["until"] else None,
        )

    @property
    def names_of_filters(self) -> str:
        """Which filters were used, not what they asked for."""
        names = ("since", "until", "source", "action", "actor", "subject")
        return ",".join(name for name in names if self.cleaned_data.get(name)) if self.is_valid() else ""


def _start_of(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, tzinfo=UTC) if day else None


def _actions_by_part() -> list[tuple[Any, list[tuple[str, Any]]]]:
    return [
        (text, [(name, said) for name, said in ACTION_TEXT.items() if name.startswith(f"{part}:")])
        for part, text in SOURCE_TEXT.items()
    ]
