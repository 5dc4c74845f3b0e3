"""The load client's other protocols: MQTT, NATS, XMPP. Each is read only as far as counting needs."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Sequence
from uuid import uuid4

from benchmarks.live.wire import MARK, TEXT, Asking, Member, Swarm

XMPP_HOST = "bench.invalid"
XMPP_ROOMS = f"rooms.{XMPP_HOST}"
XMPP_PASSWORD = "loopback"  # noqa: S105
_ARCHIVED = re.compile(rb"<fin[ >].*?(?:<last>([^<]*)</last>.*?)?</iq>|<fin[^>]*/></iq>", re.DOTALL)


class MqttMember(Member):
    """MQTT 3.1.1 with QoS 1 both ways: every message that comes is acknowledged."""

    def __init__(self, swarm: Swarm, group: int = 0) -> None:
        super().__init__(swarm)
        self.topic = b"t%d" % group

    def greet(self) -> None:
        name = uuid4().hex.encode()
        body = b"\0\x04MQTT\x04\x02\0\0" + struct.pack("!H", len(name)) + name
        self.transport.write(b"\x10" + _length(len(body)) + body)
        wanted = b"\0\x01" + struct.pack("!H", len(self.topic)) + self.topic + b"\x01"
        self.transport.write(b"\x82" + _length(len(wanted)) + wanted)
        self._packet = 0

    def prepare(self) -> None:
        if b"\x90\x03\0\x01" in self.buffer:
            self.become_ready()

    def scan(self, data: bytes) -> None:
        data = self.buffer + data
        at, found, acks = 0, 0, []
        while True:
            body = _packet_at(data, at)
            if body is None:
                break
            start, end = body
            if data[at] & 0xF0 == 0x30:
                topic = struct.unpack_from("!H", data, start)[0]
                acks.append(b"\x40\x02" + data[start + 2 + topic : start + 4 + topic])
                found += 1
            at = end
        self.buffer = data[at:]
        if acks:
            self.transport.write(b"".join(acks))
            before = self.count
            self.count += found
            self.swarm.saw(before, self.count)

    def post(self) -> None:
        self._packet = self._packet % 65535 + 1
        body = struct.pack("!H", len(self.topic)) + self.topic + struct.pack("!H", self._packet) + TEXT.encode()
        self.transport.write(b"\x32" + _length(len(body)) + body)


def _length(size: int) -> bytes:
    out = b""
    while True:
        size, low = divmod(size, 128)
        out += bytes([low | (0x80 if size else 0)])
        if not size:
            return out


def _packet_at(data: bytes, at: int) -> tuple[int, int] | None:
    """Return start and end of the body of the packet at a place, None while it is not all there."""
    size, shift, place = 0, 0, at + 1
    while True:
        if place >= len(data):
            return None
        byte = data[place]
        size |= (byte & 0x7F) << shift
        place += 1
        shift += 7
        if not byte & 0x80:
            break
    return (place, place + size) if place + size <= len(data) else None


class NatsMember(Member):
    """NATS: a consumer of a JetStream stream of one's own, so that only what is stored is delivered."""

    def __init__(self, swarm: Swarm, group: int = 0) -> None:
        super().__init__(swarm)
        self.subject = f"t.{group}"

    def greet(self) -> None:
        inbox = uuid4().hex
        config = {
            "stream_name": "bench",
            "config": {
                "deliver_subject": f"d.{inbox}",
                "deliver_policy": "new",
                "ack_policy": "none",
                "filter_subject": self.subject,
            },
        }
        body = json.dumps(config).encode()
        self.transport.write(
            b'CONNECT {"verbose":false,"pedantic":false}\r\n'
            + f"SUB d.{inbox} 1\r\nSUB r.{inbox} 2\r\nSUB a.{inbox} 3\r\n".encode()
            + f"PUB $JS.API.CONSUMER.CREATE.bench r.{inbox} {len(body)}\r\n".encode() + body + b"\r\n"
        )  # fmt: skip
        self._ack = f"a.{inbox}".encode()

    def prepare(self) -> None:
        if b'"deliver_subject"' in self.buffer:
            self.become_ready()

    def scan(self, data: bytes) -> None:
        if b"PING\r\n" in data:
            self.transport.write(b"PONG\r\n")
        super().scan(data)

    def post(self) -> None:
        text = TEXT.encode()
        self.transport.write(b"PUB %b %b %d\r\n%b\r\n" % (self.subject.encode(), self._ack, len(text), text))


