"""The verdict: from every client's log to the database. Each promise is one function that tells what broke it.

`Truth` is read after the faults have ended: the rows by a superuser past the product, the content through the
product's own door, as a member who was never there before would read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.client import Client
from tests.faults.log import Finding, Log, State, mark_of
from tests.faults.postgres import Postgres

LOST = frozenset({"lost"})
DOUBLED = frozenset({"doubled"})
DISORDER = frozenset({"out_of_order", "gap", "differs", "answers_differ", "restart"})


@dataclass(slots=True)
class Truth:
    """What is so: heads, events and messages by group, from the rows; the fresh reading of each group."""

    heads: dict[str, int] = field(default_factory=dict)
    epochs: dict[str, str] = field(default_factory=dict)
    events: dict[str, list[tuple[int, str, str, str]]] = field(default_factory=dict)
    messages: dict[str, tuple[str, int, str, int]] = field(default_factory=dict)  # id → group, seq, kind, number
    receipts: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)  # seq, change, officer
    audit: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # action, subject, actor
    marks: dict[str, dict[int, str]] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    pages: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


def read_heads(postgres: Postgres, groups: Sequence[str]) -> dict[str, int]:
    """Return the head of each group."""
    with postgres.connect() as connection:
        statement = "SELECT id::text, head FROM groups_closedusergroup WHERE id = ANY(%s::uuid[])"
        return {str(group): int(str(head)) for group, head in connection.execute(statement, [list(groups)])}


def read_rows(postgres: Postgres, groups: Sequence[str]) -> Truth:
    """Read the rows of the groups."""
    truth = Truth()
    with postgres.connect() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

        def rows(statement: str) -> Iterable[tuple[Any, ...]]:
            return connection.execute(statement, [list(groups)]).fetchall()  # type: ignore[arg-type]

        for group, head, epoch in rows(
            "SELECT id::text, head, stream_epoch::text FROM groups_closedusergroup WHERE id = ANY(%s::uuid[])"
        ):
            truth.heads[group], truth.epochs[group] = head, epoch
        for group, seq, kind, message, actor in rows(
            "SELECT group_id::text, seq, type, coalesce(message_id::text, ''), coalesce(actor::text, '') "
            "FROM messaging_event WHERE group_id = ANY(%s::uuid[]) ORDER BY group_id, seq"
        ):
            truth.events.setdefault(group, []).append((seq, kind, message, actor))
        for group, seq, change, officer in rows(
            "SELECT group_id::text, seq, data->>'change', data->>'officer' FROM messaging_event "
            "WHERE type = 'member' AND group_id = ANY(%s::uuid[]) ORDER BY group_id, seq"
        ):
            truth.changes.setdefault(group, []).append((seq, change, officer))
        for message, group, seq, kind, number in rows(
            "SELECT id::text, group_id::text, seq, kind, number FROM messaging_message "
            "WHERE group_id = ANY(%s::uuid[])"
        ):
            truth.messages[message] = (group, seq, kind, number)
        truth.receipts.update(
            (message, officer)
            for message, officer in rows(
                "SELECT message_id::text, officer_id::text FROM messaging_acknowledgement "
                "WHERE group_id = ANY(%s::uuid[])"
            )
        )
        for action, subject, actor, times in rows(
            "SELECT action, subject, coalesce(actor::text, ''), count(*) FROM audit_entry "
            'WHERE "group" = ANY(%s::uuid[]) GROUP BY 1, 2, 3'
        ):
            truth.audit[action, subject, actor] = times
    return truth


async def read_fresh(truth: Truth, reader: Client, group: str) -> None:
    """Read a group through the product from its first event, and its list of messages."""
    door, after, state = reader.doors[0], 0, State()
    marks = truth.marks.setdefault(group, {})
    while True:
        answer = await reader.ask(door, "GET", f"/groups/{group}/events?after={after}&limit=500")
        if answer.status != 200:
            message = f"a fresh reading was answered with {answer.status}"
            raise ConnectionError(message)
        for item in answer.body["events"]:
            marks[item["seq"]] = mark_of(item["event"])
            state.apply(item["event"])
        after = answer.body["last"]
        if not answer.body["events"] or after >= answer.body["head"]:
            break
    truth.states[group] = state
    page, pages = "", truth.pages.setdefault(group, {})
    while True:
        answer = await reader.ask(door, "GET", f"/groups/{group}/messages?limit=500{page}")
        pages.update({one["id"]: one for one in answer.body["messages"]})
        if answer.body["next"] is None:
            return
        page = f"&after={answer.body['next']}"


def judge(truth: Truth, members: Sequence[Client]) -> list[Finding]:
    """Return every promise that did not hold for the members of the groups, all of whom are present now."""
    found = [*numbers(truth), *trail(truth), *copies(truth)]
    for client in members:
        found += client.log.findings
        found += answers(truth, client.log)
        found += phantoms(truth, client.log)
        found += standing(truth, client)
    return found


def refusals(client: Client) -> list[Finding]:
    """Nothing that a present member may send is refused for good."""
    return [
        Finding("wrongly_refused", f"{client.name}: {message} in {group}: {status} {code}")
        for message, group, status, code in client.log.refused
    ]


def numbers(truth: Truth) -> list[Finding]:
    """Numbers are gapless and given once; the head is the last; a message has one event, under its number."""
    found = []
    for group, head in truth.heads.items():
        seqs = [seq for seq, *_ in truth.events.get(group, [])]
        if len(set(seqs)) != len(seqs):
            twice = [seq for seq, times in Counter(seqs).items() if times > 1]
            found.append(Finding("number_twice", f"{group}: {twice[:5]}"))
        if sorted(set(seqs)) != list(range(1, head + 1)):
            missing = sorted(set(range(1, head + 1)) ^ set(seqs))
            found.append(Finding("number_gap", f"{group}: head {head}, at fault {missing[:5]}"))
        told = Counter(message for _s, kind, message, _a in truth.events.get(group, []) if kind == "message")
        mine = {message: row for message, row in truth.messages.items() if row[0] == group}
        if told != Counter(mine.keys()):
            found.append(Finding("doubled", f"{group}: messages and their events differ"))
        at = {seq: message for seq, kind, message, _a in truth.events.get(group, []) if kind == "message"}
        wrong = [message for message, (_g, seq, _k, _n) in mine.items() if at.get(seq) != message]
        if wrong:
            found.append(Finding("differs", f"{group}: {wrong[:3]} do not stand under their numbers"))
        by_kind: dict[str, list[int]] = {}
        for _group, _seq, kind, number in sorted(mine.values(), key=lambda row: row[1]):
            by_kind.setdefault(kind, []).append(number)
        for kind, given in by_kind.items():
            if given != list(range(1, len(given) + 1)):
                found.append(Finding("number_gap", f"{group}: references of {kind} are not 1 to {len(given)}"))
    return found


def copies(truth: Truth) -> list[Finding]:
    """Nothing that a client wrote once is there twice: every message bears its client's id as its subject."""
    found = []
    for group, shown in truth.pages.items():
        subjects = Counter(one["subject"] for one in shown.values())
        twice = [subject for subject, times in subjects.items() if times > 1]
        if twice:
            found.append(Finding("doubled", f"{group}: {twice[:3]} were written once"))
    return found


