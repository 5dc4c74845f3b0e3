"""Takes the pictures of README and the guide from the running product: `bin/take-pictures [NAME …]`.

It starts a product with a fresh demo, signs officers in as the journeys do, and writes docs/pictures/*.png.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.acts import ask_until, field, fill_in, open_row, row_of, tick
from tests.journeys.chromium import CHROMIUM, open_chromium
from tests.journeys.officers import PHONE, Officers, Sessions
from tests.journeys.palette import reduce_colours
from tests.journeys.product import Product

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WARNING = "MSCU 412779-3, “ceramic tiles”"


def console(officers: Officers, scheme: str = "light") -> Page:
    page = officers.console_of("amina", color_scheme=scheme, reduced_motion="reduce")
    open_row(page, row_of(page, WARNING, "warning"))
    return page


def console_dark(officers: Officers) -> Page:
    return console(officers, "dark")


def console_phone(officers: Officers, scheme: str = "dark") -> Page:
    return officers.console_of("fatou", viewport=PHONE, is_mobile=True, has_touch=True, color_scheme=scheme)


def seizure_phone(officers: Officers) -> Page:
    page = console_phone(officers, "light")
    open_row(page, row_of(page, WARNING, "warning"))
    page.locator("#record [data-action=seizure]").click()
    expect(field(page, "commodity").get_by_role("combobox")).to_have_value(re.compile("^Cocaïne"))
    tick(page, "location_type", "SPT")
    fill_in(page, {"quantity": "31,5"})
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    return page


def situation(officers: Officers) -> Page:
    return below_console(officers, "situation/")


def form_builder(officers: Officers) -> Page:
    page = below_console(officers, "templates/seizure/")
    page.locator("[data-offer=concealment] button").click()
    expect(page.locator("#preview [data-field=concealment]")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    return page


def transfer(officers: Officers) -> Page:
    return below_console(officers, "transfer/")


def members(officers: Officers) -> Page:
    return below_console(officers, "members/")


def groups(officers: Officers) -> Page:
    return officers.page_of("amina", viewport={"width": 1440, "height": 400})


def sign_in(officers: Officers) -> Page:
    return officers.page_of(None, "/sign-in/", viewport={"width": 1440, "height": 720})


def cen_search(officers: Officers) -> Page:
    return officers.page_of("chloe", "/cen/", color_scheme="dark")


def cen_charts(officers: Officers) -> Page:
    page = officers.page_of("amina", "/cen/charts/", reduced_motion="reduce")
    for name in ("month", "commodity", "country"):
        expect(page.locator(f".cen-chart-{name}")).not_to_have_attribute("aria-busy", "true")
    return page


def below_console(officers: Officers, path: str) -> Page:
    page = officers.console_of("amina", reduced_motion="reduce")
    page.goto(page.url + path)
    return page


PICTURES: dict[str, Callable[[Officers], Page]] = {
    "console": console,
    "console-dark": console_dark,
    "console-phone": console_phone,
    "seizure-phone": seizure_phone,
    "situation": situation,
    "form-builder": form_builder,
    "transfer": transfer,
    "members": members,
    "groups": groups,
    "sign-in": sign_in,
    "cen-search": cen_search,
    "cen-charts": cen_charts,
}


def take(officers: Officers, name: str) -> int:
    """Write one picture and return its size."""
    page = PICTURES[name](officers)
    ask_until(
        page,
        """() => document.fonts.ready.then(() => Promise.all(document.getAnimations().map((one) => one.finished)))
            .then(() => !document.querySelector(".htmx-request, [hx-trigger=load]"))""",
    )
    picture = reduce_colours(page.screenshot())
    (FOLDER / f"{name}.png").write_bytes(picture)
    page.context.close()
    return len(picture)


def main(names: list[str]) -> int:
    """Take the named pictures, or all of them."""
    unknown = [name for name in names if name not in PICTURES]
    if unknown or CHROMIUM is None:
        sys.stderr.write(f"No such picture: {', '.join(unknown)}.\n" if unknown else "Pictures need a Chromium.\n")
        return 64
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cencomm-pictures-") as folder, open_chromium() as browser:
        product = Product(Path(folder))
        try:
            product.start()
            officers = Officers(Sessions(product, browser))
            for name in names or PICTURES:
                sys.stdout.write(f"{name}.png: {take(officers, name) / 1024:.0f} KB\n")
                sys.stdout.flush()
            product.stop()
        finally:
            product.remove()
    complaints = [text for text in officers.complaints() if not re.search("beforeunload", text)]
    sys.stderr.writelines(f"{text}\n" for text in complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
