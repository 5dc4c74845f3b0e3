"""A line that is cut, silent, or loses answers; a server that is away; sleep; two tabs: nothing lost or doubled."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.acts import a_text, expect_kept, expect_stayed, send, stay, write_note
from tests.journeys.chromium import PATIENCE
from tests.journeys.officers import Officers, expect_live, expect_ready, sign_in
from tests.journeys.test_offline import expect_nothing_twice, expect_sent_once, refuse_posts
from tests.line import Line, line_to

AWAY = r"ERR_(CONNECTION_\w+|EMPTY_RESPONSE|TIMED_OUT|SOCKET_NOT_CONNECTED|NETWORK_\w+)|WebSocket"
NOT_LIVE = re.compile("checking|connecting|waiting|offline|catching_up")


@pytest.fixture
def line(officers: Officers) -> Iterator[Line]:
    """A line between the browsers of a test and the product."""
    officers.expect_complaint(AWAY)
    with line_to(officers.product.port) as made:
        yield made


def console_over(line: Line, officers: Officers, name: str = "amina") -> Page:
    """Return an officer's console whose every byte goes over the line."""
    page = officers.browser_of(name, base_url=f"http://127.0.0.1:{line.port}").new_page()
    page.goto("/groups/")
    page.locator(".group-card-link").first.click()
    expect_live(page)
    stay(page)
    return page


def state_of(page: Page) -> str:
    return page.locator("#connection").get_attribute("data-state") or ""


def test_line_that_goes_silent_is_not_shown_as_live(officers: Officers, line: Line) -> None:
    """The network is gone without a word: no close, no error, no answer."""
    amina, dmitri = console_over(line, officers), officers.console_of("dmitri")
    line.half_open()
    expect(amina.locator("#connection")).to_have_attribute("data-state", NOT_LIVE)
    mine, theirs = a_text("Written into the silence"), a_text("Missed in the silence")
    write_note(amina, officers.words_of("amina"), mine)
    write_note(dmitri, officers.words_of("dmitri"), theirs)
    expect(amina.locator(".pending-row", has_text=mine)).to_be_visible()
    assert state_of(amina) != "live"
    line.mend()
    expect(amina.locator(".row-line", has_text=theirs)).to_have_count(1)
    expect_sent_once(amina, mine, theirs)
    expect_nothing_twice(dmitri, mine, theirs)
    expect_stayed(amina)


def test_message_whose_answer_is_lost_is_one_message(officers: Officers, line: Line) -> None:
    """Committed, and neither answer nor event came back: it goes again under its id, and cannot be edited."""
    amina, dmitri = console_over(line, officers), officers.console_of("dmitri")
    text = a_text("Committed and not answered")
    line.lose_answers()
    write_note(amina, officers.words_of("amina"), text)
    expect(dmitri.locator(".row-line", has_text=text)).to_have_count(1)
    pending = amina.locator(".pending-row", has_text=text)
    expect(pending).to_be_visible()
    expect(pending).to_have_attribute("data-state", "waiting")
    expect(pending.locator("[data-act=again]")).to_be_visible()
    expect(pending.locator("[data-act=edit]")).to_have_count(0)
    line.mend()
    expect(amina.locator(".pending-row")).to_have_count(0)
    expect_sent_once(amina, text)
    expect_nothing_twice(dmitri, text)


def test_server_that_is_away_while_one_writes(officers: Officers, line: Line) -> None:
    amina, dmitri = console_over(line, officers), officers.console_of("dmitri")
    sent, typed, missed = a_text("Sent to nobody"), a_text("Half a sentence"), a_text("Meanwhile at the quay")
    amina.locator("#composer textarea.note").fill(sent)
    line.break_off()
    expect(amina.locator("#connection")).to_have_attribute("data-state", NOT_LIVE)
    expect(amina.locator("[data-connection-text]")).to_have_text(re.compile(r"reconnecting in \d+ s"))
    write_note(amina, officers.words_of("amina"), sent)
    amina.locator("#composer textarea.note").fill(typed)
    write_note(dmitri, officers.words_of("dmitri"), missed)
    pending = amina.locator(".pending-row", has_text=sent)
    expect(pending.locator(".pending-state")).to_have_text(re.compile("The server does not answer"))
    line.mend()
    expect_sent_once_and_caught_up(amina, sent, missed)
    expect(amina.locator("#composer textarea.note")).to_have_value(typed)
    expect_nothing_twice(dmitri, sent)
    expect_stayed(amina)


