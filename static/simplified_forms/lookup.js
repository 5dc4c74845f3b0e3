// A text field that offers matching codes while one types (ARIA combobox with a listbox).
// The choices come from a function, so that the same control serves local lists and /nomenclature/search.
import { gettext } from "../cencomm/text.js";

let counter = 0;

/** Asks the server; an aborted or failed request gives no suggestions, typing goes on. */
export async function searchNomenclature(list, query, language, signal) {
  const parameters = new URLSearchParams({ list, q: query, language });
  try {
    const answer = await fetch(`/nomenclature/search?${parameters}`, { signal, headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).results : [];
  } catch {
    return [];
  }
}

/**
 * options: suggest(query, signal) -> [{code, label, detail?, group_label?}] or a promise of it;
 * freeText: keep what was typed although nothing was picked; onChange(); showCode: put the code before the label.
 */
export function createLookup({ suggest, resolve, freeText = false, onChange = () => {}, placeholder = "", showCode = true }) {
  counter += 1;
  const listId = `lookup-${counter}`;
  const element = document.createElement("div");
  element.className = "lookup";
  const input = document.createElement("input");
  input.type = "text";
  input.className = "form-control";
  input.autocomplete = "off";
  input.spellcheck = false;
  input.placeholder = placeholder;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list",
    "aria-controls": listId })) input.setAttribute(name, value);
  const list = document.createElement("ul");
  list.id = listId;
  list.className = "lookup-list";
  list.hidden = true;
  list.tabIndex = -1; // a box that scrolls would be a stop of the tab key, and closes as soon as the field is left
  list.addEventListener("mousedown", (event) => event.preventDefault()); // its scroll bar takes no focus either
  list.setAttribute("role", "listbox");
  element.append(input, list);

  let value = null;
  let shown = [];
  let active = -1;
  let pending = null;
  let timer = 0;

  const textOf = (option) => (showCode && option.code !== option.label ? `${option.code} ${option.label}` : option.label);

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(index) {
    active = index;
    [...list.querySelectorAll("[role=option]")].forEach((entry, place) => {
      entry.setAttribute("aria-selected", String(place === active));
      if (place === active) {
        input.setAttribute("aria-activedescendant", entry.id);
        entry.scrollIntoView({ block: "nearest" });
      }
    });
  }

  function pick(option) {
    // What was asked while typing must not open the list again.
    clearTimeout(timer);
    pending?.abort();
    value = option.code;
    input.value = textOf(option);
    close();
    onChange();
  }

  function show(options) {
    shown = options;
    list.replaceChildren();
    let heading = null;
    options.forEach((option, index) => {
      if (option.group_label && option.group_label !== heading) {
        heading = option.group_label;
        const line = document.createElement("li");
        line.className = "lookup-heading";
        line.setAttribute("role", "presentation");
        line.textContent = heading;
        list.append(line);
      }
      list.append(optionLine(option, `${listId}-${index}`, showCode, () => pick(option)));
    });
    list.hidden = !options.length;
    input.setAttribute("aria-expanded", String(Boolean(options.length)));
    mark(-1);
  }

  async function ask() {
    pending?.abort();
    pending = new AbortController();
    const { signal } = pending;
    const options = await suggest(input.value.trim(), signal);
    if (!signal.aborted && document.activeElement === input) show(options);
  }

  input.addEventListener("input", () => {
    value = freeText ? input.value.trim() || null : null;
    clearTimeout(timer);
    timer = setTimeout(ask, 90);
    onChange();
  });
  input.addEventListener("focus", () => {
    input.select();
    const typed = input.value;
    if (!typed) ask();
  });
  input.addEventListener("click", () => list.hidden && ask());
  input.addEventListener("blur", () => {
    setTimeout(close, 120);
    if (!freeText && value === null && shown.length && input.value.trim()) {
      const exact = shown.find((option) => option.code.toLowerCase() === input.value.trim().toLowerCase());
      if (exact ?? (shown.length === 1 && shown[0])) pick(exact ?? shown[0]);
    }
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return void ask();
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark((active + step + shown.length) % shown.length);
    } else if (event.key === "Enter" && !list.hidden && shown.length && (active >= 0 || !freeText)) {
      event.preventDefault();
      pick(shown[Math.max(active, 0)]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });

  return {
    element,
    input,
    get: () => value,
    set(next, label) {
      value = next ?? null;
      input.value = value === null ? "" : (label ?? value);
      if (value !== null && !label && resolve) {
        Promise.resolve(resolve(value)).then((option) => {
          if (option && value === next) input.value = textOf(option);
        });
      }
    },
    label: () => input.value,
    invalid: () => !freeText && value === null && input.value.trim() !== "" && gettext("Choose an entry of the list."),
  };
}

function optionLine(option, id, showCode, pick) {
  const line = document.createElement("li");
  line.id = id;
  line.setAttribute("role", "option");
  line.setAttribute("aria-selected", "false");
  if (showCode && option.code !== option.label) {
    const code = document.createElement("span");
    code.className = "lookup-code";
    code.textContent = option.code;
    line.append(code);
  }
  const label = document.createElement("span");
  label.textContent = option.label;
  line.append(label);
  if (option.detail) {
    const detail = document.createElement("span");
    detail.className = "lookup-detail";
    detail.textContent = option.detail;
    line.append(detail);
  }
  line.addEventListener("mousedown", (event) => {
    event.preventDefault();
    pick();
  });
  return line;
}
