"""Scrolls the console through a long history, and measures what stands in the page and in memory meanwhile."""

from __future__ import annotations

from playwright.sync_api import CDPSession, Page

# Scrolls until so many different entries have been in the page, or the last one, or nothing new comes any more.
SCROLL = r"""async ([up, wanted, last = null, patience = 2500]) => {
    const scroller = document.getElementById("stream");
    const seen = new Set();
    let heard = Date.now();
    while (seen.size < wanted && !seen.has(last) && Date.now() - heard < patience) {
        const before = seen.size;
        for (const row of document.querySelectorAll("#rows .row-subject")) {
            const found = /Entry (\d+) of/.exec(row.textContent);
            if (found) seen.add(Number(found[1]));
        }
        scroller.scrollTop += up ? -3000 : 3000;
        await new Promise((resolve) => setTimeout(resolve, 25));
        if (seen.size > before) heard = Date.now();
    }
    return {count: seen.size, first: Math.min(...seen), last: Math.max(...seen)};
}"""


def measuring(page: Page) -> CDPSession:
    """Return a session with the page's engine that `measure` takes."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.enable")
    return session


def measure(session: CDPSession) -> dict[str, float]:
    """Return what stands in the page and in memory once what is not needed has been collected."""
    session.send("HeapProfiler.collectGarbage")
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