def expect_sent_once_and_caught_up(page: Page, *texts: str) -> None:
    for text in texts:
        expect(page.locator(".row-line", has_text=text)).to_have_count(1)
    expect_sent_once(page, *texts)


def test_busy_server_is_asked_again_when_it_says(officers: Officers) -> None:
    """503 with Retry-After: the same id comes again, after the pause."""
    officers.expect_complaint(r"503|WebSocket")
    posts: list[tuple[str, str]] = []
    busy = True

    def refuse_while_busy(route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        posts.append((json.loads(route.request.post_data or "{}")["id"], route.request.url))
        if not busy:
            return route.fallback()
        problem = {"title": "The server is busy.", "status": 503, "code": "busy"}
        headers = {"Retry-After": "2", "Content-Type": "application/problem+json"}
        return route.fulfill(status=503, headers=headers, body=json.dumps(problem))

    amina = officers.page_of("amina")
    amina.route("**/api/v1/groups/*/messages", refuse_while_busy)
    amina.route_web_socket("**/ws/v1", lambda socket: None)  # nothing goes by the socket
    amina.locator(".group-card-link").first.click()
    expect_ready(amina)
    text = a_text("To a busy server")
    write_note(amina, officers.words_of("amina"), text)
    expect(amina.locator(".pending-row .pending-state")).to_have_text(
        re.compile(r"^not sent yet: The server is busy\. Next try in \d s\.$")
    )
    busy = False
    expect(amina.locator(".pending-row")).to_have_count(0)
    assert len(posts) > 1
    assert len(set(posts)) == 1
    expect_nothing_twice(amina, text)


def test_refused_message_says_why_at_once(officers: Officers) -> None:
    officers.expect_complaint(r"422")
    amina = officers.console_of("amina")
    amina.locator("#composer [data-kind=request]").click()
    amina.locator("#composer [data-field=question] textarea").fill(a_text("Who has seen this seal"))
    amina.get_by_label("Answer due in").select_option("at")
    amina.get_by_label("Due (UTC)").fill("2099-01-01T00:00")
    send(amina, officers.words_of("amina"))
    pending = amina.locator(".pending-row")
    expect(pending).to_have_attribute("data-state", "failed")
    expect(pending.locator(".pending-reasons")).to_have_text("This time is too far away.")
    expect(amina.locator("[data-connection-text]")).to_have_text("live · 1 not sent")
    pending.locator("[data-act=edit]").click()
    amina.get_by_label("Answer due in").select_option("1")
    send(amina, officers.words_of("amina"))
    expect(amina.locator(".pending-row")).to_have_count(0)


def test_on_a_phone_what_waits_and_what_was_sent_is_in_sight(officers: Officers) -> None:
    officers.expect_complaint("ERR_INTERNET_DISCONNECTED")
    amina, text = officers.console_of("amina"), a_text("Sent with one hand")
    amina.set_viewport_size({"width": 390, "height": 844})
    amina.locator("[data-screen-button=compose]").click()
    amina.context.set_offline(True)
    expect(amina.locator("#connection")).to_have_attribute("data-state", "offline")
    write_note(amina, officers.words_of("amina"), text)
    expect(amina.locator(".pending-row", has_text=text)).to_be_in_viewport()
    amina.context.set_offline(False)
    expect(amina.locator(".pending-row")).to_have_count(0)
    expect(amina.locator(".row-line", has_text=text)).to_be_in_viewport()


def test_two_tabs_of_one_officer_agree(officers: Officers) -> None:
    officers.expect_complaint("ERR_INTERNET_DISCONNECTED")
    first, dmitri = officers.console_of("amina"), officers.console_of("dmitri")
    second = first.context.new_page()
    second.goto(first.url)
    expect_live(second)
    first.context.set_offline(True)
    for page in (first, second):
        expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
    texts = [a_text("From the first tab"), a_text("From the second tab")]
    for page, text in zip((first, second), texts, strict=True):
        write_note(page, officers.words_of("amina"), text)
    drafts = [a_text("Begun in the first"), a_text("Begun in the second")]
    for page, text in zip((first, second), drafts, strict=True):
        expect(page.locator(".pending-row")).to_have_count(2)
        expect(page.locator("[data-connection-text]")).to_have_text(re.compile("· 2 waiting$"))
        page.locator("#composer textarea.note").fill(text)
    first.context.set_offline(False)
    for page in (first, second):
        expect_sent_once_and_caught_up(page, *texts)
    expect_nothing_twice(dmitri, *texts)
    for page, text in zip((first, second), drafts, strict=True):
        expect_kept(page, text)
        page.reload()
        expect(page.locator("#composer textarea.note")).to_have_value(text)
    # A closed tab leaves its draft to the next that is opened.
    second.close()
    third = first.context.new_page()
    third.goto(first.url)
    expect(third.locator("#composer textarea.note")).to_have_value(drafts[1])


def test_console_wakes_from_sleep(officers: Officers, line: Line) -> None:
    """The machine sleeps for eight hours; the network that it wakes up in knows nothing of the old connection."""
    page = officers.browser_of("amina", base_url=f"http://127.0.0.1:{line.port}").new_page()
    page.clock.install()
    page.goto("/groups/")
    page.locator(".group-card-link").first.click()
    expect_live(page)
    dmitri, text = officers.console_of("dmitri"), a_text("While the laptop was closed")
    line.half_open()
    write_note(dmitri, officers.words_of("dmitri"), text)
    expect_sent_once(dmitri, text)
    page.clock.fast_forward("08:00:00")
    expect(page.locator("#connection")).to_have_attribute("data-state", NOT_LIVE)
    line.mend()
    # What waits for its next try tries now; what asks the network has the time that it takes.
    deadline = time.monotonic() + PATIENCE / 1000
    while state_of(page) != "live" and time.monotonic() < deadline:
        if state_of(page) == "waiting":
            page.clock.run_for(1000)
        page.wait_for_timeout(50)
    expect_live(page)
    expect(page.locator(".row-line", has_text=text)).to_have_count(1)


def test_signing_out_says_what_was_not_sent_and_keeps_it_sealed(officers: Officers) -> None:
    officers.expect_complaint(r"ERR_FAILED|WebSocket|401|closed")
    page, text = officers.page_of("bruno"), a_text("Not sent before the watch ended")
    context = page.context
    context.route("**/api/v1/groups/*/messages", refuse_posts)
    context.route_web_socket("**/ws/v1", lambda socket: None)
    page.locator(".group-card-link").first.click()
    expect_ready(page)
    console = page.url
    write_note(page, officers.words_of("bruno"), text)
    expect(page.locator(".pending-row", has_text=text)).to_be_visible()
    assert text not in page.evaluate(STORED)
    page.locator(".officer-button").click()
    page.locator("form[data-sign-out] button").click()
    expect(page.locator("#unsent-count")).to_be_visible()
    page.locator("#unsent-dialog button[value=keep]").click()
    page.wait_for_url("**/sign-in/")
    assert text not in page.evaluate(STORED)
    context.unroute_all()
    context.route_web_socket("**/ws/v1", lambda socket: socket.connect_to_server())
    sign_in(page, officers.product, "bruno")
    officers.sessions.take("bruno", context)
    page.goto(console)
    expect(page.locator(".row-line", has_text=text)).to_have_count(1)
    expect(page.locator(".pending-row")).to_have_count(0)
    expect_nothing_twice(page, text)


# Everything that this origin keeps on the disk, as text.
STORED = """async () => {
    const open = indexedDB.open("cencomm");
    const database = await new Promise((resolve) => open.onsuccess = () => resolve(open.result));
    const all = database.objectStoreNames.length
        ? database.transaction("kept").objectStore("kept").getAll() : {result: [], readyState: "done"};
    if (all.readyState !== "done") await new Promise((resolve) => all.onsuccess = resolve);
    database.close();
    const text = all.result.map(({data}) => new TextDecoder("latin1").decode(data)).join("\\n");
    return [text, all.result, {...localStorage}, {...sessionStorage}].map((one) => JSON.stringify(one)).join();
}"""
