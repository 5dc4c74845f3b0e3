"""Without a mouse: sign in, read, acknowledge, write, and reach whatever can be reached on a page."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.acts import a_text, write_note
from tests.journeys.officers import Officers, expect_ready, sign_in
from tests.journeys.test_seizure_page import ASK

# What the tab key should come to: whatever can be worked with and is in sight. Of radio buttons, one per group.
REACHABLE = """() => {
    let number = 0;
    const wanted = [];
    const groups = new Set();
    const all = "a[href], button, input, select, textarea, summary, [tabindex]";
    for (const one of document.querySelectorAll(all)) {
        if (one.disabled || one.tabIndex < 0 || one.type === "hidden") continue;
        if (!one.checkVisibility({visibilityProperty: true}) || one.closest("[inert]")) continue;
        if (one.type === "radio") {
            if (groups.has(one.name)) continue;
            groups.add(one.name);
            for (const other of document.getElementsByName(one.name)) other.dataset.reach = `radio ${one.name}`;
        } else one.dataset.reach = `${number++} ${one.tagName} ${one.textContent.trim().slice(0, 40)}`;
        wanted.push(one.dataset.reach);
    }
    return wanted;
}"""
FOCUSED = """() => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const seen = style.outlineStyle !== "none" || style.boxShadow !== "none";
    return [one === document.body ? "" : one.dataset.reach ?? one.tagName, seen];
}"""


def test_sign_in_takes_the_keyboard_alone(officers: Officers) -> None:
    page = officers.browser_of(None).new_page()
    sign_in(page, officers.product, "audrey")
    expect(page.locator("h1")).to_have_text(officers.words_of("audrey")("My groups"))
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_console_takes_the_keyboard_alone(officers: Officers) -> None:
    amina, dmitri = officers.console_of("amina"), officers.console_of("dmitri")
    text, note = a_text("Briefing at the east gate"), a_text("On our way")
    amina.locator("#composer textarea.note").fill(text)
    amina.locator("#composer summary").click()
    amina.get_by_label("Wants acknowledgement").check()
    amina.get_by_role("button", name="Send", exact=True).click()
    row = dmitri.locator(".row-line", has_text=text)
    expect(row.locator(".row-ack")).to_have_text(re.compile(r"^0/\d+ ack$"))

    dmitri.keyboard.press("k")  # from nothing: the newest
    expect(row).to_have_attribute("aria-current", "true")
    expect(row).to_be_focused()
    dmitri.keyboard.press("k")
    expect(row).not_to_have_attribute("aria-current", "true")
    dmitri.keyboard.press("j")
    expect(row).to_be_focused()
    dmitri.keyboard.press("Enter")
    expect(dmitri.locator("#record")).to_be_focused()
    expect(dmitri.locator("#record")).to_contain_text(text)
    dmitri.keyboard.press("a")
    expect(amina.locator(".row-line", has_text=text).locator(".row-ack")).to_have_text(re.compile(r"^1/\d+ ack$"))

    dmitri.keyboard.press("?")
    expect(dmitri.get_by_role("dialog")).to_be_visible()
    dmitri.keyboard.press("Escape")
    expect(dmitri.get_by_role("dialog")).to_be_hidden()
    dmitri.keyboard.press("r")
    expect(dmitri.locator(".composer-answer")).to_contain_text(text)
    dmitri.keyboard.type(note)
    dmitri.keyboard.press("Control+Enter")
    expect(amina.locator(".row-line", has_text=note)).to_be_visible()


def test_button_that_unfolds_a_thread_keeps_the_focus_when_a_message_comes(officers: Officers) -> None:
    amina, dmitri = officers.console_of("amina"), officers.console_of("dmitri")
    thread, text = [str(uuid4()) for _ in range(6)], a_text("Meanwhile at the gate")
    for one in thread:
        note = {"id": one, "kind": "note", "body": {"text": a_text("At the gate")}}
        amina.evaluate(
            ASK, ["POST", "/groups/GROUP/messages", note | ({"in_reply_to": thread[0]} if one != thread[0] else {})]
        )
    fold = amina.locator(f"#fold-{thread[0]} button")
    expect(fold).to_have_text("3 earlier answers")
    fold.focus()
    write_note(dmitri, officers.words_of("dmitri"), text)
    expect(amina.locator(".row-line", has_text=text)).to_have_count(1)
    expect(fold).to_be_focused()
    amina.keyboard.press("Enter")
    expect(fold).to_have_count(0)


def test_search_takes_the_keyboard_alone(officers: Officers) -> None:
    amina = officers.console_of("amina")
    text = a_text("The lighter Calabar Star is at berth")
    write_note(amina, officers.words_of("amina"), text)
    expect(amina.locator(".row-line", has_text=text)).to_be_visible()
    amina.locator("#stream").focus()
    amina.keyboard.press("/")
    expect(amina.locator("#search")).to_be_focused()
    word = text.rsplit(", ", 1)[1]
    amina.keyboard.type(word)
    with amina.expect_request("**/search") as asked:
        amina.keyboard.press("Enter")
    assert asked.value.post_data_json["text"] == word
    assert word not in asked.value.url  # addresses are kept by browsers and by proxies
    expect(amina.locator(".row-line")).to_have_count(1)
    expect(amina.locator(".row-line")).to_contain_text(text)


@pytest.mark.parametrize("place", ["mine", "members", "seizure", "situation", "transfer", "search", "console"])
def test_tab_reaches_everything_and_shows_where_it_is(officers: Officers, place: str) -> None:
    page = officers.console_of("amina", reduced_motion="reduce")
    if place != "console":
        page.goto({"mine": "/groups/", "search": "/cen/"}.get(place, f"{page.url}{place}/"))
    else:
        expect(page.locator("#rows .row-line").first).to_be_visible()
    if place == "seizure":
        expect_ready(page)
    page.wait_for_function("() => !document.querySelector('[hx-trigger=load], .htmx-request')")
    page.evaluate("document.activeElement.blur()")
    wanted = set(page.evaluate(REACHABLE))
    reached, unseen = walk(page)
    assert wanted - reached == set()
    assert unseen == []


def walk(page: Page) -> tuple[set[str], list[str]]:
    """Press the tab key until it leaves the page; return what it came to, and where one could not see it."""
    reached: list[str] = []
    unseen = []
    for _ in range(500):
        page.keyboard.press("Tab")
        name, seen = page.evaluate(FOCUSED)
        # A date is several stops within one field: only the first field again, or none, is the end.
        if not name or (len(reached) > 1 and name == reached[0]):
            break
        reached.append(name)
        if not seen:
            unseen.append(name)
    return set(reached), unseen


def test_table_that_grows_after_the_page_has_come_can_be_scrolled_by_keys(officers: Officers) -> None:
    page = officers.browser_of("padma").new_page()
    page.goto("/administration/groups/")
    box = page.locator(".table-responsive").first
    expect(box).not_to_have_attribute("tabindex", "0")
    page.locator(".table-responsive > table").first.evaluate("(table) => { table.style.minWidth = '3000px'; }")
    expect(box).to_have_attribute("tabindex", "0")
    page.locator(".table-responsive > table").first.evaluate("(table) => { table.style.minWidth = ''; }")
    expect(box).not_to_have_attribute("tabindex", "0")
