"""A session's browser, in words."""

import pytest

from accounts import agents

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "browser", "system"),
    [
        (CHROME, "Chrome", "Linux"),
        (CHROME + " Edg/140.0", "Edge", "Linux"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox", "Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari", "iPhone"),
        ("python-httpx/0.28", "python-httpx", ""),
        ("", "–", ""),
    ],
)
def test_the_browser_and_the_system_are_named(agent: str, browser: str, system: str) -> None:
    assert (agents.browser(agent), agents.system(agent)) == (browser, system)
