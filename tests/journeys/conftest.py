"""The real product, once for all journeys, and the officers' browsers, anew for each test.

Everything is of package scope: Playwright keeps an event loop running, which tests of other folders must not meet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.cencomm.ports import processes_on
from tests.journeys.chromium import CHROMIUM, open_chromium
from tests.journeys.officers import Officers, Sessions
from tests.journeys.product import Product

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every journey starts a whole server and a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed here"))
            elif sys.platform != "linux":
                item.add_marker(pytest.mark.skip(reason="looks for left processes in /proc"))


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with its demo. At the end it must stop cleanly, leave no process, and have logged no fault."""
    made = Product(tmp_path_factory.mktemp("journeys"))
    try:
        made.start()
        yield made
        assert made.stop() == 0, made.said()
        assert made.said().rstrip().endswith("CENcomm has stopped."), made.said()
        assert not processes_on(made.data)
        assert made.faults() == []
    finally:
        made.remove()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def sessions(product: Product, chromium: Browser) -> Sessions:
    return Sessions(product, chromium)


@pytest.fixture
def officers(sessions: Sessions) -> Iterator[Officers]:
    """The officers' browsers of one test; whatever they complain about fails it."""
    browsers = Officers(sessions)
    yield browsers
    complaints = browsers.complaints()
    browsers.close()
    assert not complaints, "\n".join(complaints)