def trail(truth: Truth) -> list[Finding]:
    """Every message, receipt and move has its audit entry, once, and there is none without."""
    posted = Counter({s: n for (action, s, _a), n in truth.audit.items() if action == "message:message:posted"})
    wanted = Counter({f"message:{message}": 1 for message in truth.messages})
    given = Counter(
        {(s, a): n for (action, s, a), n in truth.audit.items() if action == "message:message:acknowledged"}
    )
    receipts = Counter({(f"message:{message}", officer): n for (message, officer), n in truth.receipts.items()})
    moved = Counter({s: n for (action, s, _a), n in truth.audit.items() if action == "message:status:moved"})
    moves = Counter(
        f"message:{message}" for rows in truth.events.values() for _s, kind, message, _a in rows if kind == "status"
    )
    return [
        Finding("audit", f"{what}: {list(((has - want) + (want - has)).items())[:3]}")
        for what, has, want in (("posts", posted, wanted), ("receipts", given, receipts), ("moves", moved, moves))
        if has != want
    ]


def answers(truth: Truth, log: Log) -> list[Finding]:
    """What was answered as sent is there, once, with its number and content; so are receipts and moves."""
    found = []
    for message, said in log.answered.items():
        row = truth.messages.get(message)
        if row is None:
            found.append(Finding("lost", f"{log.name}: {message} was answered with number {said.seq}"))
            continue
        if (row[0], row[1]) != (said.group, said.seq):
            found.append(Finding("answers_differ", f"{log.name}: {message} is {row[1]}, answered {said.seq}"))
        if said.created > 1:
            found.append(Finding("doubled", f"{log.name}: {message} was made {said.created} times"))
        shown = truth.pages.get(said.group, {}).get(message)
        if shown is None or (said.text and shown["body"].get("text") != said.text):
            found.append(Finding("lost", f"{log.name}: {message} is not shown with what was written"))
    for message, seq in log.receipts.values():
        if not any(
            (at, kind, of) == (seq, "acknowledged", message)
            for rows in truth.events.values()
            for at, kind, of, _actor in rows[seq - 1 : seq]
        ):
            found.append(Finding("lost", f"{log.name}: the receipt of {message}, number {seq}"))
    for message, (_origin, to) in log.moves.items():
        if not any(pages.get(message, {}).get("status") == to for pages in truth.pages.values()):
            found.append(Finding("lost", f"{log.name}: the move of {message} to {to}"))
    return found


