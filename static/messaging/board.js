// The left pane: views with their counts, countries with their state. The server counts; this asks again when needed.
import { unasked } from "../cencomm/attendance.js";

const PAUSE = 1500;

export function startBoard({ url, onView, onCountry }) {
  const views = [...document.querySelectorAll("[data-view]")];
  const countries = [...document.querySelectorAll("[data-country]")];
  let timer = 0;
  let asked = 0;

  function choose(button) {
    for (const view of views) view.toggleAttribute("aria-current", false);
    button?.setAttribute("aria-current", "true");
    for (const country of countries) country.setAttribute("aria-pressed", "false");
  }

  for (const view of views) {
    view.addEventListener("click", () => {
      choose(view);
      onView(view.dataset.view);
    });
  }
  for (const country of countries) {
    country.addEventListener("click", () => {
      const on = country.getAttribute("aria-pressed") !== "true";
      for (const other of countries) other.setAttribute("aria-pressed", String(on && other === country));
      onCountry(on ? country.dataset.country : "");
    });
  }

  function draw({ counts, countries: states }) {
    for (const [name, count] of Object.entries(counts)) {
      const place = document.querySelector(`[data-count="${name}"]`);
      if (!place) continue;
      place.textContent = count;
      place.classList.toggle("overdue", place.hasAttribute("data-urgent") && count > 0);
    }
    for (const { code, state, overdue, text } of states) {
      const button = document.querySelector(`[data-country="${code}"]`);
      if (!button) continue;
      const place = button.querySelector("[data-country-state]");
      place.textContent = text;
      place.classList.toggle("overdue", Boolean(overdue));
      const dot = button.querySelector(".dot");
      dot.classList.toggle("dot-good", state === "reported");
      dot.classList.toggle("dot-alert", Boolean(overdue));
    }
  }

  async function refresh() {
    asked = Date.now();
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json", ...unasked() } });
      if (answer.ok) draw(await answer.json());
    } catch {
      // Without a network the last counts stand; the connection state says that they are old.
    }
  }

  return {
    refreshSoon() {
      clearTimeout(timer);
      timer = setTimeout(refresh, Math.max(300, PAUSE - (Date.now() - asked)));
    },
    reset: () => choose(views[0]),
  };
}