class XmppMember(Member):
    """An occupant of a room: SASL PLAIN, resource, room, then the archive from the position that is given.

    Steps that must follow each other wait for the server's word; everything else is written at once. No XML is
    parsed: a message carries its mark once, in its only body.
    """

    def __init__(self, swarm: Swarm, group: int, number: int, cursor: dict[str, str] | None = None) -> None:
        super().__init__(swarm)
        self.user = f"u{group}-{number}"
        self.room = f"r{group}@{XMPP_ROOMS}"
        self.cursor = cursor
        self._step = self._sign_in
        self._open = (
            f"<stream:stream to='{XMPP_HOST}' version='1.0' xmlns='jabber:client'"
            " xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        body = f"<body>{TEXT}</body></message>"
        self._message = (f"<message type='groupchat' to='{self.room}' id='".encode(), b"'>" + body.encode())

    def greet(self) -> None:
        self.transport.write(self._open.encode())

    def prepare(self) -> None:
        if b"</failure>" in self.buffer or b"<stream:error" in self.buffer or b"type='error'" in self.buffer:
            self.ready.set_exception(ConnectionError(self.buffer[-300:].decode("latin-1")))
            return
        self._step()

    def _sign_in(self) -> None:
        if b"</stream:features>" in self.buffer:
            self.buffer = b""
            secret = base64.b64encode(f"\0{self.user}\0{XMPP_PASSWORD}".encode()).decode()
            name = "urn:ietf:params:xml:ns:xmpp-sasl"
            self.transport.write(f"<auth xmlns='{name}' mechanism='PLAIN'>{secret}</auth>".encode())
            self._step = self._bind

    def _bind(self) -> None:
        if b"<success" in self.buffer:
            self.buffer = b""
            self.transport.write(
                (
                    self._open + "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
                ).encode()
            )
            self._step = self._enter

    def _enter(self) -> None:
        if b"</bind>" in self.buffer:
            self.buffer = b""
            self.transport.write(
                f"<presence to='{self.room}/{self.user}'><x xmlns='http://jabber.org/protocol/muc'>"
                "<history maxstanzas='0'/></x></presence>".encode()
            )
            self._step = self._ask_archive

    def _ask_archive(self) -> None:
        if b"code='110'" not in self.buffer and b'code="110"' not in self.buffer:
            return
        if self.cursor is None:
            self.become_ready()
            return
        self.buffer = b""
        after = f"<after>{self.cursor['last']}</after>" if "last" in self.cursor else "<before/>"
        self.transport.write(
            f"<iq type='set' to='{self.room}' id='m'><query xmlns='urn:xmpp:mam:2'>"
            f"<set xmlns='http://jabber.org/protocol/rsm'><max>100</max>{after}</set></query></iq>".encode()
        )
        self._step = self._catch_up

    def _catch_up(self) -> None:
        found = _ARCHIVED.search(self.buffer)
        if found:
            if found[1]:
                self.cursor = {"last": found[1].decode()}
            self.become_ready()

    def post(self) -> None:
        head, tail = self._message
        self.transport.write(head + uuid4().hex.encode() + tail)


class AskingXmppMember(Asking, XmppMember):
    """An occupant who asks for receipts (XEP-0184) and gives them to the room, which keeps them like messages.

    A receipt has come back when the room has sent it to everybody: XMPP has no other answer.
    """

    items = re.compile(
        rb"<received [^>]*\bid='(?P<answered>[0-9a-f]{32})'"
        rb"|<message [^>]*\bid='(?P<message>[0-9a-f]{32})'[^>]*>"
        # What holds no mark is passed over in one step; letter by letter it cost 20 µs.
        rb"(?:[^<~]++|<(?!/message>)|~(?!" + re.escape(MARK[1:]) + rb"))*+" + re.escape(MARK),
        re.DOTALL,
    )
    begins = b"<message "

    def __init__(self, swarm: Swarm, group: int, number: int) -> None:
        super().__init__(swarm, group, number)
        self.ask_in_turn(number)
        head, tail = self._message
        self._message = (head, tail.replace(b"</message>", b"<request xmlns='urn:xmpp:receipts'/></message>"))

    def acknowledge(self, messages: Sequence[bytes]) -> None:
        for one in messages:
            head, _tail = self._message
            self.transport.write(
                head + uuid4().hex.encode() + b"'><received xmlns='urn:xmpp:receipts' id='" + one
                + b"'/><store xmlns='urn:xmpp:hints'/></message>"
            )  # fmt: skip
