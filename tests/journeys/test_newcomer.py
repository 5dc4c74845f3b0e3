"""Somebody new: invited by an administrator, with a password, an authenticator and recovery codes of their own."""

from __future__ import annotations

import base64
import re
from urllib.parse import urlsplit

from django_otp.oath import totp
from playwright.sync_api import Page, expect

from tests.journeys.appearance import faults_of
from tests.journeys.officers import Officers

EMAIL = "noor@demo.invalid"
PASSWORD = "eleven herons over the estuary"


def code_of(page: Page) -> str:
    """Return the code that an authenticator shows, which was given the secret that stands on the page."""
    secret = re.sub(r"\s", "", page.locator(".secret-text").text_content() or "")
    return f"{totp(base64.b32decode(secret + '=' * (-len(secret) % 8))):06d}"


def test_newcomer_comes_in_by_an_invitation(officers: Officers) -> None:
    padma = officers.page_of("padma", "/administration/officers/")
    padma.get_by_role("link", name="New officer").click()
    padma.get_by_label("E-mail address").fill(EMAIL)
    padma.get_by_label("Name", exact=False).first.fill("Noor Haddad")
    padma.get_by_label("Administration", exact=False).last.select_option(label="NG · Nigeria Customs Service")
    padma.get_by_role("button", name="Make the invitation").click()
    expect(padma.locator("h1")).to_have_text("Invitation for Noor Haddad")
    link = padma.locator(".secret-text").inner_text()
    faults = faults_of(padma)

    noor = officers.browser_of(None, reduced_motion="reduce").new_page()
    faults += look(noor, "/sign-in/")
    noor.goto(urlsplit(link).path)
    expect(noor.locator("h1")).to_have_text("Welcome, Noor Haddad")
    assert link.rsplit("/", 2)[-2] not in noor.url  # the secret stays in no address
    faults += faults_of(noor)
    for label in noor.locator("input[type=password]").all():
        label.fill(PASSWORD)
    noor.keyboard.press("Enter")

    expect(noor.locator("h1")).to_have_text("Register your second factor")
    expect(noor.locator("main svg").first).to_be_visible()
    faults += faults_of(noor)
    noor.get_by_label("Code").fill(code_of(noor))
    noor.keyboard.press("Enter")

    codes = noor.locator(".recovery-codes li")
    expect(codes).to_have_count(10)
    faults += faults_of(noor)
    recovery = codes.all_inner_texts()
    noor.get_by_role("link", name="I have kept them").click()
    noor.wait_for_url("**/groups/")
    expect(noor.locator("main")).to_contain_text("You are a member of no group")

    faults += replace_the_authenticator(officers, noor, recovery[0])
    faults += sign_in_again(noor, recovery[1])
    officers.expect_complaint("status of (404|410|422)")
    assert officers.page_of(None, urlsplit(link).path).locator("h1").inner_text() != "Welcome, Noor Haddad"
    assert not faults, "\n".join(faults)


def look(page: Page, address: str) -> list[str]:
    page.goto(address)
    return faults_of(page)


def replace_the_authenticator(officers: Officers, noor: Page, recovery: str) -> list[str]:
    """A new telephone: proven by a recovery code, registered by a code of the new one."""
    noor.goto("/account/security/")
    officers.expect_complaint(r"status of 403")
    noor.get_by_role("button", name="Replace the authenticator").click()
    expect(noor.locator("h1")).to_have_text("Confirm that it is you")
    faults = faults_of(noor)
    noor.get_by_label("Password").fill(PASSWORD)
    noor.get_by_label("Code").fill(recovery)
    noor.keyboard.press("Enter")
    expect(noor.locator("h1")).to_have_text("Replace the authenticator")
    faults += faults_of(noor)
    noor.get_by_label("Code").fill(code_of(noor))
    noor.keyboard.press("Enter")
    noor.wait_for_url("**/account/security/")
    expect(noor.locator("main")).to_contain_text("9 codes are left.")
    return faults


def sign_in_again(noor: Page, recovery: str) -> list[str]:
    """Out and in again: the authenticator lies at home, a recovery code helps, once."""
    noor.locator(".officer-button").click()
    noor.get_by_role("button", name="Sign out").click()
    noor.wait_for_url("**/sign-in/")
    noor.get_by_label("E-mail address").fill(EMAIL)
    noor.get_by_label("Password").fill(PASSWORD)
    noor.keyboard.press("Enter")
    noor.wait_for_url("**/sign-in/code/")
    faults = faults_of(noor)
    noor.get_by_label("Code").fill(recovery)
    noor.keyboard.press("Enter")
    noor.wait_for_url("**/groups/")
    return faults
