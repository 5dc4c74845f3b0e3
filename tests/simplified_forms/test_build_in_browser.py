"""The builder in a real browser: fields move, the preview follows, a version is published, no policy breaks.

Set CENCOMM_SCREENSHOTS to a folder to keep pictures of the pages.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts.models import Officer
from groups.models import ClosedUserGroup
from simplified_forms import queries
from tests.cencomm import ports

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 1000 * ports.PATIENCE  # in milliseconds
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, databases=["default", "cen"]),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs a Chromium on this machine"),
]


@pytest.fixture
def open_page(
    live_server: Any,
    client: Client,
    amina: Officer,
    sign_in: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Any]]:
    """Return `open_page(path, size, scheme)`: the coordinator's page; what the browser complains of fails."""
    # Playwright's synchronous door runs a loop in this thread; the database is used beside it, not inside it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    sign_in(client, amina)
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"], timeout=PATIENCE
        )

        def open_page(path: str, size: str = "desktop", scheme: str = "light") -> Any:
            width, height = SIZES[size]
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            context.add_cookies(
                [
                    {"name": name, "value": morsel.value, "url": live_server.url}
                    for name, morsel in client.cookies.items()
                ]
            )
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
            page.goto(f"{live_server.url}{path}")
            return page

        yield open_page
        browser.close()
        connections.close_all()  # beside that loop this thread has connections of its own, which nobody else closes
    assert complaints == []


def names(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all("#rows > li", "rows => rows.map(row => row.dataset.name)")
    return found


def preview_names(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "#preview [data-field]", "fields => fields.map(field => field.dataset.field)"
    )
    return found


def test_a_coordinator_builds_and_publishes_a_form(open_page: Callable[..., Any], group: ClosedUserGroup) -> None:
    page = open_page(f"/groups/{group.pk}/templates/nil/")
    assert names(page) == preview_names(page) == ["day", "controls_made", "targets_controlled", "text"]

    page.click('[data-name="text"] [data-move="up"]')
    page.click('[data-name="controls_made"] [data-move="remove"]')
    page.check('[data-name="text"] input[name="required"]')
    expect(page.locator("#preview [data-field]")).to_have_count(3)
    assert names(page) == preview_names(page) == ["day", "text", "targets_controlled"]
    page.wait_for_selector("[data-changes]:not([hidden]) li")

    page.fill("[data-search]", "controls")
    assert page.locator("[data-offer]:visible").count() == 1
    page.click('[data-offer="controls_made"] button')
    expect(page.locator("#preview [data-field]")).to_have_count(4)
    assert queries.template_in_force(group, "nil").version == 1

    page.click('button[value="publish"]')
    expect(page.locator(".builder-versions .status-done")).to_have_count(1)
    expect(page.locator(".builder-versions li").first).to_contain_text("Version 2")
    published = queries.template_in_force(group, "nil")
    assert published.version == 2
    assert [(one["name"], one["required"]) for one in published.spec["fields"]] == [
        ("day", True),
        ("text", True),
        ("targets_controlled", False),
        ("controls_made", False),
    ]


def test_a_row_is_dragged_by_its_handle(open_page: Callable[..., Any], group: ClosedUserGroup) -> None:
    page = open_page(f"/groups/{group.pk}/templates/nil/")
    handle = page.locator('[data-name="text"] .builder-handle').bounding_box()
    first = page.locator('[data-name="day"]').bounding_box()
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(first["x"] + 40, first["y"] + 4, steps=12)
    page.mouse.up()
    expect(page.locator("#rows > li").first).to_have_attribute("data-name", "text")
    expect(page.locator("#preview [data-field]").first).to_have_attribute("data-field", "text")


@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_the_screen(open_page: Callable[..., Any], group: ClosedUserGroup, size: str) -> None:
    version = queries.template_in_force(group, "seizure").pk
    root = f"/groups/{group.pk}/templates/"
    folder = os.environ.get("CENCOMM_SCREENSHOTS")
    for name, path in (("list", ""), ("draft", "seizure/?mode=full"), ("version", f"versions/{version}/")):
        for scheme in ("light", "dark") if folder else ("light",):
            page = open_page(root + path, size, scheme)
            page.wait_for_load_state("networkidle")
            if folder:
                page.screenshot(path=f"{folder}/forms-{name}-{size}-{scheme}.png")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
