"""The forms of a page as a browser would send them, filled with words of a test. No test lives here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

TEXTUAL = {"text", "search", "textarea", "password", "url", "tel", ""}


@dataclass(slots=True)
class Control:
    """One control: its name, type, present value, and of a choice what can be chosen."""

    name: str
    kind: str
    value: str = ""
    choices: list[str] = field(default_factory=list)
    checked: bool = False


@dataclass(slots=True)
class Form:
    """One form of a page."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)

    def filled(self, word: Callable[[Control], str]) -> list[tuple[str, str]]:
        """Return what is sent when every free field holds `word`, and every choice something that it offers."""
        sent: list[tuple[str, str]] = []
        for control in self.controls:
            if control.kind in TEXTUAL or control.kind == "email":
                sent.append((control.name, word(control)))
            elif control.kind == "number":
                sent.append((control.name, control.value or "5"))
            elif control.kind == "select":
                chosen = control.value or next((one for one in control.choices if one), "")
                sent.append((control.name, chosen))
            elif control.kind in {"checkbox", "radio"}:
                if control.kind == "checkbox" or control.name not in dict(sent):
                    sent.append((control.name, control.value or "on"))
            else:
                sent.append((control.name, control.value))
        return sent


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: Control | None = None
        self._textarea: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(values.get("action", ""), values.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "option" and self._select is not None:
            self._select.choices.append(values.get("value", ""))
            if "selected" in values:
                self._select.value = values.get("value", "")
        elif tag in {"input", "select", "textarea", "button"} and values.get("name") and "disabled" not in values:
            kind = values.get("type", "text").lower() if tag == "input" else tag
            if kind in {"submit", "button"}:
                kind = "hidden"
            control = Control(values["name"], kind, values.get("value", ""), checked="checked" in values)
            self._form.controls.append(control)
            self._select = control if tag == "select" else self._select
            self._textarea = control if tag == "textarea" else None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page that post."""
    reader = _Reader()
    reader.feed(page)
    return [form for form in reader.forms if form.method == "post"]
