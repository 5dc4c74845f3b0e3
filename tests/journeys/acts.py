"""What officers do on the pages, as they would say it: open, send, answer, fill in."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

from tests.journeys.chromium import PATIENCE
from tests.journeys.words import Words


def a_text(what: str = "Quay 4 checked, nothing found") -> str:
    """Return a text that nobody has written before."""
    return f"{what}, {uuid4().hex[:8]}"


def row_of(page: Page, subject: str, kind: str = "") -> Locator:
    """Return the stream's row whose subject that is; with a kind, the one of that kind."""
    rows = page.locator(".row-line").filter(has=page.locator(".row-subject", has_text=subject))
    return rows.filter(has=page.locator(f".kind-{kind}")) if kind else rows


def open_row(page: Page, row: Locator) -> None:
    """Open a row of the stream; its record is in sight afterwards."""
    row.locator(".row-subject").click()  # below it there may be pictures, which open by themselves
    expect(page.locator("#record .record-reference")).to_be_visible()
    expect(page.locator("#record")).to_have_attribute("aria-busy", "false")


def field(page: Page, name: str) -> Locator:
    """Return the field of that name, of the form on the page."""
    return page.locator(f'[data-field="{name}"]')


def pick(page: Page, name: str, query: str, entry: str) -> None:
    """Type into a field that offers entries, and pick the one that begins with that code or those words."""
    box = field(page, name).get_by_role("combobox")
    box.fill(query)
    field(page, name).get_by_role("option", name=re.compile(f"^{re.escape(entry)}")).first.click()
    expect(box).to_have_attribute("aria-expanded", "false")


def tick(page: Page, name: str, code: str) -> None:
    """Choose one of the chips of a field, behind “More…” if need be."""
    chip = field(page, name).locator(f'.chip:has(input[value="{code}"])')
    if not chip.count():
        field(page, name).locator(".chip-more").click()
    chip.click()
    expect(chip.locator("input")).to_be_checked()


def fill_in(page: Page, values: Mapping[str, str]) -> None:
    """Type into plain fields."""
    for name, value in values.items():
        field(page, name).locator("input, textarea").first.fill(value)


def send(page: Page, words: Words) -> None:
    """Send what the composer holds."""
    page.locator("#composer").get_by_role("button", name=words("Send"), exact=True).click()
    expect(page.locator("#composer [data-kind=note]")).to_have_attribute("aria-pressed", "true")


def write_note(page: Page, words: Words, text: str) -> None:
    """Write a note in one line and send it: once it is taken the composer is empty, and not before."""
    note = page.locator("#composer textarea.note")
    note.fill(text)
    send(page, words)
    expect(note).to_have_value("")


def stay(page: Page) -> None:
    """Mark the page: `expect_stayed` tells whether it was loaded again since."""
    page.evaluate("window.stayed = true")


def expect_stayed(page: Page) -> None:
    assert page.evaluate("window.stayed === true"), "the page was loaded again"


def stop_the_clock(page: Page) -> None:
    """What the page waits for only so long it waits for until the clock goes on: what goes by itself stays, too."""
    page.clock.pause_at(datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 60, UTC))


def ask_until(asked: Page | Locator, script: str, arg: Any = None) -> Any:
    """Ask a page or an element again until it answers with something, and return that.

    Playwright's own `wait_for_function` asks once where the answer is a promise: it takes the promise for a yes.
    """
    page = asked if isinstance(asked, Page) else asked.page
    deadline = time.monotonic() + PATIENCE / 1000
    while not (answer := asked.evaluate(script, arg)):
        assert time.monotonic() < deadline, f"never at {page.url}: {script}"
        page.wait_for_timeout(50)
    return answer


# The drafts that this browser holds, opened as the console opens them.
KEPT = """async ([text, files]) => {
    const {me} = JSON.parse(document.getElementById("console-data").textContent);
    const modules = performance.getEntriesByType("resource").map((one) => one.name);
    const {openKept} = await import(modules.find((name) => /\\/messaging\\/kept\\b[^/]*$/.test(name)));
    const kept = await openKept(me.id, me.key);
    const drafts = (await kept.all("draft/")).map(([, draft]) => draft?.value?.message).filter(Boolean);
    kept.channel?.close();
    kept.shelf.database?.close();
    return drafts.some(({body, attachments = []}) => body.text === text && attachments.length === files);
}"""


def expect_kept(page: Page, text: str, *, files: int = 0) -> None:
    """Wait until what is being written is on the disk: from then on a reload or a power cut takes nothing."""
    ask_until(page, KEPT, [text, files])


def reference_in(text: str) -> str:
    """Return the message reference that stands in a text."""
    found = re.search(r"\b[A-Z0-9]+-[A-Z]{2}-[A-Z]{3}-\d+\b", text)
    assert found, text
    return found.group()
