"""A group with thousands of messages: the console opens and scrolls both ways, and the page does not grow."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, Route, expect

from tests.journeys.acts import ask_until
from tests.journeys.chromium import PATIENCE
from tests.journeys.filling import fill
from tests.journeys.officers import Officers, expect_live
from tests.journeys.scrolling import SCROLL, measure, measuring

MESSAGES = 3000
FAR = 2000  # of them are scrolled past, which is far more than page and memory hold
HISTORY = "**/api/v1/groups/*/messages?*"
# A toast stays for seconds only: what they say is remembered.
REMEMBER = """() => {
    const toasts = document.getElementById("toasts");
    window.told = [];
    new MutationObserver(() => window.told.push(toasts.textContent)).observe(toasts, { childList: true });
}"""
MORE_NODES = 1.5  # of what stands in the page when it opens: 100 rows then, 120 at most later
MORE_HEAP = 4 * 2**20  # bytes beside what it takes when it opens: 600 messages are held then, of thousands


@pytest.fixture(scope="module")
def long_history(product: Any) -> None:
    """The group of eve, whom the others cannot see, gets its long history once."""
    fill(product, "eve@demo.invalid", MESSAGES)


def open_console(officers: Officers) -> tuple[Page, CDPSession]:
    page = officers.console_of("eve")
    expect(page.locator("#rows .row-line")).to_have_count(100)
    return page, measuring(page)


def subject(number: int) -> str:
    return f"Entry {number} of the long watch"


@pytest.mark.parametrize("threads", [True, False])
def test_scrolling_far_and_back_grows_nothing(officers: Officers, long_history: None, threads: bool) -> None:
    page, session = open_console(officers)
    if not threads:
        page.locator("#toggle-threads").click()
    at_first = measure(session)
    up = page.evaluate(SCROLL, [True, FAR, None, PATIENCE])
    far = measure(session)
    down = page.evaluate(SCROLL, [False, MESSAGES, MESSAGES - 1, PATIENCE])
    back = measure(session)
    # Every one of them was in the page: none was left out on the way.
    assert up["count"] >= FAR
    assert up["last"] - up["first"] + 1 == up["count"]
    assert down["last"] == MESSAGES - 1
    for measured in (far, back):
        assert measured["Nodes"] < at_first["Nodes"] * MORE_NODES, (at_first, measured)
        assert measured["JSEventListeners"] < at_first["JSEventListeners"] * MORE_NODES
        assert measured["JSHeapUsedSize"] < at_first["JSHeapUsedSize"] + MORE_HEAP, (at_first, measured)
    assert page.locator("#rows > *").count() <= 120
    page.keyboard.press("End")
    expect(page.locator("#rows .row-line").last).to_contain_text(subject(MESSAGES - 1))


def test_what_comes_while_one_reads_far_back_waits(officers: Officers, long_history: None) -> None:
    page, _session = open_console(officers)
    page.locator("#go-button").click()
    page.locator("#go-day").fill("2001-01-01")
    page.locator("#go-form button").click()
    expect(page.locator("#stream-top")).to_have_text("This is where it begins.")
    expect(page.locator(".row-line", has_text=subject(0))).to_be_visible()
    expect(page.locator("#new-pill")).to_have_text("To the newest")
    other = page.context.new_page()
    other.goto(page.url)
    expect_live(other)
    other.locator("#composer textarea.note").fill("Relief of the watch")
    other.keyboard.press("Control+Enter")
    expect(page.locator("#new-pill")).to_have_text("1 new")
    expect(page.locator(".row-line", has_text=subject(0))).to_be_visible()
    expect(page.locator(".row-line", has_text="Relief of the watch")).to_have_count(0)
    page.locator("#new-pill").click()
    expect(page.locator(".row-line").last).to_contain_text("Relief of the watch")
    expect(page.locator("#new-pill")).to_be_hidden()


def test_first_unread_is_one_key_away(officers: Officers, long_history: None) -> None:
    page = officers.page_of("eve")
    held: list[Route] = []
    stands = False

    def hold(route: Route) -> None:  # the history comes after the stream stands
        if stands:
            route.continue_()
        else:
            held.append(route)

    page.route(HISTORY, hold)
    page.locator(".group-card-link").first.click()
    expect_live(page)
    stands = True
    for route in held:
        route.continue_()
    expect(page.locator("#rows .row-line")).to_have_count(100)
    page.keyboard.press("g")
    expect(page.locator("#go-day")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#go-menu")).to_be_hidden()
    page.evaluate(REMEMBER)
    page.keyboard.press("u")
    ask_until(page, "() => window.told.some((one) => one.includes('Nothing is unread.'))")
    page.close()
    fill(officers.product, "morel@demo.invalid", 400, watch="second watch")
    page, _session = open_console(officers)
    first = page.locator(".row-line", has_text="Entry 0 of the second watch")
    expect(first).to_have_count(0)
    page.keyboard.press("u")
    expect(first).to_be_in_viewport()
