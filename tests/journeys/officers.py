"""Officers of the demo at their browsers: how they sign in, and what their browsers complain about.

A code works once, so each signs in once in a run; later browsers of the same officer start from that session, as
long as it lasts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from cencomm.demo.people import PASSWORD, PEOPLE
from tests.cencomm.ports import wait_until
from tests.journeys.chromium import PATIENCE
from tests.journeys.product import Product
from tests.journeys.words import Words

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LANGUAGES = {person.key: person.language for person in PEOPLE}


def wait_for_code(product: Product, email: str) -> str:
    """Return a code that was not used yet; the next one comes within half a minute."""
    found = ""

    def unused() -> bool:
        nonlocal found
        found, works = product.code(email)
        return works

    wait_until(unused, what=f"an unused code of {email}")
    return found


def sign_in(page: Page, product: Product, name: str) -> None:
    """Sign in on the real pages with the keyboard alone: password, then code."""
    email = f"{name}@demo.invalid"
    page.goto(f"{product.url}/sign-in/")
    expect(page.locator("#id_email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    expect(page.locator("#id_password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code/")
    expect(page.locator("#id_code")).to_be_focused()
    page.keyboard.type(wait_for_code(product, email))
    page.keyboard.press("Enter")
    page.wait_for_url("**/groups/")


class Sessions:
    """The session of each officer who has signed in during this run."""

    def __init__(self, product: Product, browser: Browser) -> None:
        self.product = product
        self.browser = browser
        self._states: dict[str, Any] = {}

    def of(self, name: str) -> Mapping[str, Any]:
        """Return what a browser holds after the officer has signed in; nothing else is in it."""
        if name not in self._states or self._has_ended(name):
            context = self.browser.new_context(viewport=DESKTOP, locale=LANGUAGES[name])
            context.set_default_timeout(PATIENCE)
            sign_in(context.new_page(), self.product, name)
            self._states[name] = context.storage_state()
            context.close()
        return self._states[name]

    def _has_ended(self, name: str) -> bool:
        """Whether the session lay idle for too long: a coordinator's may for 15 minutes, while others work."""
        context = self.browser.new_context(storage_state=self._states[name])
        try:
            answer = context.request.get(f"{self.product.url}/groups/", max_redirects=0, timeout=PATIENCE)
            return answer.status != 200
        finally:
            context.close()

    def take(self, name: str, context: BrowserContext) -> None:
        """Take over the session of an officer who has signed in anew; the one before has ended."""
        self._states[name] = {**context.storage_state(), "origins": []}


class Officers:
    """The browsers of one test. Whatever one of them complains about fails the test, unless it was expected."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.product = sessions.product
        self._contexts: list[BrowserContext] = []
        self._complaints: list[str] = []
        # A page gives up a connection that does not open within seconds, and makes another: it says what is true.
        self._expected = [re.compile("WebSocket is closed before the connection is established")]

    def browser_of(self, name: str | None, **settings: Any) -> BrowserContext:
        """Return a browser of its own in which that officer is signed in; without a name, nobody is."""
        settings.setdefault("viewport", DESKTOP)
        if name:
            settings |= {"storage_state": self.sessions.of(name), "locale": LANGUAGES[name]}
        settings.setdefault("base_url", self.product.url)
        context = self.sessions.browser.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        context.on("console", lambda message: self._hear(name, message))
        context.on("weberror", lambda error: self._complaints.append(f"{name}: {error.error}"))
        self._contexts.append(context)
        return context

    def page_of(self, name: str | None, path: str = "/groups/", **settings: Any) -> Page:
        """Return that officer's page at `path`, in a browser of its own."""
        page = self.browser_of(name, **settings).new_page()
        page.goto(path)
        return page

    def console_of(self, name: str, **settings: Any) -> Page:
        """Return that officer's console, live."""
        page = self.page_of(name, **settings)
        page.locator(".group-card-link").first.click()
        expect_live(page)
        return page

    def words_of(self, name: str) -> Words:
        """Return the words of that officer's pages."""
        return Words(LANGUAGES[name])

    def expect_complaint(self, pattern: str) -> None:
        """A complaint of a browser that belongs to this journey: a refused page, a network that is away."""
        self._expected.append(re.compile(pattern))

    def complaints(self) -> list[str]:
        """What the browsers complained about and nobody expected."""
        return [text for text in self._complaints if not any(one.search(text) for one in self._expected)]

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _hear(self, name: str | None, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        self._complaints.append(f"{name}: {message.type}: {message.text} ({where})")


def show_code(officers: Officers, page: Page, name: str) -> None:
    """Answer an act that asks for a second factor of its own, with a code that was not used yet."""
    officers.expect_complaint(r"status of 403")
    expect(page.locator("h1")).to_have_text("Confirm that it is you")
    page.get_by_label("Code").fill(wait_for_code(officers.product, f"{name}@demo.invalid"))
    page.keyboard.press("Enter")


def expect_ready(page: Page) -> None:
    """Wait until the page has drawn its form with what an earlier page has left, and takes what is written."""
    expect(page.locator("body")).to_have_attribute("data-ready", "yes")


def expect_live(page: Page) -> None:
    """Wait until the console is ready and says that it is live."""
    expect_ready(page)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


Enter = Callable[..., Page]