def phantoms(truth: Truth, log: Log) -> list[Finding]:
    """Whatever anybody saw is in the stream, the same for all."""
    found = []
    for group, seen in log.seen.items():
        marks = truth.marks.get(group)
        if marks is None:
            continue
        wrong = [one.seq for one in seen if marks.get(one.seq) != one.mark]
        if wrong:
            found.append(Finding("phantom", f"{log.name}: {group}: {wrong[:5]} are not what was seen"))
    return found


def standing(truth: Truth, client: Client) -> list[Finding]:
    """A member stands at the head, has seen everything once and in order, and shows what a fresh reading shows."""
    found = []
    for group, head in truth.heads.items():
        position = client.positions[group]
        if position.epoch != position.first_epoch:
            found.append(Finding("restart", f"{client.name}: {group} was begun afresh, with a new epoch"))
        if position.after != head:
            found.append(Finding("behind", f"{client.name}: {group}: stands at {position.after} of {head}"))
        if not client.log.keep:
            continue
        first_times = list(dict.fromkeys(one.seq for one in client.log.seen.get(group, [])))
        if first_times != sorted(first_times):
            found.append(Finding("out_of_order", f"{client.name}: {group}"))
        if position.after == head and set(first_times) != set(range(1, head + 1)):
            missing = sorted(set(range(1, head + 1)) - set(first_times))
            found.append(Finding("gap", f"{client.name}: {group}: never saw {missing[:5]}"))
        shown, fresh = client.log.states.get(group, State()), truth.states.get(group)
        if fresh is not None and position.after == head and shown != fresh:
            found.append(Finding("state_differs", f"{client.name}: {group}"))
        page = {m: one["status"] for m, one in truth.pages.get(group, {}).items()}
        if fresh is not None and page != {m: one["status"] for m, one in fresh.messages.items()}:
            found.append(Finding("state_differs", f"the list of {group} is not what its events tell"))
    return found


def absences(truth: Truth, wanderer: Client, away: Sequence[dict[str, Any]]) -> list[Finding]:
    """Who was removed heard nothing of the time between, before the return was asked for."""
    found = []
    spans = {group: _spans(changes, wanderer.officer) for group, changes in truth.changes.items()}
    for group in {turn["group"] for turn in away}:
        turns = [turn for turn in away if turn["group"] == group]
        if len(turns) != len(spans.get(group, [])):
            found.append(
                Finding("lost", f"{wanderer.name}: {group}: {len(turns)} removals, in the stream otherwise")
            )
            continue
        for turn, (removed, back) in zip(turns, spans[group], strict=True):
            for one in wanderer.log.seen.get(group, []):
                if removed < one.seq < back and one.at < turn["back_asked"]:
                    found.append(Finding("leaked", f"{wanderer.name}: number {one.seq} of {group} while removed"))
    for message, group, status, code in wanderer.log.refused:
        if status != 404 or not any(turn["group"] == group for turn in away):
            found.append(Finding("wrongly_refused", f"{wanderer.name}: {message} in {group}: {status} {code}"))
    return found


def _spans(changes: Sequence[tuple[int, str, str]], officer: str) -> list[tuple[int, float]]:
    """Return the numbers of each removal of an officer, and of the return after it."""
    spans: list[tuple[int, float]] = []
    for seq, change, who in changes:
        if who == officer and change == "removed":
            spans.append((seq, float("inf")))
        elif who == officer and change == "added" and spans:
            spans[-1] = (spans[-1][0], seq)
    return spans
