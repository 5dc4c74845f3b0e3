"""A message that waits is edited: whoever cancels has it back as it was, with its files."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.acts import a_text, ask_until, expect_kept, row_of, send
from tests.journeys.officers import Officers
from tests.journeys.test_attachments import PIECES, attach, item, photo
from tests.journeys.test_offline import expect_nothing_twice


def test_cancelled_edit_leaves_a_message_its_files(officers: Officers) -> None:
    """Taken away and made smaller while one edits: the message in the outbox has what it had, and sends it."""
    officers.expect_complaint("ERR_FAILED")
    amina, text = officers.console_of("amina"), a_text("Two sides of one container")
    amina.route(PIECES, lambda route: route.abort() if route.request.method == "PATCH" else route.fallback())
    attach(amina, photo("left.png"), photo("right.png", width=3000, height=400))
    amina.locator("#composer textarea.note").fill(text)
    send(amina, officers.words_of("amina"))
    pending = amina.locator(".pending-row", has_text=text)
    pending.locator("[data-act=edit]").click()
    expect(item(amina, "right.png")).to_be_visible()
    expect(pending).to_have_count(0)  # it is not sent from two places
    item(amina, "left.png").get_by_role("button", name="Remove left.png").click()
    item(amina, "right.png").get_by_role("button", name="Make smaller").click()
    expect(item(amina, "right.jpg")).to_be_visible()
    amina.locator("#composer").get_by_role("button", name="Cancel", exact=True).click()
    expect(amina.locator(".attach-item")).to_have_count(0)

    amina.unroute(PIECES)
    pending.locator("[data-act=send]").click()
    row = row_of(amina, text)
    expect(row.locator("[data-picture]")).to_have_count(2)
    names = row.locator("[data-picture]").evaluate_all("(all) => all.map((one) => one.dataset.name)")
    assert names == ["left.png", "right.png"]
    expect_nothing_twice(amina, text)
    expect_nothing_kept(amina)


def test_file_taken_away_while_editing_is_gone_when_the_message_goes(officers: Officers) -> None:
    officers.expect_complaint("ERR_FAILED")
    amina, text = officers.console_of("amina"), a_text("One side is enough")
    amina.route(PIECES, lambda route: route.abort() if route.request.method == "PATCH" else route.fallback())
    attach(amina, photo("left.png"), photo("right.png"))
    amina.locator("#composer textarea.note").fill(text)
    send(amina, officers.words_of("amina"))
    amina.locator(".pending-row", has_text=text).locator("[data-act=edit]").click()
    item(amina, "left.png").get_by_role("button", name="Remove left.png").click()
    expect_kept(amina, text, files=1)
    amina.reload()  # the edit goes on where it was
    expect(amina.locator("#composer textarea.note")).to_have_value(text)
    expect(amina.locator(".attach-item")).to_have_count(1)
    amina.unroute(PIECES)
    send(amina, officers.words_of("amina"))
    expect(row_of(amina, text).locator("[data-picture]")).to_have_count(1)
    expect_nothing_twice(amina, text)
    expect_nothing_kept(amina)


def expect_nothing_kept(page: Page) -> None:
    """Wait until this browser holds no file any more."""
    ask_until(
        page,
        """async () => {
            const open = indexedDB.open("cencomm");
            const database = await new Promise((resolve) => open.onsuccess = () => resolve(open.result));
            const all = database.transaction("kept").objectStore("kept").getAllKeys();
            await new Promise((resolve) => all.onsuccess = resolve);
            database.close();
            return !all.result.some((name) => /^[^/]+\\/(file|part)\\//.test(name));
        }""",
    )
