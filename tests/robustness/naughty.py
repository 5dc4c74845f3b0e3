"""Words that break programs, on their way through a group and back. No test lives here."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any, NamedTuple

from django.test import Client

from groups.models import ClosedUserGroup
from tests.messaging.conftest import BODIES, DAY, seizure_body, wire
from tests.robustness.words import encodable


def kept(word: str) -> str:
    """Return what of a text of several lines is kept: composed, without control characters, trimmed."""
    lines = word.replace("\r\n", "\n").replace("\r", "\n")
    plain = "".join(one for one in lines if one in "\t\n" or unicodedata.category(one) != "Cc")
    return unicodedata.normalize("NFC", plain).strip()


def one_line(word: str) -> str:
    """Return what of a text of one line is kept."""
    return kept(re.sub("[\t\n\r\u2028\u2029]+", " ", word))


class Structure(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, str]] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements |= {(tag, name) for name, _value in attrs} | {(tag, "")}
        assert not any((value or "").strip().lower().startswith("javascript:") for _name, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


BODIES_OF_KINDS: dict[str, dict[str, Any]] = {
    **BODIES,
    "seizure": seizure_body(),
    "movement": {"event": "DEP", "occurred_at": f"{DAY}T10:00Z", "conveyance": "SEA"},
}


class Place(NamedTuple):
    """A field of a kind, or a part of its rows."""

    kind: str
    field: str
    part: str
    type: str
    wanted: tuple[tuple[str, str], ...]  # what a row needs besides, as JSON

    def body(self, word: str) -> dict[str, Any]:
        """Return a body that holds a word there, and nothing else that is not needed."""
        row = {**{name: json.loads(value) for name, value in self.wanted}, self.part: word}
        return {**BODIES_OF_KINDS[self.kind], self.field: [row] if self.part else word}

    @property
    def textual(self) -> bool:
        return self.type in {"text", "long_text", "place"}

    @property
    def spoken_of(self) -> set[str]:
        """What a refusal may name."""
        return {f"body.{self.field}.0.{self.part}", f"body.{self.field}"} if self.part else {f"body.{self.field}"}


PLAIN: dict[str, Any] = {
    "commodity": "DRG.tramadol", "quantity": {"value": "1", "unit": "H87"}, "integer": 1, "text": "x",
    "country": "GH",
}  # fmt: skip


def places_of_form(form: Mapping[str, Any]) -> Iterator[Place]:
    """Yield each field of a form, as clients are told of it, and each part of its rows."""
    for field in form["description"]["fields"]:
        if "fields" not in field:
            yield Place(form["kind"], field["name"], "", field["type"], ())
        for part in field.get("fields", ()):
            others = [one for one in field["fields"] if one["required"] and one["name"] != part["name"]]
            wanted = {one["name"]: PLAIN.get(one["type"]) or one["options"][0]["code"] for one in others}
            spelt = tuple((name, json.dumps(value)) for name, value in wanted.items())
            yield Place(form["kind"], field["name"], part["name"], part["type"], spelt)


class Through:
    """A group, an officer's token and session, and what became of each word that was sent."""

    def __init__(self, api: Client, pages: Client, group: ClosedUserGroup) -> None:
        self.api, self.pages, self.group = api, pages, group
        self.path = f"/api/v1/groups/{group.pk}/messages"
        self.search = f"/api/v1/groups/{group.pk}/search"
        self.faults: list[tuple[str, Any]] = []
        self.asked: dict[str, str] = {}
        self.plain: dict[Place, set[tuple[str, str]]] = {}
        self.read: dict[str, Any] = {}
        self.accepted = 0
        self.elements = {("br", ""), ("p", "")}
        for text in ("x y", "The driver is Kofi Mensah, call +233 24 555 0187"):  # the second is screened
            found = self._post(wire(subject="x", body={"text": text}))
            self.elements |= self._record(found["id"]).elements

    def send(self, word: str) -> None:
        """Send a word as a note's text and look at it; correct it, look it up; then as text of a seizure."""
        note = self.send_note(word)
        if note is not None:
            fields = {"subject", "body.text"}
            again = self._post(wire(body={"text": f"{word} +"}, supersedes=note["id"]), fields=fields)
            if again is not None:
                self._equal(word, again["body"]["text"], kept(f"{word} +"))
                self._find(word, again["id"])
        for name, ways in (("place", {one_line(word)}), ("description", {kept(word), one_line(word)})):
            found = self._post(wire("seizure", body=seizure_body(**{name: word})), fields={f"body.{name}"})
            if found is not None:
                self._equal(word, found["body"].get(name, "") in ways, True)

    def send_note(self, word: str) -> Any:
        """Send a word as subject and text of a note; read it back, and look at its page."""
        note = self._post(wire(subject=word[:160], body={"text": word}), fields={"subject", "body.text"})
        if note is not None:
            self._equal(word, note["body"]["text"], kept(word))
            self._look(word, note["id"])
        return note

    def send_in(self, place: Place, word: str) -> bool:
        """Send a word in one field of one kind, or of a row of it; read it back, and look at its page.

        Whether it was taken: a container's number is not any word.
        """
        answers = {"in_reply_to": self.asked[place.kind]} if place.kind in self.asked else {}
        found = self._post(wire(place.kind, body=place.body(word), **answers), fields=place.spoken_of)
        if found is None or not place.textual:
            return False
        value = found["body"].get(place.field, "")
        value = value[0].get(place.part, "") if place.part and value else value
        self._equal(word, value in {kept(word), one_line(word)}, True)
        if place in self.plain and not any(sign in word for sign in "<>&"):
            return True  # no word without these has ever been markup, and pages take time
        elements = self._record(found["id"]).elements
        plain = self.plain.setdefault(place, elements)  # of the first word, which is harmless
        if elements - plain - self.elements:
            self.faults.append(("markup", (place, word, elements - plain)))
        return True

    def ask(self, kinds: Mapping[str, str]) -> None:
        """Send what others answer: `kinds` tells of a kind what it answers."""
        for kind, answered in kinds.items():
            self.asked[kind] = self._post(wire(answered, body=BODIES_OF_KINDS[answered]))["id"]

    def follow(self) -> None:
        """Read the stream from its beginning: what it brings of each message is what the API told of it."""
        after, head = 0, 1
        brought: dict[str, Any] = {}
        while after < head:
            page = self.api.get(f"/api/v1/groups/{self.group.pk}/events", {"after": after, "limit": 500}).json()
            events = [item["event"] for item in page["events"]]
            brought |= {one["message"]["id"]: one["message"]["body"] for one in events if one["type"] == "message"}
            after, head = page["last"], page["head"]
        for message, body in self.read.items():
            if brought.get(message) != body:
                self.faults.append(("stream", (message, body)))

    def look_up(self, word: str) -> None:
        """Look for a word that stands in one message alone."""
        answer = self.api.post(self.search, {"text": word}, "application/json")
        if answer.status_code != 200 or len(answer.json()["messages"]) != 1:
            self.faults.append((f"search {answer.status_code}", word))

    def _post(self, message: dict[str, Any], fields: set[str] | None = None) -> Any:
        answer = self.api.post(self.path, json.dumps(message), content_type="application/json")
        if answer.status_code == 201:
            self.accepted += 1
            read = self.api.get(f"/api/v1/messages/{message['id']}").json()
            self.read[message["id"]] = read["body"]
            return read if read["body"] == answer.json()["body"] else self.faults.append(("read", message))
        problem = answer.json()
        said = {one["field"] for one in problem.get("errors", ())}
        if answer.status_code == 400 and not encodable(message):
            return None  # half a surrogate is no text: the request cannot be read
        elsewhere = {one for one in said if not any(f"{one}.".startswith(f"{name}.") for name in fields or ())}
        if answer.status_code != 422 or not said or elsewhere:
            self.faults.append((f"{answer.status_code} {problem.get('code')} {said}", message))
        return None

    def _look(self, word: str, message: str) -> None:
        structure = self._record(message)
        if structure.elements - self.elements:
            self.faults.append(("markup", (word, structure.elements - self.elements)))
        if "".join(kept(word).split()) not in "".join(structure.text.split()):
            self.faults.append(("not shown", word))

    def _find(self, word: str, message: str) -> None:
        answer = self.api.post(self.search, {"text": word}, "application/json")
        if answer.status_code == 200:
            found = {one["id"] for one in answer.json()["messages"]}
            if message not in found and any(one.isalnum() for one in kept(word)):
                self.faults.append(("not found", word))
        elif answer.status_code not in {400, 422}:
            self.faults.append((f"search {answer.status_code}", word))

    def _record(self, message: str) -> Structure:
        answer = self.pages.get(f"/groups/{self.group.pk}/messages/{message}/")
        if answer.status_code != 200:
            self.faults.append((f"page {answer.status_code}", message))
        return Structure(answer.content.decode())

    def _equal(self, word: str, got: object, expected: object) -> None:
        if got != expected:
            self.faults.append((f"{got!r} is not {expected!r}", word))
