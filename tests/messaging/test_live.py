"""The live stream over real sockets of a real server."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from accounts import actions as accounts
from accounts.models import Officer, OfficerSession
from groups.models import ClosedUserGroup, Membership
from messaging.actions import Posted, post_messages
from messaging.models import LastSeen, Message
from tests.cast import membership_of
from tests.messaging.conftest import draft, wire
from tests.messaging.server import Server, Talker, running_server

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
Post = Callable[..., Posted]
Token = Callable[..., str]


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    patient = "from messaging.delivery import outbox; outbox.CLOSE_SECONDS = 600.0"  # with who is slow to be told
    with django_db_blocker.unblock(), running_server(tmp_path_factory.mktemp("live"), before=patient) as one:
        yield one


@pytest.fixture
def talker(server: Server, token_for: Token) -> Iterator[Callable[..., Talker]]:
    """Connect officers; every socket is closed at the end."""
    open_ones: list[Talker] = []

    def connect(officer: Officer, *scopes: str, **options: Any) -> Talker:
        one = Talker(server.ws, token=token_for(officer, *scopes), **options)
        open_ones.append(one)
        return one

    yield connect
    for one in open_ones:
        one.socket.close()


Connect = Callable[..., Talker]


def test_hello_says_who_and_how_often(talker: Connect, fatou: Officer) -> None:
    one = talker(fatou)
    assert one.socket.subprotocol == "cencomm.v1"
    hello = one.until(lambda item: item["op"] == "hello")
    assert (hello["officer"], hello["heartbeat"]) == (str(fatou.pk), 1)


def test_two_members_see_each_others_messages_in_order(
    talker: Connect, room: ClosedUserGroup, fatou: Officer, dmitri: Officer
) -> None:
    one, two = talker(fatou), talker(dmitri)
    for client in (one, two):
        client.follow(room.pk)
    sent = []
    for number in range(10):
        for client in (one, two):
            message = wire(body={"text": f"number {number}"})
            client.say(op="post", group=str(room.pk), message=message)
            sent.append(message)
    for client in (one, two):
        client.event(20)
        assert client.seqs() == list(range(1, 21))
        told = {
            item["event"]["message"]["id"]: item["event"]["message"]
            for item in client.items
            if item["op"] == "event"
        }
        assert {message["id"]: message["body"] for message in sent} == {i: m["body"] for i, m in told.items()}
    while sum(item["op"] == "posted" for item in one.items) < 10:  # answers and events race each other
        one.until(lambda item: item["op"] == "posted")
    posted = [item for item in one.items if item["op"] == "posted"]
    assert len(posted) == 10
    assert [item["seq"] for item in posted] == sorted(item["seq"] for item in posted)
    own = [item for item in one.items if item["op"] == "event"]
    assert [i["event"] for i in own] == [i["event"] for i in two.items if i["op"] == "event"]


def test_a_client_resumes_at_its_cursor(
    talker: Connect, server: Server, token_for: Token, room: ClosedUserGroup, fatou: Officer, amina: Officer
) -> None:
    member = membership_of(amina, room)
    list(post_messages(member, [draft() for _ in range(700)]))
    one = talker(fatou)
    one.follow(room.pk, after=650, epoch=room.stream_epoch)
    assert one.seqs() == list(range(651, 701))
    # From the very beginning: more than one page, without a gap.
    two = talker(fatou)
    two.follow(room.pk, after=0, epoch=room.stream_epoch)
    assert two.seqs() == list(range(1, 701))
    [caught_up] = [item for item in two.items if item["op"] == "caught_up"]
    assert (caught_up["head"], caught_up["epoch"]) == (700, str(room.stream_epoch))
    # Without a position: the newest page only.
    three = talker(fatou)
    three.follow(room.pk)
    assert three.seqs() == list(range(601, 701))


def test_an_unknown_position_starts_afresh(
    talker: Connect, room: ClosedUserGroup, fatou: Officer, post: Post
) -> None:
    post(fatou)
    for after, epoch in ((0, uuid4()), (99, room.stream_epoch)):
        one = talker(fatou)
        one.follow(room.pk, after=after, epoch=epoch, wait=False)
        restart = one.until(lambda item: item["op"] == "restart")
        assert restart["epoch"] == str(room.stream_epoch)
        assert one.seqs() == []


def test_a_restored_backup_makes_clients_start_afresh(
    talker: Connect, room: ClosedUserGroup, fatou: Officer
) -> None:
    one = talker(fatou)
    one.follow(room.pk)
    ClosedUserGroup.objects.filter(pk=room.pk).update(stream_epoch=uuid4())
    assert one.until(lambda item: item["op"] == "restart")["group"] == str(room.pk)


def test_a_lost_wake_up_is_healed_by_the_heartbeat(
    talker: Connect, room: ClosedUserGroup, fatou: Officer, post: Post
) -> None:
    one = talker(fatou)
    one.follow(room.pk)
    post(fatou)  # in this process: its wake-up reaches no server
    assert one.event(1)["event"]["message"]["reference"] == "HARMATTAN-GH-MSG-00001"
    heads = one.until(lambda item: item["op"] == "heads" and item["heads"].get(str(room.pk)) == 1)
    assert heads["heads"] == {str(room.pk): 1}


def test_acknowledgements_moves_and_members_come_as_events(
    talker: Connect, server: Server, token_for: Token, room: ClosedUserGroup, amina: Officer, fatou: Officer,
    bruno: Officer,
) -> None:  # fmt: skip
    one = talker(amina)
    one.follow(room.pk)
    status, bulletin = server.request("POST", f"/groups/{room.pk}/messages", token_for(amina), wire("bulletin"))
    assert status == 201
    status, seizure = server.request("POST", f"/groups/{room.pk}/messages", token_for(fatou), wire("seizure"))
    assert status == 201, seizure
    server.request("PUT", f"/messages/{bulletin['id']}/acknowledgement", token_for(fatou))
    moved, answer = server.request(
        "POST", f"/messages/{seizure['id']}/status", token_for(bruno), {"status": "returned", "reason": "Unit?"}
    )
    assert moved == 200, answer
    assert one.event(3)["event"] == {
        "type": "acknowledged",
        "message": bulletin["id"],
        "actor": str(fatou.pk),
        "country": "GH",
        "at": one.event(3)["event"]["at"],
    }
    event = one.event(4)["event"]
    assert (event["type"], event["from"], event["to"], event["reason"]) == (
        "status", "submitted", "returned", "Unit?",
    )  # fmt: skip


def test_a_removed_member_is_told_and_gets_nothing_more(
    talker: Connect, server: Server, token_for: Token, room: ClosedUserGroup, amina: Officer, fatou: Officer,
    dmitri: Officer,
) -> None:  # fmt: skip
    from groups.actions import remove_member

    gone, stays = talker(fatou), talker(dmitri)
    for client in (gone, stays):
        client.follow(room.pk)
    remove_member(membership_of(amina, room), member_id=membership_of(fatou, room).pk)
    server.request("POST", f"/groups/{room.pk}/messages", token_for(dmitri), wire())
    assert gone.until(lambda item: item["op"] == "left")["group"] == str(room.pk)
    last = max(stays.until(lambda i: i["op"] == "event" and i["event"]["type"] == "message")["seq"], 2)
    stays.event(last)
    gone.quiet(2)
    assert gone.seqs() == []
    gone.follow(room.pk, wait=False)
    assert gone.until(lambda item: item["op"] == "refused")["problem"]["status"] == 404
    gone.say(op="post", group=str(room.pk), message=wire())
    assert gone.until(lambda item: item["op"] == "refused")["problem"]["status"] == 404


def test_a_membership_that_ends_without_an_event_is_noticed(
    talker: Connect, room: ClosedUserGroup, fatou: Officer
) -> None:
    one = talker(fatou)
    one.follow(room.pk)
    Membership.objects.filter(group=room, officer=fatou).update(left_at=timezone.now())
    assert one.until(lambda item: item["op"] == "left")["group"] == str(room.pk)


def test_a_revoked_token_closes_its_socket_only(
    talker: Connect, server: Server, room: ClosedUserGroup, fatou: Officer
) -> None:
    token, secret = accounts.create_token(officer=fatou, name="phone", scopes=["messages:read"])
    stays = talker(fatou)
    with Talker(server.ws, token=secret) as one:
        one.follow(room.pk)
        accounts.revoke_token(token.pk, officer=fatou)
        assert one.closed() == 4401
    stays.follow(room.pk)


def test_a_session_needs_our_origin(server: Server, fatou: Officer, sign_in: Callable[..., Client]) -> None:
    client = sign_in(Client(), fatou)
    cookie = {"Cookie": f"{django_settings.SESSION_COOKIE_NAME}={client.session.session_key}"}
    for origin in (None, "https://evil.example", f"http://127.0.0.1:{server.port + 1}", "null", "http://[bad"):
        with Talker(server.ws, headers=cookie, origin=origin) as one:
            assert one.closed() == 4403, origin
    with Talker(server.ws, headers=cookie, origin=server.http) as one:
        assert one.until(lambda item: item["op"] == "hello")["officer"] == str(fatou.pk)


def test_a_revoked_session_closes_its_socket(
    server: Server, fatou: Officer, room: ClosedUserGroup, sign_in: Callable[..., Client]
) -> None:
    client = sign_in(Client(), fatou)
    cookie = {"Cookie": f"{django_settings.SESSION_COOKIE_NAME}={client.session.session_key}"}
    with Talker(server.ws, headers=cookie, origin=server.http) as one:
        one.follow(room.pk)
        OfficerSession.objects.filter(officer=fatou).update(revoked_at=timezone.now())
        assert one.closed() == 4401


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_nobody_is_4401(server: Server, token: str) -> None:
    with Talker(server.ws, headers={"Authorization": f"Bearer {token}"}) as one:
        assert one.closed() == 4401
    with Talker(server.ws, origin=server.http) as one:
        assert one.closed() == 4401


def refused(one: Talker, **item: Any) -> dict[str, Any]:
    one.say(**item)
    return one.until(lambda answer: answer["op"] == "refused")


def test_every_refusal_of_a_post_is_told_with_its_problem(
    talker: Connect, room: ClosedUserGroup, fatou: Officer, olga: Officer, eve: Officer, removed: Officer,
    other_group: ClosedUserGroup,
) -> None:  # fmt: skip
    one, group = talker(fatou), str(room.pk)

    def problem(client: Talker, message: dict[str, Any], group: str = group) -> tuple[int, str]:
        answer = refused(client, op="post", group=group, message=message)
        assert answer["id"] == message.get("id")
        return answer["problem"]["status"], answer["problem"]["code"]

    # stranger and removed member: the same answer as for a group that never was
    for officer in (eve, removed):
        client = talker(officer)
        assert problem(client, wire()) == problem(client, wire(), str(uuid4())) == (404, "not_found")
    assert problem(talker(olga), wire()) == (403, "not_allowed")
    assert problem(talker(fatou, "messages:read"), wire())[0] == 403
    # replay and conflicting replay
    message = wire()
    one.say(op="post", group=group, message=message)
    first = one.until(lambda item: item["op"] == "posted")
    one.say(op="post", group=group, message=message)
    again = one.until(lambda item: item["op"] == "posted")
    assert (first["created"], again["created"], first["seq"]) == (True, False, again["seq"])
    assert problem(one, {**message, "subject": "changed"}) == (409, "conflicting_replay")
    # broken form, misshapen message, oversized input
    answer = refused(one, op="post", group=group, message=wire("seizure", body={"date": "soon"}))
    assert "body.date" in {error["field"] for error in answer["problem"]["errors"]}
    assert problem(one, {**wire(), "colour": "red"}) == (422, "invalid")
    assert problem(one, wire(body={"text": "x" * 70_000})) == (413, "too_large")
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    assert problem(one, wire()) == (409, "operation_closed")
    assert Message.objects.count() == 1


BAD_FRAMES = """\
{
null
7
"post"
[]
[1]
{"op":[]}
{"op":"fly"}
{"op":"post"}
{"op":"follow"}
{"op":"follow","groups":{"x":{}}}
{"op":"follow","groups":{"55555555-5555-4555-8555-555555555555":{"after":-1}}}
{"op":"seen","group":"x","seq":1}
{"op":"seen","group":"55555555-5555-4555-8555-555555555555","seq":"1"}
{"op":"acknowledge","message":{"a":1}}
{"op":"post","group":5,"message":[]}
""".splitlines()


@pytest.mark.parametrize("text", ["", "[" * 5000, *BAD_FRAMES])
def test_bad_frames_are_answered_and_do_no_harm(text: str, talker: Connect, fatou: Officer) -> None:
    one = talker(fatou)
    one.socket.send(text)
    assert one.until(lambda item: item["op"] == "refused")["problem"]["status"] in {400, 404, 422}
    one.say(op="ping")
    one.until(lambda item: item["op"] == "pong")


def test_a_binary_frame_is_answered_too(talker: Connect, fatou: Officer) -> None:
    one = talker(fatou)
    one.socket.send(b"\x00\xff")
    assert one.until(lambda item: item["op"] == "refused")["problem"]["code"] == "bad_frame"


def test_an_oversized_frame_closes_the_socket(talker: Connect, fatou: Officer) -> None:
    one = talker(fatou)
    one.socket.send(json.dumps({"op": "ping", "x": "y" * 200_000}))
    assert one.closed() == 1009


def test_a_flood_closes_the_socket(talker: Connect, fatou: Officer) -> None:
    one = talker(fatou)
    with contextlib.suppress(ConnectionClosed):  # before the last of them was sent
        for _ in range(200):
            one.socket.send(json.dumps([{"op": "ping"}] * 100))
    assert one.closed() == 4429


def test_an_officer_opens_so_many_sockets_and_no_more(
    talker: Connect, server: Server, token_for: Token, fatou: Officer, dmitri: Officer
) -> None:
    token = token_for(fatou)
    open_ones = [Talker(server.ws, token=token) for _ in range(20)]
    for one in open_ones:
        one.until(lambda item: item["op"] == "hello")
    with Talker(server.ws, token=token) as late:
        assert late.closed() == 4429
    talker(dmitri).until(lambda item: item["op"] == "hello")
    for one in open_ones:
        one.socket.close()


def test_who_cannot_read_follows_nothing(
    talker: Connect,
    room: ClosedUserGroup,
    other_group: ClosedUserGroup,
    audrey: Officer,
    eve: Officer,
    padma: Officer,
) -> None:
    for officer, status in ((audrey, 403), (eve, 404), (padma, 404)):
        one = talker(officer)
        answer = refused(one, op="follow", groups={str(room.pk): {}})
        assert (answer["group"], answer["problem"]["status"]) == (str(room.pk), status)
    one = talker(eve)
    assert refused(one, op="follow", groups={str(uuid4()): {}})["problem"]["status"] == 404


def test_reading_is_remembered(talker: Connect, room: ClosedUserGroup, fatou: Officer, post: Post) -> None:
    for _ in range(3):
        post(fatou)
    one = talker(fatou)
    for seq in (2, 1, 999):
        one.say(op="seen", group=str(room.pk), seq=seq)
        one.say(op="ping")
        one.until(lambda item: item["op"] == "pong")
    assert LastSeen.objects.get().seq == 3


def test_acknowledging_over_the_socket(
    talker: Connect, room: ClosedUserGroup, fatou: Officer, amina: Officer, eve: Officer, post: Post
) -> None:
    message = post(amina, "bulletin").message
    one = talker(fatou)
    one.follow(room.pk)
    one.say(op="acknowledge", message=str(message.pk))
    assert one.until(lambda item: item["op"] == "acknowledged")["seq"] == 2
    assert one.event(2)["event"]["type"] == "acknowledged"
    stranger = talker(eve)
    assert refused(stranger, op="acknowledge", message=str(message.pk))["problem"]["status"] == 404
    assert refused(stranger, op="acknowledge", message=str(uuid4()))["problem"]["status"] == 404


def test_who_names_the_group_is_asked_nothing_twice(
    talker: Connect, room: ClosedUserGroup, fatou: Officer, amina: Officer, eve: Officer, post: Post
) -> None:
    """Named and followed, named and not followed, wrongly, by a stranger: the same rules, the same answers."""
    first, second = (post(amina, "bulletin").message for _ in range(2))
    one, stranger = talker(fatou), talker(eve)
    one.say(op="acknowledge", group=str(room.pk), message=str(first.pk))
    assert one.until(lambda item: item["op"] == "acknowledged")["seq"] == 3
    one.follow(room.pk)
    one.say(op="acknowledge", group=str(room.pk), message=str(second.pk))
    assert one.until(lambda item: item.get("message") == str(second.pk))["seq"] == 4
    for who, group, message in (
        (one, room.pk, uuid4()),
        (one, uuid4(), first.pk),
        (stranger, uuid4(), first.pk),
        (stranger, room.pk, first.pk),
    ):
        told = refused(who, op="acknowledge", group=str(group), message=str(message))["problem"]
        assert (told["status"], told["code"]) == (404, "not_found")
    assert refused(one, op="acknowledge", group="7", message=str(first.pk))["problem"]["code"] == "bad_frame"


def test_many_who_acknowledge_at_once_each_get_their_own_answer(
    talker: Connect, room: ClosedUserGroup, fatou: Officer, dmitri: Officer, bruno: Officer, chloe: Officer,
    eve: Officer, olga: Officer, amina: Officer, post: Post,
) -> None:  # fmt: skip
    wanted = [post(amina, "bulletin").message for _ in range(4)]
    people = [talker(officer) for officer in (fatou, dmitri, bruno, chloe)]
    stranger, observer = talker(eve), talker(olga)
    people[0].follow(room.pk)
    for one in (*people, stranger, observer):
        for message in wanted:
            one.say(op="acknowledge", message=str(message.pk))
    told = [one.until(lambda item: item.get("message") == str(wanted[-1].pk))["seq"] for one in people]
    for one in (stranger, observer):
        one.until(lambda item: item["op"] == "refused" and item["id"] == str(wanted[-1].pk))
    seqs = [item["seq"] for one in people for item in one.items if item["op"] == "acknowledged"]
    assert sorted(seqs) == list(range(5, 21))
    assert {*told} <= {*seqs}
    people[0].event(20)
    assert [seq for seq in people[0].seqs() if seq > 4] == list(range(5, 21))
    problems = [item["problem"] for item in stranger.items if item["op"] == "refused"]
    assert problems == [refused(stranger, op="acknowledge", message=str(uuid4()))["problem"]] * 4
    assert {item["problem"]["status"] for item in observer.items if item["op"] == "refused"} == {403}


def test_a_slow_reader_is_closed_and_slows_nobody(
    talker: Connect, server: Server, token_for: Token, room: ClosedUserGroup, fatou: Officer, dmitri: Officer,
    amina: Officer,
) -> None:  # fmt: skip
    narrow = socket.create_connection(("127.0.0.1", server.port))
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow = Talker(server.ws, token=token_for(fatou), sock=narrow, max_queue=1)
    fast = talker(dmitri)
    for client in (slow, fast):
        client.follow(room.pk)
    before = server.rss_kib
    text = {"text": "🏮" * 10_000}
    count, at_once = 600, 50
    for last in range(at_once, count + 1, at_once):  # never more than the bound before the fast one has them
        list(post_messages(membership_of(amina, room), [draft(body=text) for _ in range(at_once)]))
        fast.event(last)
    assert fast.seqs() == list(range(1, count + 1))
    assert server.rss_kib - before < 150_000
    assert slow.closed() == 4408
    got = slow.seqs()
    assert got == list(range(1, len(got) + 1))  # a part of the stream, never with a hole
    assert len(got) < count
    with Talker(server.ws, token=token_for(fatou)) as again:
        again.follow(room.pk, after=got[-1] if got else 0, epoch=room.stream_epoch)
        assert again.seqs() == list(range(len(got) + 1, count + 1))


def test_a_message_of_one_group_reaches_no_member_of_another(
    talker: Connect, server: Server, token_for: Token, room: ClosedUserGroup, other_group: ClosedUserGroup,
    fatou: Officer, eve: Officer,
) -> None:  # fmt: skip
    stranger = talker(eve)
    stranger.follow(other_group.pk)
    member = talker(fatou)
    member.follow(room.pk)
    server.request("POST", f"/groups/{room.pk}/messages", token_for(fatou), wire())
    member.event(1)
    stranger.quiet(1.5)
    assert all(str(room.pk) not in json.dumps(item) for item in stranger.items)
