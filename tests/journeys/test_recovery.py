"""Lost everything: two people at two browsers let an officer in anew, who comes back with a new passkey.

Amina coordinates, bruno is the contact point of fatou's administration. Each has a passkey of the role, or an
authenticator; fatou has nothing left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.appearance import faults_of
from tests.journeys.chromium import PATIENCE
from tests.journeys.officers import DESKTOP, wait_for_code
from tests.journeys.test_passkeys import Device, Strict, confirm, give_password, strict

__all__ = ["strict"]  # the product as it is outside of the demo
PASSWORD = "nine herons at the old lock"


@pytest.fixture
def at_a_browser(chromium: Browser, strict: Strict) -> Iterator[Callable[[], Page]]:
    """A browser of one's own for each person, with a device that holds passkeys."""
    contexts = []

    def open_browser() -> Page:
        context = chromium.new_context(viewport=DESKTOP, base_url=strict.url, locale="en", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context.new_page()

    yield open_browser
    for one in contexts:
        one.close()


def come_in(page: Page, strict: Strict, name: str) -> None:
    """Password, code, and the passkey that the role asks for."""
    give_password(page, name)
    page.locator("#id_code").fill(wait_for_code(strict, f"{name}@demo.invalid"))
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/sign-in/code/" not in address)
    if "/first-passkey/" in page.url:
        page.get_by_label("Name of the passkey").fill("This laptop")
        page.get_by_role("button", name="Register this passkey").click()
    page.wait_for_url("**/groups/")
    page.goto("/account/")
    page.locator("#id_language").select_option("en")  # so that this test can read with everybody
    with page.expect_navigation():
        page.locator("main form button.btn-primary").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto("/groups/")


def lost_factors(page: Page) -> None:
    page.locator(".group-card-link").first.click()
    page.get_by_role("navigation", name="Group").get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Lost second factors").click()
    expect(page.locator("h1")).to_have_text("Lost second factors")


def say_it_again(page: Page, strict: Strict, name: str) -> None:
    """The page of an act that asks: with the passkey where there is one, else with a code."""
    expect(page.locator("h1")).to_have_text("Confirm that it is you")
    page.get_by_label("Code").fill(wait_for_code(strict, f"{name}@demo.invalid"))
    page.keyboard.press("Enter")


def test_two_people_let_an_officer_in_anew(at_a_browser: Callable[[], Page], strict: Strict) -> None:
    amina, bruno, fatou = at_a_browser(), at_a_browser(), at_a_browser()
    for page in (amina, bruno, fatou):
        Device(page)
    come_in(fatou, strict, "fatou")
    come_in(bruno, strict, "bruno")

    lost_factors(bruno)
    faults = faults_of(bruno)
    fatou_named = bruno.locator("#id_member option", has_text="Fatou").first.get_attribute("value")
    bruno.locator("#id_member").select_option(fatou_named)
    bruno.get_by_role("checkbox").check()
    bruno.get_by_role("button", name="Open the recovery").click()
    say_it_again(bruno, strict, "bruno")
    expect(bruno.get_by_role("main")).to_contain_text("Now the other side has to confirm it.")

    fatou.goto("/account/security/")  # still in: nothing has changed, and she is told
    expect(fatou.get_by_role("alert")).to_contain_text("that you have lost your ways to sign in")
    faults += faults_of(fatou)

    come_in(amina, strict, "amina")
    lost_factors(amina)
    amina.get_by_role("button", name="Confirm: take the old factors away").click()
    confirm(amina)
    expect(amina.get_by_role("main")).to_contain_text("the contact point draws the link")
    faults += faults_of(amina)
    fatou.goto("/groups/")
    fatou.wait_for_url("**/sign-in/**")  # the old session is gone

    bruno.reload()
    bruno.get_by_role("button", name="Draw the one-time link").click()
    say_it_again(bruno, strict, "bruno")
    link = bruno.locator("#link").input_value()
    faults += faults_of(bruno)

    fatou.goto(urlsplit(link).path)
    fatou.locator("#id_password").fill(PASSWORD)
    fatou.locator("#id_again").fill(PASSWORD)
    fatou.keyboard.press("Enter")
    fatou.wait_for_url("**/welcome/authenticator/")
    fatou.get_by_label("Name of the passkey").fill("A new telephone")
    fatou.get_by_role("button", name="Register this passkey").click()
    expect(fatou.locator(".recovery-codes li")).to_have_count(10)
    faults += faults_of(fatou)
    fatou.goto("/account/security/")
    expect(fatou.locator("tr", has_text="A new telephone")).to_have_count(1)

    fatou.locator(".officer-button").click()
    fatou.get_by_role("button", name="Sign out").click()
    fatou.wait_for_url("**/sign-in/")
    fatou.get_by_role("button", name="Sign in with a passkey").click()
    fatou.wait_for_url("**/groups/")
    expect(fatou.locator(".group-card-link").first).to_be_visible()  # a member as before
    assert not faults, "\n".join(faults)
