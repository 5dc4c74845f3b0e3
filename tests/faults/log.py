"""What a client saw and was answered, kept for the check, and the same folded into the state that it would show.

What must not live here: the network (`client`), judgement (`checks`).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIXED = ("id", "kind", "subject", "body", "reference", "sender", "country", "sent_at")


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that did not hold: its kind, and what happened to whom."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One event as it came: its number, what identifies it, when it came."""

    seq: int
    mark: str
    at: float


@dataclass(slots=True)
class Answered:
    """A post that was answered as sent, by how many answers, and how many of them said that it was new."""

    group: str
    seq: int
    text: str
    answers: int = 0
    created: int = 0


def mark_of(event: Mapping[str, Any]) -> str:
    """Return what must be the same for everybody who sees this event, at whatever time it is read."""
    message = event.get("message")
    if isinstance(message, dict):
        message = {name: message.get(name) for name in FIXED}
    names = ("type", "at", "actor", "country", "from", "to", "change", "officer")
    said = json.dumps([message, *(event.get(name) for name in names)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(slots=True)
class State:
    """What a client shows of a group: messages as they stand, who acknowledged what."""

    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: set[tuple[str, str]] = field(default_factory=set)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in."""
        message = event.get("message")
        match event["type"]:
            case "message" if isinstance(message, dict):
                self.messages[message["id"]] = {name: message.get(name) for name in (*FIXED, "status", "seq")}
            case "status":
                if message in self.messages:
                    self.messages[str(message)]["status"] = event["to"]
            case "acknowledged":
                self.acknowledged.add((str(message), str(event["actor"])))


@dataclass(slots=True)
class Log:
    """Everything of one client. With `keep` off (a soak) events are counted and checked, not kept."""

    name: str
    keep: bool = True
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    answered: dict[str, Answered] = field(default_factory=dict)
    refused: list[tuple[str, str, int, str]] = field(default_factory=list)
    receipts: dict[str, tuple[str, int]] = field(default_factory=dict)
    moves: dict[str, tuple[str, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _marks: dict[tuple[str, int], str] = field(default_factory=dict)

    def saw(self, group: str, seq: int, event: Mapping[str, Any], *, again: bool) -> None:
        """Keep an event; the same number must always be the same event."""
        self.counts["repeated" if again else "delivered"] += 1
        if not self.keep:
            return
        mark = mark_of(event)
        known = self._marks.setdefault((group, seq), mark)
        if known != mark:
            self.find("differs", f"number {seq} of {group} was another event before")
        self.seen.setdefault(group, []).append(Seen(seq, mark, time.monotonic()))
        if not again:
            self.states.setdefault(group, State()).apply(event)

    def posted(self, message: str, group: str, seq: int, text: str, *, created: bool) -> None:
        """Keep an answer to a post; all answers to one id must agree."""
        if not self.keep:
            self.counts["answers"] += 1
        known = self.answered.setdefault(message, Answered(group, seq, text if self.keep else ""))
        known.answers += 1
        known.created += created
        if (known.group, known.seq) != (group, seq):
            self.find("answers_differ", f"message {message} was answered with {known.seq} and with {seq}")

    def find(self, kind: str, text: str) -> None:
        """Note a promise that did not hold."""
        self.findings.append(Finding(kind, f"{self.name}: {text}"))

    def start_afresh(self, group: str) -> None:
        """Forget what is shown of a group, as a client does that was told to."""
        self.states.pop(group, None)
