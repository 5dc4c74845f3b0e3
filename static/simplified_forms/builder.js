// The template builder: moves, adds and removes fields on the page, and keeps the preview true. The page posts the same
// form without scripts; here the same buttons act at once and nothing is sent until the draft is saved or published.
import { csrfToken } from "../cencomm/csrf.js";
import { format, gettext } from "../cencomm/text.js";
import { renderForm } from "./form.js";

const PREVIEW_DELAY = 350;

function drawPreview(data) {
  const container = document.querySelector("[data-preview-form]");
  let values = {};
  try {
    values = container.form?.values() ?? {};
  } catch {
    values = {};
  }
  const names = new Set(data.description.fields.map((field) => field.name));
  const kept = Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
  container.form = renderForm(container, data.description, {
    values: kept,
    language: document.documentElement.lang,
    layout: "compact",
    context: { country: data.country },
  });
  // The preview lies inside the builder's own form: what is typed there must not travel with it.
  for (const input of container.querySelectorAll("[name]")) input.removeAttribute("name");
}

function startBuilder(form) {
  const list = form.querySelector("#rows");
  const announce = form.querySelector("[data-announce]");
  const say = (text, label) => {
    announce.textContent = format(text, { field: label });
  };
  const labelOf = (row) => row.querySelector("strong").textContent;
  let timer = 0;
  let changed = false;
  let asked = 0;

  const show = () => {
    const names = new Set([...list.children].map((row) => row.dataset.name));
    form.querySelector("[data-count]").textContent = String(names.size);
    for (const offer of form.querySelectorAll("[data-offer]")) {
      const chosen = names.has(offer.dataset.offer);
      offer.classList.toggle("is-chosen", chosen);
      offer.querySelector("button").disabled = chosen;
    }
    const rows = [...list.children];
    rows.forEach((row, at) => {
      row.querySelector('[data-move="up"]').disabled = at === 0;
      row.querySelector('[data-move="down"]').disabled = at === rows.length - 1;
    });
  };

  async function refreshPreview() {
    asked += 1;
    const mine = asked;
    const response = await fetch(form.dataset.preview, {
      method: "POST",
      headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
      body: new FormData(form),
      credentials: "same-origin",
    }).catch(() => null);
    if (!response?.ok || mine !== asked) return;
    const data = await response.json();
    drawPreview(data);
    const card = form.querySelector("[data-changes]");
    card.hidden = data.changes.length === 0;
    card.querySelector("ul").replaceChildren(
      ...data.changes.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
  }

  const touched = () => {
    changed = true;
    show();
    clearTimeout(timer);
    timer = setTimeout(refreshPreview, PREVIEW_DELAY);
  };

  const add = (name) => {
    const template = document.querySelector(`template[data-row="${CSS.escape(name)}"]`);
    const row = template.content.firstElementChild.cloneNode(true);
    // Beside its own section, where the eye looks for it; else at the end.
    const neighbours = [...list.children].filter((other) => other.dataset.section === row.dataset.section);
    if (neighbours.length) neighbours.at(-1).after(row);
    else list.append(row);
    row.classList.add("is-new");
    row.scrollIntoView({ block: "nearest" });
    say(gettext("Added: %(field)s"), labelOf(row));
  };

  const move = (row, way) => {
    const label = labelOf(row);
    if (way === "remove") {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      next?.querySelector('[data-move="up"]').focus();
      say(gettext("Removed: %(field)s"), label);
    } else {
      const other = way === "up" ? row.previousElementSibling : row.nextElementSibling;
      if (way === "up") other?.before(row);
      else other?.after(row);
      show();
      const button = row.querySelector(`[data-move="${way}"]`);
      (button.disabled ? row.querySelector("[data-move]:not(:disabled)") : button)?.focus();
      say(gettext("Moved: %(field)s"), label);
    }
  };

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.move) move(button.closest(".builder-row"), button.dataset.move);
    else if (button.classList.contains("builder-add")) add(button.value.slice("add:".length));
    else return;
    event.preventDefault();
    touched();
  });
  form.addEventListener("input", (event) => {
    if (event.target.closest("[data-preview-form], [data-search]")) return;
    touched();
  });
  form.addEventListener("keydown", (event) => {
    // Enter inside the preview or the search must not save the draft.
    const inert = event.target.closest("[data-preview-form], [data-search]");
    if (event.key === "Enter" && inert && event.target.matches("input")) event.preventDefault();
  });
  form.addEventListener("submit", () => {
    changed = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
  form.classList.add("has-scripts");
  startDrag(list, touched);
  startSearch(form);
  show();
}

/** Rows follow the pointer from their handle; the buttons do the same for keyboards. */
function startDrag(list, touched) {
  let held = null;
  list.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".builder-handle");
    if (!handle || event.button !== 0) return;
    held = handle.closest(".builder-row");
    held.classList.add("is-held");
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    if (!held) return;
    const over = [...list.children].find((row) => {
      const box = row.getBoundingClientRect();
      return row !== held && event.clientY >= box.top && event.clientY <= box.bottom;
    });
    if (!over) return;
    const box = over.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) over.before(held);
    else over.after(held);
  });
  const drop = () => {
    if (!held) return;
    held.classList.remove("is-held");
    held = null;
    touched();
  };
  list.addEventListener("pointerup", drop);
  list.addEventListener("pointercancel", drop);
}

function startSearch(form) {
  const input = form.querySelector("[data-search]");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  input.hidden = false;
  input.addEventListener("input", () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const section of form.querySelectorAll("[data-catalogue-section]")) {
      let here = 0;
      for (const offer of section.querySelectorAll("[data-offer]")) {
        const match = words.every((word) => plain(offer.dataset.words).includes(word));
        offer.hidden = !match;
        here += match ? 1 : 0;
      }
      section.hidden = here === 0;
      shown += here;
    }
    form.querySelector("[data-nothing]").hidden = shown > 0;
  });
}

drawPreview(JSON.parse(document.getElementById("preview-data").textContent));
const builder = document.getElementById("builder");
if (builder) startBuilder(builder);
