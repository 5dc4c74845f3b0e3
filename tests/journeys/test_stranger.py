"""Who does not belong to a group cannot tell that it exists; who did belong sees nothing more from that moment."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.journeys.acts import a_text, write_note
from tests.journeys.officers import Officers

NOWHERE = "00000000-0000-4000-8000-000000000000"

# What a page could try by hand: one socket, one item, and every frame that comes until one of the awaited kind.
ASK_BY_SOCKET = """([item, awaited]) => new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}/ws/v1`, ["cencomm.v1"]);
    const heard = [];
    socket.onopen = () => socket.send(JSON.stringify(item));
    socket.onclose = (event) => resolve([...heard, {op: "closed", code: event.code}]);
    socket.onmessage = (message) => {
        heard.push(...JSON.parse(message.data));
        if (heard.some((one) => awaited.includes(one.op))) {
            socket.onclose = null;
            socket.close();
            resolve(heard);
        }
    };
})"""
ASK_API = """async ([method, path, body, token]) => {
    const answer = await fetch(path, {
        method,
        headers: {"Content-Type": "application/json", "X-CSRFToken": token},
        body: body ? JSON.stringify(body) : undefined,
    });
    return [answer.status, await answer.text()];
}"""


def ask_api(page: Page, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
    """Ask the API from the officer's page, with the officer's session and CSRF token."""
    token = page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    status, text = page.evaluate(ASK_API, [method, f"/api/v1{path}", body, token])
    return status, text


def group_of(page: Page) -> str:
    """Return the id of the group whose console this is."""
    found = re.search(r"/groups/([0-9a-f-]{36})/", page.url)
    assert found
    return found.group(1)


def without(text: str, group: str) -> str:
    """Return a page with what may differ from one request to the next taken out."""
    plain = text.replace(group, "GROUP")
    plain = re.sub(r'(nonce|name="csrfmiddlewaretoken" value)="[^"]*"', "", plain)
    return re.sub(r'value="[^"]{64}"', "", plain)


def follow_by_socket(page: Page, group: str) -> list[dict[str, Any]]:
    """Ask to follow a group; return what is answered. Heartbeats come between, and tell of no group."""
    follow = {"op": "follow", "groups": {group: {}}}
    heard = page.evaluate(ASK_BY_SOCKET, [follow, ["refused", "caught_up", "event", "closed"]])
    assert all(one["heads"] == {} for one in heard if one["op"] == "heads")
    return [one for one in heard if one["op"] != "heads"]


def test_stranger_sees_a_page_that_says_nothing(officers: Officers) -> None:
    officers.expect_complaint(r"status of 404")
    amina = officers.console_of("amina")
    group = group_of(amina)
    eve = officers.page_of("eve")
    told = {}
    for where in (group, NOWHERE):
        answer = eve.goto(f"/groups/{where}/")
        assert answer is not None
        assert answer.status == 404
        expect(eve.locator(".problem-status")).to_have_text("404")
        told[where] = without(eve.content(), where)
    assert told[group] == told[NOWHERE]
    assert "HARMATTAN" not in told[group]


def test_stranger_gets_nothing_from_the_api(officers: Officers) -> None:
    officers.expect_complaint(r"status of 404")
    amina = officers.console_of("amina")
    group = group_of(amina)
    message = amina.locator(".row-line").first.get_attribute("data-id")
    eve = officers.page_of("eve")
    note = {"id": NOWHERE, "kind": "note", "language": "en", "body": {"text": "from outside"}}
    for method, path, body in (
        ("GET", f"/groups/{group}", None),
        ("GET", f"/groups/{group}/messages", None),
        ("GET", f"/groups/{group}/events", None),
        ("GET", f"/groups/{group}/templates", None),
        ("GET", f"/messages/{message}", None),
        ("PUT", f"/messages/{message}/acknowledgement", None),
        ("POST", f"/groups/{group}/messages", note),
        ("POST", f"/groups/{group}/transfers", {}),
    ):
        real = ask_api(eve, method, path, body)
        invented = ask_api(eve, method, path.replace(group, NOWHERE).replace(str(message), NOWHERE), body)
        assert real[0] == 404, (method, path, real)
        assert real == invented, (method, path)
    expect(amina.locator(".row-line", has_text="from outside")).to_have_count(0)


def test_stranger_cannot_follow_by_socket(officers: Officers) -> None:
    amina = officers.console_of("amina")
    group = group_of(amina)
    eve = officers.page_of("eve")
    told = {}
    for where in (group, NOWHERE):
        heard = follow_by_socket(eve, where)
        assert [one["op"] for one in heard] == ["hello", "refused"]
        assert heard[1]["problem"]["status"] == 404
        told[where] = {name: value for name, value in heard[1].items() if name != "group"}
    assert told[group] == told[NOWHERE]


def test_socket_without_a_session_is_closed(officers: Officers) -> None:
    officers.expect_complaint(r"/ws/v1")
    nobody = officers.page_of(None, "/sign-in/")
    heard = nobody.evaluate(ASK_BY_SOCKET, [{"op": "follow", "groups": {}}, ["hello"]])
    assert heard == [{"op": "closed", "code": 4401}]


def test_removed_member_is_told_and_reads_nothing_more(officers: Officers) -> None:
    """The coordinator removes olga while her console is open, and takes her back at the end."""
    officers.expect_complaint(r"status of 404")
    amina, olga = officers.console_of("amina"), officers.console_of("olga")
    console, group = olga.url, group_of(amina)
    before = a_text("Olga still reads this")
    write_note(amina, officers.words_of("amina"), before)
    expect(olga.locator(".row-line", has_text=before)).to_be_visible()

    manager = officers.page_of("amina", f"/groups/{group}/members/")
    manager.get_by_role("link", name="Manage Olga Marchetti").click()
    manager.get_by_label("Yes, end this membership now.").check()
    manager.get_by_role("button", name="Remove", exact=True).click()
    expect(manager.locator(".member-line", has_text="Olga Marchetti")).to_have_count(0)

    olga.wait_for_url("**/groups/?left")
    expect(olga.locator(".alert")).to_contain_text("You are no longer a member of the group")
    expect(olga.locator(".group-card", has_text="HARMATTAN")).to_have_count(0)
    after = a_text("Olga must not read this")
    write_note(amina, officers.words_of("amina"), after)
    expect(amina.locator(".row-line", has_text=after)).to_be_visible()
    assert olga.goto(console).status == 404
    assert ask_api(officers.page_of("olga"), "GET", f"/groups/{group}/messages")[0] == 404
    heard = follow_by_socket(officers.page_of("olga"), group)
    assert [one["op"] for one in heard] == ["hello", "refused"]

    take_back(manager, "olga@demo.invalid")
    olga.goto(console)
    expect(olga.locator(".row-line", has_text=before)).to_be_visible()


def take_back(manager: Page, email: str) -> None:
    """Add a known officer as an observer again."""
    manager.get_by_role("link", name="Add a member").click()
    manager.get_by_label("E-mail address").fill(email)
    manager.get_by_label("Role").select_option("observer")
    manager.get_by_role("button", name="Add", exact=True).click()
    expect(manager.locator(".member-line", has_text="Olga Marchetti")).to_be_visible()
