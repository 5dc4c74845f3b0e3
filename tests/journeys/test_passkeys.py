"""Passkeys in a real browser, whose virtual authenticator signs: registered, used to sign in and to act, removed.

Chromium gives passkeys to a name over plain HTTP on this machine only: the pages are opened at localhost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from tests.journeys.appearance import faults_of
from tests.journeys.chromium import PATIENCE
from tests.journeys.officers import DESKTOP, Officers, wait_for_code
from tests.journeys.product import Product

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


# The virtual authenticator answers what is offered in a field at once, as if its owner had chosen it there. Where a
# journey is about something else, the browser offers nothing in fields.
NO_OFFERS = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"


class Strict(Product):
    """The product as it is outside of the demo: coordinators and administrators must have a passkey."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "CENCOMM_PASSKEYS": "required"}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    made = Strict(tmp_path_factory.mktemp("strict"))
    try:
        made.start()
        yield made
        assert made.stop() == 0, made.said()
        assert made.faults() == []
    finally:
        made.remove()


@pytest.fixture
def context(chromium: Browser, strict: Strict) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport=DESKTOP, base_url=strict.url, locale="en", reduced_motion="reduce")
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


class Device:
    """The virtual authenticator of one page: what a laptop or a security key is to its owner."""

    def __init__(self, page: Page, *, offers: bool = False) -> None:
        if not offers:
            page.add_init_script(NO_OFFERS)
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable", {"enableUI": False})
        self.id = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

    def passkeys(self) -> int:
        return len(self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"])

    def take_out(self) -> dict[str, Any]:
        [credential] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]
        return dict(credential)

    def put_in(self, credential: dict[str, Any]) -> None:
        self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})

    def know_the_user(self, yes: bool) -> None:
        """Whether the finger is the right one from now on."""
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes})


def give_password(page: Page, name: str) -> None:
    from cencomm.demo.people import PASSWORD

    page.goto("/sign-in/")
    page.get_by_label("E-mail address").fill(f"{name}@demo.invalid")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/sign-in/code/")


def expect_asked(page: Page) -> None:
    """Wait for the page of an act that asks."""
    expect(page.locator("h1")).to_have_text("Confirm that it is you")


def confirm(page: Page) -> None:
    """Its one button, which asks the browser once its script is there."""
    expect_asked(page)
    page.wait_for_load_state()
    page.get_by_role("button", name="Confirm with your passkey").click()


def test_a_coordinator_gets_a_passkey_and_works_with_it(context: BrowserContext, strict: Strict) -> None:
    page = context.new_page()
    device = Device(page)
    give_password(page, "amina")
    page.get_by_label("Code").fill(wait_for_code(strict, "amina@demo.invalid"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/first-passkey/")
    faults = faults_of(page)
    page.goto("/groups/")  # nothing else opens before
    page.wait_for_url("**/sign-in/first-passkey/")
    page.get_by_label("Name of the passkey").fill("This laptop")
    page.get_by_role("button", name="Register this passkey").click()
    page.wait_for_url("**/groups/")
    assert device.passkeys() == 1

    faults += another_passkey(page)
    faults += an_act(page, device)
    sign_in_with_the_passkey_alone(page, device)
    assert not faults, "\n".join(faults)


def another_passkey(page: Page) -> list[str]:
    """The security page lists it; a second one on the same device is refused by the browser, in words."""
    page.goto("/account/security/")
    expect(page.locator("tr", has_text="This laptop")).to_have_count(1)
    faults = faults_of(page)
    page.get_by_label("Name of the passkey").fill("The same laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect_asked(page)
    faults += faults_of(page)
    confirm(page)
    expect(page.locator("h1")).to_have_text("Register “The same laptop”")
    faults += faults_of(page)
    page.get_by_role("button", name="Register this passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("holds a passkey of this account already")
    page.goto("/account/security/")
    page.get_by_role("button", name="Remove This laptop").click()
    confirm(page)
    expect(page.get_by_role("main")).to_contain_text("your last second factor")
    return faults


def an_act(page: Page, device: Device) -> list[str]:
    """A daily transfer is switched on: not with the wrong finger, then with the right one."""
    page.goto("/groups/")
    page.locator(".group-card-link").first.click()
    page.get_by_role("navigation", name="Group").get_by_role("link", name="Transfer").click()
    page.get_by_role("button", name="Switch on").click()
    expect_asked(page)
    faults = faults_of(page)
    device.know_the_user(False)
    confirm(page)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was confirmed")
    device.know_the_user(True)
    confirm(page)
    expect(page.get_by_role("main")).to_contain_text("The daily transfer is on.")
    return faults


def sign_in_with_the_passkey_alone(page: Page, device: Device) -> None:
    """By the button; then in another window of the same device, by what the browser offers in the field."""
    page.locator(".officer-button").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/groups/")
    kept = device.take_out()
    page.context.clear_cookies()
    window = page.context.new_page()
    Device(window, offers=True).put_in(kept)
    window.goto("/sign-in/")
    window.wait_for_url("**/groups/")


def test_no_code_signs_a_coordinator_in_who_has_a_passkey(context: BrowserContext, strict: Strict) -> None:
    """Padma watches over all accounts: her code opens nothing from the day on which she has a passkey."""
    page = context.new_page()
    Device(page)
    give_password(page, "padma")
    page.get_by_label("Code").fill(wait_for_code(strict, "padma@demo.invalid"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/first-passkey/")
    page.get_by_label("Name of the passkey").fill("Key on my ring")
    page.get_by_role("button", name="Register this passkey").click()
    page.wait_for_url("**/groups/")
    page.context.clear_cookies()

    give_password(page, "padma")
    faults = faults_of(page)
    page.get_by_label("Code").fill(wait_for_code(strict, "padma@demo.invalid"))
    page.get_by_role("button", name="Use this code").click()
    expect(page.get_by_role("main")).to_contain_text("a code is not enough")
    page.goto("/groups/")
    page.wait_for_url("**/sign-in/code/")
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url("**/groups/")
    assert not faults, "\n".join(faults)


def test_an_officer_does_without(context: BrowserContext, strict: Strict) -> None:
    page = context.new_page()
    give_password(page, "fatou")
    page.locator("#id_code").fill(wait_for_code(strict, "fatou@demo.invalid"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/groups/")


def test_by_an_address_that_is_no_name_the_page_says_so(officers: Officers) -> None:
    """At 127.0.0.1 no browser gives a passkey of localhost: the sign-in page says what to do."""
    page = officers.browser_of(None).new_page()
    Device(page)
    page.goto("/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Passkeys work only at the address")
