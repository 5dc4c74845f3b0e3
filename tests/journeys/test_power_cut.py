"""The power goes while something waits: a browser that is killed loses nothing and doubles nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.cencomm.ports import wait_until
from tests.journeys.acts import a_text, expect_kept, write_note
from tests.journeys.chromium import ARGUMENTS, CHROMIUM, PATIENCE
from tests.journeys.officers import DESKTOP, LANGUAGES, Officers, expect_live
from tests.journeys.test_attachments import attach, item, photo
from tests.journeys.test_offline import expect_nothing_twice, expect_sent_once, expect_waiting, go_offline

NAME = "amina"


def open_browser(officers: Officers, folder: Path) -> BrowserContext:
    """Start a Chromium of its own whose disk is that folder."""
    browser = officers.sessions.browser.browser_type.launch_persistent_context(
        folder,
        executable_path=CHROMIUM,
        args=list(ARGUMENTS),
        base_url=officers.product.url,
        viewport=DESKTOP,
        locale=LANGUAGES[NAME],
        timeout=PATIENCE,
    )
    browser.set_default_timeout(PATIENCE)
    return browser


def running_on(folder: Path) -> list[int]:
    """Every process of the browser on that folder."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            command = (one / "cmdline").read_text()
            state = (one / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if f"--user-data-dir={folder}\0" in command and state != "Z":
            found.append(int(one.name))
    return found


def cut_power(folder: Path) -> None:
    for process in running_on(folder):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until(lambda: not running_on(folder), what="the browser gone")
    for lock in folder.glob("Singleton*"):  # of a machine that is on again, no process of that number is left
        lock.unlink()


def console_in(browser: BrowserContext) -> Page:
    page = browser.pages[0]
    page.goto("/groups/")
    page.locator(".group-card-link").first.click()
    expect_live(page)
    return page


def test_what_waits_survives_a_power_cut(officers: Officers, tmp_path: Path) -> None:
    """A message with a file in the outbox, and half a sentence in the field."""
    sent, typed = a_text("Before the lights went out"), a_text("Half a sen")
    folder = tmp_path / "profile"
    browser = open_browser(officers, folder)
    browser.add_cookies(officers.sessions.of(NAME)["cookies"])
    page = console_in(browser)
    go_offline(page)
    attach(page, photo("quay.png"))
    expect(item(page, "quay.png")).to_have_attribute("data-state", "waiting")
    write_note(page, officers.words_of(NAME), sent)
    expect_waiting(page, sent)
    page.locator("#composer textarea.note").fill(typed)
    expect_kept(page, typed)
    cut_power(folder)

    browser = open_browser(officers, folder)
    try:
        browser.clear_cookies()
        browser.add_cookies(officers.sessions.of(NAME)["cookies"])  # those of a session end with the browser
        page = console_in(browser)
        expect_sent_once(page, sent)
        expect(page.locator(".row-line", has_text=sent).locator("[data-picture]")).to_have_count(1)
        expect(page.locator("#composer textarea.note")).to_have_value(typed)
        expect_nothing_twice(page, sent)
        page.locator("#composer textarea.note").fill("")
    finally:
        browser.close()
