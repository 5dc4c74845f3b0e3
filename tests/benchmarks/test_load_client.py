"""The load client counts each message once, however the stream is cut, and notices what is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.live import tables
from benchmarks.live.load import Crowd
from benchmarks.live.protocols import AskingXmppMember, MqttMember
from benchmarks.live.wire import MARK, TEXT, Asking, AskingMember, AskingSocketMember, Member, SocketMember, Swarm
from tests.cencomm.ports import PATIENCE

IDS = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(4)]


class Wire:
    """What a member writes to."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def ready(member: Member) -> Wire:
    """Let a member have come in."""
    member.transport = wire = Wire()
    member.become_ready()
    return wire


def event(number: int) -> bytes:
    """Return a message as the server sends it."""
    item = {"type": "message", "message": {"id": IDS[number], "kind": "note", "body": {"text": TEXT}}}
    return json.dumps([{"op": "event", "seq": number, "event": item}], separators=(",", ":")).encode()


async def test_marks_are_counted_however_they_are_cut() -> None:
    stream = b"".join(event(number) for number in range(3))
    for cut in range(len(stream)):
        swarm = Swarm(1)
        member = SocketMember(swarm)
        ready(member)
        for part in (stream[:cut], stream[cut:]):
            if part:
                member.data_received(part)
        assert swarm.complete == 3, cut


async def test_a_message_is_delivered_when_the_last_has_it() -> None:
    swarm = Swarm(2)
    first, second = SocketMember(swarm), SocketMember(swarm)
    ready(first)
    ready(second)
    first.data_received(MARK * 3)
    assert swarm.complete == 0
    second.data_received(MARK)
    assert swarm.complete == 1


HEX = [one.replace("-", "") for one in IDS]
ROWS = [14, 10, 15, 11]  # whose receipts are the turn of 0, 1, 0, 1
ROOM = "<message to='u@x/1' from='r@x/%s' type='groupchat' id='%s' xmlns='jabber:client'>%s</message>"
ASKING: dict[str, tuple[Callable[[Swarm], Asking], Callable[[int], bytes], Callable[[int], bytes]]] = {
    "ours": (
        lambda swarm: AskingMember(swarm, "group", "cen_token", 1),
        event,
        lambda number: b'[{"op":"acknowledged","message":"%b","seq":9}]' % IDS[number].encode(),
    ),
    "socket": (
        lambda swarm: AskingSocketMember(swarm, "/0", 1),
        lambda number: b'{"id":%d,"message":%b}' % (ROWS[number], json.dumps(TEXT).encode()),
        lambda number: b'{"receipt":%d}{"acknowledged":%d}' % (ROWS[number], ROWS[number]),
    ),
    "xmpp": (
        lambda swarm: AskingXmppMember(swarm, 0, 1),
        lambda number: (ROOM % ("u0-0", HEX[number], f"<body>{TEXT}</body>")).encode(),
        lambda number: (
            ROOM % ("u0-1", "f" * 32, f"<received xmlns='urn:xmpp:receipts' id='{HEX[number]}'/>")
        ).encode(),
    ),
}


@pytest.mark.parametrize("name", ASKING)
async def test_receipts_are_given_in_turn_and_waited_for(name: str) -> None:
    make, message, answer = ASKING[name]
    stream = b"".join([*(message(number) for number in range(4)), answer(2), answer(1), answer(3)])
    for cut in range(0, len(stream), 7):
        swarm = Swarm(1)
        swarm.size = 2
        member = make(swarm)
        wire = ready(member)
        for part in (stream[:cut], stream[cut:]):
            if part:
                member.data_received(part)
        said = b"".join(wire.written)
        names = HEX if name == "xmpp" else [str(one) for one in ROWS] if name == "socket" else IDS
        marks = [f'"acknowledge":{one}}}' if name == "socket" else one for one in names]
        assert [one.encode() in said for one in marks] == [False, True, False, True], cut
        assert swarm.arrived == [1, 1, 1, 1], cut
        assert member.receipts == 2  # what others are told of is none of ours


@pytest.mark.parametrize("name", ASKING)
async def test_a_message_counts_for_who_gives_its_receipt_once_that_is_answered(name: str) -> None:
    make, message, answer = ASKING[name]
    swarm = Swarm(1)
    swarm.size = 2
    member = make(swarm)
    ready(member)
    member.data_received(message(0) + message(1))
    assert swarm.arrived == [1]
    member.data_received(answer(1))
    assert swarm.arrived == [1, 1]


async def test_each_message_gets_one_receipt_in_whatever_order_processes_tell_of_them() -> None:
    swarm = Swarm(2)
    message = ASKING["socket"][1]
    given = []
    for number, order in enumerate(((0, 1, 2, 3), (1, 0, 3, 2))):
        member = AskingSocketMember(swarm, "/0", number)
        wire = ready(member)
        member.data_received(b"".join(message(one) for one in order))
        given += [row for row in ROWS if f'"acknowledge":{row}}}'.encode() in b"".join(wire.written)]
    assert sorted(given) == sorted(ROWS)


async def test_mqtt_acknowledges_whole_packets_only() -> None:
    swarm = Swarm(1)
    member = MqttMember(swarm, 0)
    wire = ready(member)
    body = b"\0\x02t0" + b"\x12\x34" + b"x" * 300
    packet = b"\x32" + bytes([0x80 | len(body) % 128, len(body) // 128]) + body
    member.data_received(packet[:100])
    assert (swarm.complete, wire.written) == (0, [])
    member.data_received(packet[100:] + packet[:5])
    assert (swarm.complete, wire.written) == (1, [b"\x40\x02\x12\x34"])


async def test_a_socket_that_the_server_closed_is_noticed() -> None:
    async def refuse(_reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    crowd = await Crowd.gather(port, lambda swarm, _g, _n: SocketMember(swarm), groups=1, size=2, senders=1)
    async with asyncio.timeout(PATIENCE):
        while crowd.lost < 2:
            await asyncio.sleep(0.01)
    with pytest.raises(ConnectionError, match="closed"):
        crowd.post()
    server.close()


def test_bars_say_no_when_a_figure_is_over_the_bar() -> None:
    def told(value: float) -> str:
        table = tables.bars_table({"post": {"ours": value}})
        return next(line for line in table.splitlines() if line.startswith("| post"))

    assert told(19.9).endswith("| 19.9 ms | yes |")
    assert told(20.0).endswith("| 20.0 ms | **no** |")
