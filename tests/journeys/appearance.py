"""What every page must be, in light and dark, wide and narrow: whole, legible, without a barrier known to axe-core.

axe-core is a third party's (MPL-2.0), unchanged: its licence lies beside it, its checksum is below.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.journeys.officers import DESKTOP, PHONE

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
AXE_VERSION = "4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Width, then theme: each step changes one of them, and the last is again like the first.
VARIANTS = ((DESKTOP, "dark"), (PHONE, "dark"), (PHONE, "light"), (DESKTOP, "light"))

# Charts draw themselves when they come into view; fragments fetch themselves; colours may fade into each other.
SETTLED = """async (theme) => {
    if (document.documentElement.dataset.bsTheme !== theme) return false;
    for (const one of document.querySelectorAll('[aria-busy="true"]')) one.scrollIntoView({block: "center"});
    await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})));
    return document.readyState === "complete"
        && !document.querySelector('[aria-busy="true"], .htmx-request, [hx-trigger="load"]');
}"""
LOOK = """() => {
    const root = document.documentElement;
    return {
        title: document.title,
        headings: [...document.querySelectorAll("h1")].map((one) => one.textContent.trim()),
        mains: document.querySelectorAll("main").length,
        over: root.scrollWidth - root.clientWidth,
        wide: [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1)
            .slice(0, 3).map((one) => `${one.tagName}.${one.className}`),
    };
}"""
RUN_AXE = """async (tags) => {
    const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
    return found.violations.map(({id, help, nodes}) => ({
        id, help, nodes: nodes.slice(0, 4).map((node) => `${node.target.join(" ")}: ${node.any[0]?.message ?? ""}`),
    }));
}"""


@cache
def axe() -> str:
    """Return the source of axe-core, which nobody has changed."""
    source = AXE.read_bytes()
    assert hashlib.sha256(source).hexdigest() == AXE_SHA256, "vendor/axe.min.js was changed"
    return source.decode()


def faults_of(page: Page, *, barriers: bool = True) -> list[str]:
    """Return what is wrong with the page as it stands in each theme and width; with `barriers`, axe-core's too."""
    faults = []
    for size, theme in VARIANTS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size(size)
        page.wait_for_function(SETTLED, arg=theme)
        where = f"{page.url} ({size['width']} px, {theme})"
        faults += [f"{where}: {fault}" for fault in _faults_now(page)]
        if barriers:
            faults += [f"{where}: {fault}" for fault in _barriers_now(page)]
    return faults


def _faults_now(page: Page) -> list[str]:
    look: dict[str, Any] = page.evaluate(LOOK)
    faults = []
    if not look["title"].endswith(" · CENcomm") or look["title"].startswith(" ·"):
        faults.append(f"the title is {look['title']!r}")
    if len(look["headings"]) != 1 or not look["headings"][0]:
        faults.append(f"the main headings are {look['headings']}")
    if look["mains"] != 1:
        faults.append(f"it has {look['mains']} main landmarks")
    if look["over"] > 0:
        faults.append(f"{look['over']} px stand out on the side: {look['wide']}")
    return faults


def _barriers_now(page: Page) -> list[str]:
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(axe())
    return [f"{one['id']} ({one['help']}): {one['nodes']}" for one in page.evaluate(RUN_AXE, WCAG_22_AA)]
