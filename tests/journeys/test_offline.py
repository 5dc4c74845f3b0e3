"""An officer without a network: what is written waits in sight, is sent once, and survives whatever happens."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.journeys.acts import a_text, expect_kept, expect_stayed, stay, write_note
from tests.journeys.officers import Officers, expect_live

NO_NETWORK = r"ERR_INTERNET_DISCONNECTED"


def expect_waiting(page: Page, *texts: str) -> None:
    """The state says offline and how many wait; each waiting text is in sight, and says that it waits."""
    expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
    words = re.compile(rf"^offline( since \d\d:\d\d)? · {len(texts)} waiting$")
    expect(page.locator("[data-connection-text]")).to_have_text(words)
    pending = page.locator(".pending-row")
    expect(pending).to_have_count(len(texts))
    for text in texts:
        expect(pending.filter(has_text=text).locator(".pending-state")).to_have_text("waits for the network")


def go_offline(page: Page) -> None:
    """Take the network away, and wait until the page doubts its socket: it never says that it is live then."""
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_attribute("data-state", re.compile("checking|offline"))


def expect_sent_once(page: Page, *texts: str) -> None:
    """Nothing waits any more, and each text stands once in the stream."""
    expect_live(page)
    expect(page.locator("[data-connection-text]")).to_have_text("live")
    for text in texts:
        expect(page.locator(".row-line", has_text=text)).to_have_count(1)
    expect(page.locator(".pending-row")).to_have_count(0)


def expect_nothing_twice(page: Page, *texts: str) -> None:
    """Ask the server for all that the group holds: no reload, no second look could show a text twice."""
    found = page.evaluate(
        """async () => {
            const group = JSON.parse(document.getElementById("console-data").textContent).group.id;
            const answer = await fetch(`/api/v1/groups/${group}/messages?limit=500`);
            return (await answer.json()).messages.map((message) => message.body.text ?? "");
        }""",
    )
    for text in texts:
        assert found.count(text) == 1, found


def test_what_is_written_without_a_network_is_sent_once(officers: Officers) -> None:
    officers.expect_complaint(NO_NETWORK)
    amina, dmitri = officers.console_of("amina"), officers.console_of("dmitri")
    stay(dmitri)
    first, second = a_text(), a_text()

    go_offline(amina)
    write_note(amina, officers.words_of("amina"), first)
    write_note(amina, officers.words_of("amina"), second)
    expect_waiting(amina, first, second)

    amina.context.set_offline(False)
    expect_sent_once(amina, first, second)
    expect_sent_once(dmitri, first, second)
    expect_stayed(dmitri)
    expect_nothing_twice(dmitri, first, second)


def test_what_waits_survives_a_reload_and_a_closed_page(officers: Officers) -> None:
    officers.expect_complaint(NO_NETWORK)
    amina, dmitri = officers.console_of("amina"), officers.console_of("dmitri")
    context, console, text = amina.context, amina.url, a_text()

    go_offline(amina)
    write_note(amina, officers.words_of("amina"), text)
    expect_waiting(amina, text)
    amina.close()

    # The outbox must be there before the server is: the page is opened with every way to post cut.
    context.route("**/api/v1/groups/*/messages", refuse_posts)
    context.route_web_socket("**/ws/v1", lambda socket: None)
    officers.expect_complaint(r"ERR_FAILED")
    context.set_offline(False)
    again = context.new_page()
    again.goto(console)
    expect(again.locator(".pending-row", has_text=text)).to_be_visible()
    expect(again.locator("[data-connection-text]")).to_have_text(re.compile("· 1 waiting$"))
    expect(dmitri.locator(".row-line", has_text=text)).to_have_count(0)

    context.unroute_all()
    context.route_web_socket("**/ws/v1", lambda socket: socket.connect_to_server())
    again.reload()
    expect_sent_once(again, text)
    expect_sent_once(dmitri, text)
    expect_nothing_twice(dmitri, text)


def test_draft_that_was_not_sent_survives_a_reload(officers: Officers) -> None:
    amina, text = officers.console_of("amina"), a_text()
    amina.locator("#composer textarea.note").fill(text)
    expect_kept(amina, text)
    amina.reload()
    expect(amina.locator("#composer textarea.note")).to_have_value(text)
    expect(amina.locator(".row-line", has_text=text)).to_have_count(0)


def test_socket_that_is_cut_comes_back_with_what_was_missed(officers: Officers) -> None:
    """The server's side goes away without a word; what others wrote meanwhile comes, once and in order."""
    sockets: list[tuple[WebSocketRoute, WebSocketRoute]] = []

    def follow(socket: WebSocketRoute) -> None:
        sockets.append((socket, socket.connect_to_server()))

    officers.expect_complaint(NO_NETWORK)
    amina, dmitri = officers.page_of("amina"), officers.console_of("dmitri")
    amina.route_web_socket("**/ws/v1", follow)
    amina.locator(".group-card-link").first.click()
    expect_live(amina)
    stay(amina)

    texts = [a_text() for _ in range(3)]
    write_note(dmitri, officers.words_of("dmitri"), texts[0])
    expect(amina.locator(".row-line", has_text=texts[0])).to_have_count(1)
    amina.context.set_offline(True)
    socket, server = sockets[-1]
    socket.close()
    server.close()
    expect(amina.locator("#connection")).to_have_attribute("data-state", "offline")
    for text in texts[1:]:
        write_note(dmitri, officers.words_of("dmitri"), text)
    expect_sent_once(dmitri, *texts)
    expect(amina.locator(".row-line", has_text=texts[1])).to_have_count(0)

    amina.context.set_offline(False)
    expect_sent_once(amina, *texts)
    shown = [row for row in amina.locator(".row-subject").all_inner_texts() if row in texts]
    assert shown == texts
    expect_stayed(amina)


def test_answer_that_is_lost_doubles_nothing(officers: Officers) -> None:
    """The server has the message, but neither its answer nor the event comes back before the socket dies."""
    lost: list[str] = []

    def lose_once(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def carry(message: str | bytes) -> None:
            if not lost and '"posted"' in str(message):
                lost.append(str(message))
                socket.close()
                server.close()
            elif not (not lost and text in str(message)):
                socket.send(message)

        server.on_message(carry)

    text = a_text()
    amina, dmitri = officers.page_of("amina"), officers.console_of("dmitri")
    amina.route_web_socket("**/ws/v1", lose_once)
    amina.locator(".group-card-link").first.click()
    expect_live(amina)
    write_note(amina, officers.words_of("amina"), text)

    expect_sent_once(amina, text)
    assert lost
    expect_sent_once(dmitri, text)
    expect_nothing_twice(dmitri, text)


def refuse_posts(route: Route) -> None:
    if route.request.method == "POST":
        route.abort()
    else:
        route.continue_()
