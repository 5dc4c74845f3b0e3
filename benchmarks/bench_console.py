"""What a long group costs the browser: nodes, listeners and heap of the console, at open and after scrolling far.

`python -m benchmarks.bench_console --messages 100000 --far 6000 [--json FILE]`. The real product on its demo, a
group filled by the ordinary action, a real Chromium. Figures are counts and bytes, after a garbage collection: they
do not depend on how busy the machine is. What must not live here: bounds (tests/journeys/test_long_history.py).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from playwright.sync_api import CDPSession

from tests.journeys.chromium import open_chromium
from tests.journeys.filling import fill
from tests.journeys.officers import Officers, Sessions
from tests.journeys.product import Product
from tests.journeys.scrolling import SCROLL, measure, measuring

EMAIL = "eve@demo.invalid"


def main() -> None:
    """Fill, open, scroll up and down again, measure at each stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--far", type=int, default=6_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cencomm-console-") as folder, open_chromium() as browser:
        product = Product(Path(folder))
        try:
            product.start()
            fill(product, EMAIL, options.messages)
            officers = Officers(Sessions(product, browser))
            stops = scroll(officers, options.far)
            officers.close()
            product.stop()
        finally:
            product.remove()
    print(f"{'stop':24} {'nodes':>8} {'listeners':>10} {'heap, MiB':>10}")
    for stop, found in stops.items():
        print(f"{stop:24} {found['Nodes']:8.0f} {found['JSEventListeners']:10.0f} {found['heap_mib']:10.2f}")
    print(f"{options.messages} messages in the group, {options.far} scrolled past in each direction")
    if options.json:
        conditions = {"messages": options.messages, "far": options.far}
        options.json.write_text(
            json.dumps({"ours": stops, "peers": {}, "ratios": {}, "unit": "", "conditions": conditions})
        )


def scroll(officers: Officers, far: int) -> dict[str, dict[str, float]]:
    """Return what was measured at open, far back, and at the newest end again."""
    page = officers.console_of("eve")
    page.wait_for_function("document.querySelectorAll('#rows .row-line').length >= 100")
    session = measuring(page)
    stops = {"open": at(session)}
    passed = page.evaluate(SCROLL, [True, far])
    stops[f"{passed['count']} back"] = at(session)
    page.evaluate(SCROLL, [False, 2 * far])
    stops["forth again"] = at(session)
    return stops


def at(session: CDPSession) -> dict[str, float]:
    found = measure(session)
    kept = {name: found[name] for name in ("Nodes", "JSEventListeners", "LayoutObjects")}
    return {**kept, "heap_mib": found["JSHeapUsedSize"] / 2**20}


if __name__ == "__main__":
    main()
