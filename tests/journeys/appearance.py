"""What every page must be, in light and dark, wide and narrow: whole, legible, without a barrier known to axe-core.

axe-core is a third party's (MPL-2.0), unchanged: its licence lies beside it, its checksum is below.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.journeys.acts import ask_until
from tests.journeys.officers import DESKTOP, PHONE

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"  # 4.14.1
WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Width, then theme: each step changes one of them, and the last is again like the first.
VARIANTS = ((DESKTOP, "dark"), (PHONE, "dark"), (PHONE, "light"), (DESKTOP, "light"))

# Charts draw themselves when they come into view; fragments fetch themselves; colours may fade into each other.
# What is settled is looked at in the same breath: between two questions another document may have come. The first
# look marks its document, and the others see by the mark that it is still the one.
# What is touched is 24 px high and wide at least (WCAG 2.2, 2.5.8), on a phone, where it is a finger, 44 px high.
# Links in a sentence are as high as their line.
LOOK = """async ([width, theme, least, first]) => {
    const root = document.documentElement;
    if (!first && !window.lookedAt) return {gone: true};
    if (root?.dataset.bsTheme !== theme || !matchMedia(`(width: ${width}px)`).matches) return false;
    for (const one of document.querySelectorAll('[aria-busy="true"]')) one.scrollIntoView({block: "center"});
    await document.fonts.ready;
    // What watches sizes is told between two frames.
    await new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)));
    await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})));
    if (document.readyState !== "complete") return false;
    if (document.querySelector('[aria-busy="true"], .htmx-request, [hx-trigger="load"]')) return false;
    window.lookedAt = true;
    const target = (one) => (/^(checkbox|radio|file)$/.test(one.type) && one.closest("label")) || one;
    return {
        address: location.href,
        title: document.title,
        headings: [...document.querySelectorAll("h1")].map((one) => one.textContent.trim()),
        mains: document.querySelectorAll("main").length,
        over: root.scrollWidth - root.clientWidth,
        wide: [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1)
            .slice(0, 3).map((one) => `${one.tagName}.${one.className}`),
        small: [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=option]")]
            .filter((one) => one.checkVisibility({visibilityProperty: true}))
            .filter((one) => !one.matches(".visually-hidden, .skip-link"))
            .filter((one) => getComputedStyle(one).display !== "inline")
            .map((one) => [target(one).getBoundingClientRect(), one])
            .filter(([{width, height}]) => height < least - 0.5 || width < 23.5)
            .map(([{width, height}, {tagName, className}]) =>
                `${tagName}.${className} (${Math.round(width)} by ${Math.round(height)} px)`),
    };
}"""
RUN_AXE = """async (tags) => {
    if (!window.lookedAt) return null;
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


def faults_of(page: Page, *, barriers: bool = True, targets: bool = False) -> list[str]:
    """Return what is wrong with the page as it stands in each theme and width.

    With `barriers`, axe-core's too; with `targets`, what is too small to touch. After an act that leads to another
    page wait for that page first.
    """
    faults = []
    for number, (size, theme) in enumerate(VARIANTS):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # what fades is half of two colours
        page.set_viewport_size(size)
        wanted = [size["width"], theme, 44 if size == PHONE else 24, number == 0]
        look = ask_until(page, LOOK, wanted)
        assert "gone" not in look, f"another page came while one was looked at: {page.url}"
        where = f"{look['address']} ({size['width']} px, {theme})"
        faults += [f"{where}: {fault}" for fault in _faults_in(look)]
        if targets:
            faults += [f"{where}: too small to touch: {one}" for one in sorted(set(look["small"]))]
        if barriers:
            faults += [f"{where}: {fault}" for fault in _barriers_now(page)]
    return faults


def _faults_in(look: dict[str, Any]) -> list[str]:
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
    found = page.evaluate(RUN_AXE, WCAG_22_AA)
    assert found is not None, f"another page came while one was looked at: {page.url}"
    return [f"{one['id']} ({one['help']}): {one['nodes']}" for one in found]
