"""Every page, for every officer of the demo who comes to it by its links: light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from playwright.sync_api import expect

from tests.journeys.appearance import faults_of
from tests.journeys.officers import PHONE, Officers

# Everybody of the demo who signs in, and eve, who sees another group.
NAMES = ("amina", "padma", "bruno", "chloe", "fatou", "dmitri", "olga", "audrey", "eve")

# Those that links lead to.
PAGES = {
    "accounts:account", "accounts:password", "accounts:security", "accounts:tokens",
    "accounts:administration", "accounts:administrations", "accounts:new_administration",
    "accounts:change_administration", "accounts:officers", "accounts:new_officer", "accounts:officer",
    "accounts:invitations", "accounts:client_systems",
    "cen:search", "cen:charts", "cen:seizure",
    "exports:transfer", "exports:record", "exports:batch", "exports:reconciliation", "exports:mapping",
    "groups:recoveries",
    "groups:mine", "groups:members", "groups:add_member", "groups:leave", "groups:member", "groups:phases",
    "groups:settings", "groups:nominal", "groups:administration", "groups:create", "groups:trail",
    "groups:accounts_trail",
    "messaging:console", "messaging:seizure", "messaging:situation", "reference",
    "simplified_forms:templates", "simplified_forms:template_version", "simplified_forms:template_draft",
}  # fmt: skip
# Those before and around signing in: test_newcomer.py and test_passkeys.py. Confirming a transfer: test_hit.py.
ELSEWHERE = {
    "accounts:sign_in", "accounts:code", "accounts:accept_invitation", "accounts:welcome_password",
    "accounts:first_passkey", "accounts:new_passkey",
    "accounts:welcome_authenticator", "accounts:new_recovery_codes", "accounts:new_authenticator",
    "exports:confirm",
}  # fmt: skip
# Acts, fragments, figures and files: no pages.
NO_PAGES = {
    "home", "live", "ready", "worker", "set_language", "javascript-catalog", "nomenclature:search",
    "accounts:sign_out", "accounts:sign_in_passkey", "accounts:sign_in_challenge", "accounts:second_factor_passkey",
    "accounts:welcome_passkey", "accounts:add_passkey", "accounts:remove_passkey", "accounts:remove_authenticator",
    "accounts:step_up_challenge",
    "groups:open_recovery", "groups:confirm_recovery", "groups:draw_recovery", "groups:withdraw_recovery",
    "accounts:replace_authenticator", "accounts:revoke_other_sessions",
    "accounts:revoke_session", "accounts:revoke_token", "accounts:deactivate_officer", "accounts:activate_officer",
    "accounts:reset_officer", "accounts:confirm_reset", "accounts:draw_reset", "accounts:withdraw_reset",
    "accounts:refuse_recovery", "accounts:renew_invitation", "accounts:withdraw_invitation",
    "accounts:revoke_client_token",
    "cen:facets", "cen:chart_data", "cen:download_csv", "cen:download_xlsx",
    "exports:resolve", "exports:start", "exports:again", "exports:automatic",
    "groups:remove_member", "groups:invite_again", "groups:move_phase", "groups:add_country",
    "groups:remove_country", "groups:set_contact_point", "groups:trail_proof", "groups:accounts_trail_proof",
    "messaging:figures", "messaging:record", "simplified_forms:form_mode", "simplified_forms:preview",
}  # fmt: skip

reached: dict[str, set[str]] = {}


def names_in(resolver: URLResolver, above: str = "") -> Iterator[str]:
    """Return the name of every address of the URL map but the API's."""
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            yield f"{above}{one.name or one.pattern}"
        elif not (one.namespace or "").startswith("api"):
            yield from names_in(one, f"{one.namespace}:" if one.namespace else above)


def kind_of(address: str) -> str:
    """Return the page that an address names, with the tab where a page has tabs; empty where it is none."""
    parts = urlsplit(address)
    try:
        name = resolve(parts.path).view_name
    except LookupError:
        return ""
    tab = parse_qs(parts.query).get("show", [""])[0]
    return f"{name} {tab}".strip() if name in PAGES else ""


def test_url_map_holds_no_page_that_is_not_looked_at() -> None:
    assert sorted(set(names_in(get_resolver()))) == sorted(PAGES | ELSEWHERE | NO_PAGES)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_that_links_lead_to(officers: Officers, name: str) -> None:
    page = officers.browser_of(name, reduced_motion="reduce", color_scheme="light").new_page()
    looked_at = set().union(*reached.values()) if reached else set()
    reached[name] = set()
    waiting, known, faults = ["/groups/"], {"groups:mine"}, []
    while waiting:
        address = waiting.pop(0)
        answer = page.goto(address)
        kind = kind_of(address)
        if answer is None or answer.status != 200:
            faults.append(f"{address}: {answer and answer.status}")
            continue
        reached[name].add(kind)
        if page.locator('form[action="/sign-out/"]').count() != 1:
            faults.append(f"{address}: no way to sign out")
        faults += faults_of(page, barriers=kind not in looked_at, targets=True)  # from then on all of it has come
        for link in page.eval_on_selector_all("a[href]", "(links) => links.map((one) => one.href)"):
            if link.startswith(officers.product.url) and (kind_there := kind_of(link)) and kind_there not in known:
                known.add(kind_there)
                waiting.append(link)
    assert not faults, "\n".join(faults)
    assert reached[name] >= {"groups:mine", "accounts:account", "cen:search"}


def test_look_does_not_judge_half_of_two_pages(officers: Officers, monkeypatch: pytest.MonkeyPatch) -> None:
    page = officers.browser_of(None).new_page()
    page.goto("/sign-in/")
    assert faults_of(page, barriers=False) == []
    change_theme = page.emulate_media

    def go_on(**settings: Any) -> None:
        page.goto("/sign-in/")
        change_theme(**settings)

    monkeypatch.setattr(page, "emulate_media", go_on)
    with pytest.raises(AssertionError, match="another page came"):
        faults_of(page, barriers=False)


def test_theme_is_chosen_in_the_menu(officers: Officers) -> None:
    page = officers.page_of("amina", color_scheme="light")
    page.locator(".officer-button").click()
    for name, theme in (("Dark", "dark"), ("System", "light")):
        page.locator("#officer-menu").get_by_role("button", name=name).click()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)


def test_phone_gives_the_words_under_the_composer_a_line_of_their_own(officers: Officers) -> None:
    page = officers.console_of("fatou", viewport=PHONE, is_mobile=True, has_touch=True)
    page.locator('[data-screen-button="compose"]').click()
    words, button = page.locator(".composer-more summary"), page.locator(".composer .attach-button").first
    expect(words).to_be_visible()
    expect(button).to_be_visible()
    # In one breath: what is above them may grow meanwhile.
    lines = [one.element_handle() for one in (words, button)]
    above, below = page.evaluate("(all) => all.map((one) => one.getBoundingClientRect().toJSON())", lines)
    assert above["bottom"] <= below["top"]


def test_every_page_was_reached_by_somebody() -> None:
    if set(reached) != set(NAMES):
        pytest.skip("the officers were not all on their way in this run")
    assert PAGES - {kind.split()[0] for kind in set().union(*reached.values())} == set()
