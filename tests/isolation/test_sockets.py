"""Everybody × every verb of the socket, in this process: what a stranger is told of a group is what of none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from accounts import actions as accounts
from messaging import limits
from messaging.delivery.hub import hub
from tests.cast import SCOPES, token_for
from tests.cencomm.ports import PATIENCE
from tests.isolation.asking import Answer
from tests.isolation.conftest import EVERYBODY
from tests.isolation.entries import Entry, Member, filled
from tests.isolation.entries_api import VERBS
from tests.isolation.judging import too_much
from tests.isolation.world import HERE, THERE, Pick, World, build, fingerprint, nowhere, own
from tests.messaging.inside import Inside, aside

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "cen"])
# What ends a verb that was done; "seen" is not answered, so what follows it is.
DONE = {"ping": "pong", "follow": "caught_up", "post": "posted", "acknowledge": "acknowledged", "seen": "pong"}


class Speaker(Inside):
    """A client that asks one thing after the other, and keeps what it was told meanwhile."""

    async def ask(self, verb: str, entry: Entry, pick: Pick) -> Answer:
        """Ask, and return how it ended: 200 when it was done, else the status of the problem."""
        item, named = _item(verb, filled(entry.send, pick))
        self.items.clear()
        await self.say(**item)
        if verb == "seen":
            await self.say(op="ping")
        told = await self._ended(DONE[verb])
        status = told["problem"]["status"] if told["op"] == "refused" else 200
        # A heartbeat may fall between, and tells of what is followed here already.
        text = json.dumps([*(item for item in self.items if item["op"] != "heads" and item is not told), told])
        for value in named:
            text = text.replace(value, "<id>")
        return Answer(status, (), text)

    async def _ended(self, done: str) -> dict[str, Any]:
        async with asyncio.timeout(300):
            while True:
                for told in self.items:
                    if told["op"] in {done, "refused"}:
                        if done == "pong" and told["op"] == "refused":
                            await self.until("pong")
                        return told
                self.items += json.loads(await self.communicator.receive_from(timeout=PATIENCE))


def _item(verb: str, sent: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return the item of a verb, and the identifiers that it names."""
    named = {value for value in sent.values() if isinstance(value, str)}
    if isinstance(sent.get("message"), dict):
        named.add(sent["message"]["id"])
    if verb == "follow":
        place = {name: value for name, value in sent.items() if name != "group"}
        return {"op": verb, "groups": {sent["group"]: place}}, named
    return {"op": verb, **sent}, named


async def faults_of(world: World, name: str, speaker: Speaker) -> list[str]:
    """Try every verb in both groups and in one that never was."""
    wrong = []
    for verb, entries in VERBS.items():
        for entry in entries:
            gate = entry.gate
            if not isinstance(gate, Member):
                answer = await speaker.ask(verb, entry, nowhere(world))
                wrong += [] if answer.status == 200 else [f"{verb}: {answer.body}"]
                continue
            missing = await speaker.ask(verb, entry, nowhere(world))
            for code in (HERE, THERE):
                role = world.role_in(name, code)
                before = await aside(fingerprint) if not gate.admits(role) else None
                answer = await speaker.ask(verb, entry, own(world, code))
                wanted = 200 if gate.admits(role) else 404 if role is None else 403
                if answer.status != wanted:
                    wrong.append(f"{verb} in {code} as {role}: {answer.status}, not {wanted}: {answer.body}")
                if role is None and answer.told != missing.told:
                    wrong.append(f"{verb} in {code} as a stranger: {answer.body}, of none: {missing.body}")
                if before is not None and await aside(fingerprint) != before:
                    wrong.append(f"{verb} in {code} as {role}: refused, and changed something")
                wrong += [f"{verb} in {code}: {fault}" for fault in too_much(world, name, entry, answer)]
    return wrong


async def _world() -> World:
    limits._pace.cache_clear()
    world = await aside(build)
    for code, objects in world.objects.items():
        objects["epoch"] = world.groups[code].stream_epoch
    return world


async def test_verbs_answer_as_the_rights_table_says() -> None:
    world, wrong = await _world(), {}
    for name in EVERYBODY:
        speaker = Speaker(await aside(token_for, world.people[name]))
        await speaker.connect()
        await speaker.until("hello")
        if found := await faults_of(world, name, speaker):
            wrong[name] = found
        await speaker.leave()
    await hub().stop()
    assert wrong == {}


async def test_token_says_over_a_socket_what_its_scopes_allow() -> None:
    """A coordinator: without the scope a verb is refused in any group alike, and changes nothing."""
    world, wrong = await _world(), []
    for scope in SCOPES:
        speaker = Speaker(await aside(token_for, world.people["amina"], scope))
        await speaker.connect()
        await speaker.until("hello")
        for verb, entries in VERBS.items():
            for entry in entries:
                if entry.scope in {"", scope}:
                    continue
                before = await aside(fingerprint)
                answer = await speaker.ask(verb, entry, own(world, HERE))
                missing = await speaker.ask(verb, entry, nowhere(world))
                if (answer.status, answer.told) != (403, missing.told) or await aside(fingerprint) != before:
                    wrong.append((scope, verb, answer.body))
        await speaker.leave()
    await hub().stop()
    assert wrong == []


async def test_who_is_not_signed_in_gets_one_close_code() -> None:
    world = await _world()
    officer = world.people["amina"]
    _token, of_system = await aside(accounts.create_token, client_system="feed", name="test", scopes=["cen:read"])
    token, revoked = await aside(accounts.create_token, officer=officer, name="test", scopes=SCOPES)
    await aside(accounts.revoke_token, token.pk, officer=officer)
    codes = {}
    for why, secret in (("of a system", of_system), ("revoked", revoked), ("nonsense", "cen_nonsense")):
        speaker = Speaker(secret)
        await speaker.connect()
        codes[why] = (await speaker.closed(), speaker.items)
    await hub().stop()
    assert set(map(str, codes.values())) == {str((4401, []))}, codes
