"""The seizure page: what it does beside its form."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.journeys.acts import stop_the_clock
from tests.journeys.officers import Officers, expect_ready
from tests.journeys.test_attachments import fill_seizure
from tests.journeys.test_offline import refuse_posts
from tests.journeys.test_screening import SCREENING

# A request to the API, as the pages make it, about the group that the console shows.
ASK = """async ([method, path, body]) => {
    const group = JSON.parse(document.getElementById("console-data").textContent).group.id;
    const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
    const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
    const settings = body ? {method, headers, body: JSON.stringify(body)} : {method};
    const answer = await fetch("/api/v1" + path.replace("GROUP", group), settings);
    return answer.json();
}"""
BESIDE = {
    "priority": "immediate",
    "handling": "RED",
    "grading": {"source": "B", "information": "2"},
    "addressed_to": {"roles": ["coordinator"]},
    "acknowledge": True,
}


def seizure_page(console: Page, query: str) -> None:
    console.goto(console.url.partition("#")[0].rstrip("/") + f"/seizure/?{query}")
    expect_ready(console)


def test_report_that_came_of_an_urgent_warning_is_as_urgent(officers: Officers) -> None:
    """Nobody answers the question what to ask: a report of an immediate warning waits a second, not three."""
    page, words = officers.console_of("fatou"), officers.words_of("fatou")
    found = page.evaluate(ASK, ["GET", "/groups/GROUP/messages?kind=warning&priority=immediate", None])
    page.route(SCREENING, lambda route: None)  # it is never answered
    page.clock.install()
    seizure_page(page, f"warning={found['messages'][0]['id']}")
    fill_seizure(page)
    stop_the_clock(page)
    page.locator("#seizure-submit").click()
    page.clock.run_for(1500)
    sent = re.compile("^" + words("Sent as %(reference)s", reference=""))
    expect(page.locator("#done-title")).to_have_text(sent)


def test_correction_keeps_what_is_said_beside_the_form(officers: Officers) -> None:
    page = officers.console_of("fatou")
    body: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "country": "CI",
        "location_type": "SPT",
        "direction": "IMP",
        "conveyance": "SEA",
        "commodity": "DRG.cocaine",
        "quantity": {"value": "3", "unit": "KGM"},
        "detection": ["XRY"],
    }
    message = {"id": str(uuid4()), "kind": "seizure", "body": body, **BESIDE}
    first = page.evaluate(ASK, ["POST", "/groups/GROUP/messages", message])
    assert first["reference"], first
    console = page.url
    seizure_page(page, f"supersedes={message['id']}")
    page.locator('[data-field="quantity"] input').fill("4")
    page.locator("#seizure-submit").click()
    expect(page.locator("#done-title")).to_have_text(re.compile(r"HAR3-CI-SZR-\d+"))
    page.goto(console)
    told = page.evaluate(ASK, ["GET", f"/messages/{message['id']}", None])
    corrected = page.evaluate(ASK, ["GET", f"/messages/{told['superseded_by']}", None])
    assert {name: corrected[name] for name in BESIDE} == BESIDE
    assert corrected["body"]["quantity"]["value"] == "4"


def test_page_does_not_say_online_while_the_server_does_not_answer(officers: Officers) -> None:
    officers.expect_complaint("ERR_FAILED")
    page, words = officers.console_of("fatou"), officers.words_of("fatou")
    seizure_page(page, "")
    page.route("**/api/v1/groups/*/messages", refuse_posts)
    fill_seizure(page)
    page.locator("#seizure-submit").click()
    expect(page.locator("#done-title")).to_have_text(words("Kept: it will be sent when the server answers"))
    expect(page.locator("#connection")).to_have_attribute("data-state", "waiting")
    page.unroute("**/api/v1/groups/*/messages")
    expect(page.locator("#done-title")).to_have_text(re.compile(r"HAR3-CI-SZR-\d+"))
    expect(page.locator("#connection")).to_have_attribute("data-state", "online")
