"""One session in several tabs: it gets a new key in one of them, it ends in one of them."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.cencomm.ports import wait_until
from tests.journeys.acts import a_text, expect_stayed, stay, write_note
from tests.journeys.officers import Officers, expect_live, wait_for_code
from tests.line import line_to

KEY = "cencomm_session"
# A call that carries a body, as the pages make it; what comes of it is asked for later.
SEARCH = """(group) => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
    const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
    const settings = {method: "POST", headers, body: JSON.stringify({text: "quay"})};
    window.found = fetch(`/api/v1/groups/${group}/search`, settings)
        .then(async (answer) => [answer.status, answer.redirected, Array.isArray((await answer.json()).messages)]);
}"""


def key_of(page: Page) -> str:
    """Return the session key that the page's browser shows."""
    return next(one["value"] for one in page.context.cookies() if one.get("name") == KEY)


def cookies_sent_by(page: Page) -> list[str]:
    """Return what grows by the cookies of each request that leaves the page from now on."""
    sent: list[str] = []
    session = page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSentExtraInfo", lambda told: sent.append(told["headers"].get("Cookie", "")))
    session.send("Network.enable")
    return sent


def ask_for_a_token(page: Page, officers: Officers, name: str) -> None:
    """Fill in the form of a token, and the second factor that it asks for, up to the last key."""
    officers.expect_complaint(r"status of 403")
    page.goto(f"{officers.product.url}/account/tokens/")
    page.locator("#id_name").fill(a_text("For a new key of the session"))
    page.locator("input[name=scopes]").first.check()
    page.locator("main form button.btn-primary").last.click()
    code = page.locator("input[name=step_up_code]")
    expect(code).to_be_visible()
    code.fill(wait_for_code(officers.product, f"{name}@demo.invalid"))


def test_new_key_in_one_tab_leaves_the_others_alone(officers: Officers) -> None:
    """What another tab has under way when the key changes shows the dead one, and is answered all the same."""
    officers.expect_complaint(r"ERR_|WebSocket")
    with line_to(officers.product.port) as line:
        other = officers.browser_of("dmitri", base_url=f"http://127.0.0.1:{line.port}").new_page()
        other.goto("/groups/")
        other.locator(".group-card-link").first.click()
        expect_live(other)
        stay(other)
        one, former = other.context.new_page(), key_of(other)
        ask_for_a_token(one, officers, "dmitri")
        line.half_open()
        group = other.url.split("/groups/")[1].split("/")[0]
        sent = cookies_sent_by(other)
        other.evaluate(SEARCH, group)
        # What a browser has sent is told while the page is asked something.
        wait_until(lambda: other.evaluate("true") and bool(sent), what="a request under way")
        assert f"{KEY}={former}" in sent[0]
        one.keyboard.press("Enter")
        expect(one.locator(".secret-text")).to_be_visible()
        assert key_of(one) != former
        officers.sessions.take("dmitri", one.context)
        line.mend()
        assert other.evaluate("window.found") == [200, True, True]
        text = a_text("Written with another key")
        write_note(other, officers.words_of("dmitri"), text)
        expect(other.locator(".row-line", has_text=text)).to_have_count(1)
        expect_stayed(other)
