"""The browser itself refuses to make markup or code out of text: the product's policy tells it so on every page."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.journeys.chromium import PATIENCE
from tests.journeys.product import Product

# By what a page may turn text into elements, code, or the address of code. Each must throw. (That eval does tells
# the policy itself, tests/cencomm/test_edges.py: what Playwright evaluates is let through.)
SINKS = """() => {
  const place = document.createElement("div");
  document.body.append(place);
  const script = document.createElement("script");
  const ways = {
    innerHTML: () => { place.innerHTML = "<b>lit</b>"; },
    outerHTML: () => { place.outerHTML = "<b>lit</b>"; },
    insertAdjacentHTML: () => place.insertAdjacentHTML("beforeend", "<b>lit</b>"),
    "document.write": () => document.write("<b>lit</b>"),
    setHTMLUnsafe: () => place.setHTMLUnsafe("<b>lit</b>"),
    createContextualFragment: () => document.createRange().createContextualFragment("<b>lit</b>"),
    srcdoc: () => { document.createElement("iframe").srcdoc = "<b>lit</b>"; },
    "script.src": () => { script.src = "/static/cencomm/shell.js"; },
    "script.text": () => { script.text = "window.lit = 1"; },
    "script.textContent": () => { script.textContent = "window.lit = 1"; },
    onclick: () => place.setAttribute("onclick", "window.lit = 1"),
    worker: () => new Worker("/static/cencomm/shell.js"),
    "another policy": () => trustedTypes.createPolicy("other", { createHTML: (text) => text }),
    "the same policy again": () => trustedTypes.createPolicy("default", { createHTML: (text) => text }),
  };
  const passed = [];
  for (const [name, way] of Object.entries(ways)) {
    try {
      way();
      passed.push(name);
    } catch (error) {
      if (!(error instanceof TypeError)) passed.push(`${name}: ${error}`);
    }
  }
  return { passed, lit: window.lit ?? null, count: Object.keys(ways).length };
}"""
READ_APART = """() => {
  const place = document.createElement("div");
  place.innerHTML = "";
  const answer = "<p onclick='x()'>lit</p><script>window.lit = 1</script>";
  const read = new DOMParser().parseFromString(answer, "text/html");
  return [read.querySelector("p").textContent, window.lit ?? null];
}"""


def test_the_browser_refuses_markup_out_of_text(product: Product, chromium: Browser) -> None:
    """On one page for all: the policy comes with each, tests/cencomm/test_edges.py."""
    with chromium.new_context(base_url=product.url) as context:
        page = context.new_page()
        page.goto("/sign-in/", timeout=PATIENCE)
        found = page.evaluate(SINKS)
        assert (found["passed"], found["lit"]) == ([], None)
        assert found["count"] > 12


def test_what_our_server_answered_is_read_apart(product: Product, chromium: Browser) -> None:
    """htmx may read fragments into a document in which nothing runs, ECharts may empty its place."""
    with chromium.new_context(base_url=product.url) as context:
        page = context.new_page()
        page.goto("/sign-in/", timeout=PATIENCE)
        assert page.evaluate(READ_APART) == ["lit", None]
