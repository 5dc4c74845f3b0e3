// One control per field type: {element, input?, get(), set(value), refresh?(), grouped?}. Made by createControl.
// `grouped` controls have several inputs and are labelled as a group. Rows of fields are in rows.js.
import { gettext } from "../cencomm/text.js";
import { createLookup, searchNomenclature } from "./lookup.js";
import { fittingOptions, fittingUnits, matchOptions, readNumber, showNumber } from "./values.js";

const MANY_CHIPS = 7;

/** form: {language, layout, context, fields, values(), outer(), changed()} */
export function createControl(field, form) {
  switch (field.type) {
    case "long_text": return textArea(field, form);
    case "date": return form.layout === "touch" ? dateChips(field, form) : plainInput(field, form, "date");
    case "time": return plainInput(field, form, "time");
    case "datetime": return dateTime(field, form);
    case "integer": return number(field, form, (text) => (/^-?\d+$/.test(text) ? Number(text) : text));
    case "decimal": return number(field, form, (text) => text);
    case "boolean": return yesNo(field, form);
    case "code": return form.layout === "touch" ? chips(field, form, false) : codeSelect(field, form);
    case "codes": return chips(field, form, true);
    case "country": return coded(field, form, "country");
    case "place": return coded(field, form, "place", true);
    case "hs": return coded(field, form, "hs", true);
    case "commodity": return commodity(field, form);
    case "quantity": return quantity(field, form);
    case "money": return money(field, form);
    case "countries": return several(field, form, (onChange) => coded(field, { ...form, changed: onChange }, "country"));
    case "message": return messageLookup(field, form);
    case "messages": return several(field, form, (onChange) => messageLookup(field, { ...form, changed: onChange }));
    default: return plainInput(field, form, "text");
  }
}

export function make(tag, className, attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  return element;
}

function plainInput(field, form, type) {
  const input = make("input", "form-control", { type, maxlength: field.max_length, autocomplete: "off" });
  input.addEventListener("input", form.changed);
  return { element: input, input, get: () => input.value.trim() || null, set: (value) => (input.value = value ?? "") };
}

function textArea(field, form) {
  const input = make("textarea", "form-control", { rows: "3", maxlength: field.max_length, dir: "auto" });
  input.addEventListener("input", form.changed);
  return { element: input, input, get: () => input.value.trim() || null, set: (value) => (input.value = value ?? "") };
}

function dateTime(field, form) {
  const element = make("div", "input-group");
  const input = make("input", "form-control", { type: "datetime-local" });
  element.append(input, make("span", "input-group-text", { text: "UTC" }));
  input.addEventListener("input", form.changed);
  return {
    element,
    input,
    get: () => (input.value ? `${input.value.slice(0, 16)}Z` : null),
    set: (value) => (input.value = value ? new Date(value).toISOString().slice(0, 16) : ""),
  };
}

function number(field, form, shape) {
  const input = make("input", "form-control", { type: "text", inputmode: field.type === "integer" ? "numeric" : "decimal",
    autocomplete: "off", dir: "ltr" });
  input.addEventListener("input", form.changed);
  return {
    element: input,
    input,
    get() {
      const text = readNumber(input.value, form.language);
      return text === null ? null : shape(text);
    },
    set: (value) => (input.value = value === null || value === undefined ? "" : showNumber(value, form.language)),
  };
}

function yesNo(field, form) {
  const options = [{ code: "true", label: gettext("Yes") }, { code: "false", label: gettext("No") }];
  const control = chips({ ...field, options }, form, false);
  return {
    ...control,
    get: () => ({ true: true, false: false })[control.get()] ?? null,
    set: (value) => control.set(value === null || value === undefined ? null : String(value)),
  };
}

/** A chip row; long lists fold behind "More…". Radio buttons underneath, or check boxes where several are allowed. */
export function chips(field, form, several) {
  const element = make("div", "chips", { role: several ? "group" : "radiogroup" });
  const name = `chips-${Math.random().toString(36).slice(2)}`;
  let chosen = [];
  let unfolded = false;

  function toggle(code, on) {
    if (several) chosen = on ? [...chosen, code] : chosen.filter((other) => other !== code);
    else chosen = on ? [code] : [];
    form.changed();
  }

  function chip(option) {
    const label = make("label", "chip");
    const input = make("input", "", { type: several ? "checkbox" : "radio", name, value: option.code });
    input.checked = chosen.includes(option.code);
    input.addEventListener("change", () => toggle(option.code, input.checked));
    // A radio button cannot be let go by itself; an optional answer must be.
    if (!several && !field.required) {
      input.addEventListener("click", () => {
        if (label.dataset.on === "yes") {
          input.checked = false;
          toggle(option.code, false);
        }
        for (const other of element.querySelectorAll(".chip")) {
          other.dataset.on = other.querySelector("input").checked ? "yes" : "no";
        }
      });
      label.dataset.on = input.checked ? "yes" : "no";
    }
    label.append(input, make("span", "", { text: option.label }));
    return label;
  }

  function refresh() {
    const options = fittingOptions(field, form.values(), form.outer());
    const folded = !unfolded && options.length > MANY_CHIPS + 1;
    const visible = folded
      ? options.filter((option, index) => index < MANY_CHIPS || chosen.includes(option.code))
      : options;
    const signature = visible.map((option) => option.code).join() + chosen.join();
    if (signature === element.dataset.signature) return;
    element.dataset.signature = signature;
    const focused = element.contains(document.activeElement) ? document.activeElement.value : null;
    element.replaceChildren(...visible.map(chip));
    if (folded) {
      const more = make("button", "chip chip-more", { type: "button", text: gettext("More…") });
      more.addEventListener("click", () => {
        unfolded = true;
        element.dataset.signature = "";
        refresh();
        element.querySelectorAll("input")[visible.length]?.focus();
      });
      element.append(more);
    }
    if (focused) element.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  }

  refresh();
  return {
    element,
    grouped: true,
    get: () => (several ? (chosen.length ? chosen : null) : (chosen[0] ?? null)),
    set(value) {
      chosen = value === null || value === undefined ? [] : [value].flat();
      element.dataset.signature = "";
      refresh();
    },
    refresh,
  };
}

function codeSelect(field, form) {
  const input = make("select", "form-select");
  let value = null;
  function refresh() {
    const options = fittingOptions(field, form.values(), form.outer());
    const signature = options.map((option) => option.code).join();
    if (signature !== input.dataset.signature) {
      input.dataset.signature = signature;
      input.replaceChildren(make("option", "", { value: "", text: "–" }));
      let group = null;
      for (const option of options) {
        if (option.group_label && group?.label !== option.group_label) {
          group = make("optgroup", "", { label: option.group_label });
          input.append(group);
        }
        (option.group_label ? group : input).append(make("option", "", { value: option.code, text: option.label }));
      }
    }
    input.value = options.some((option) => option.code === value) ? value : "";
  }
  input.addEventListener("change", () => {
    value = input.value || null;
    form.changed();
  });
  refresh();
  return { element: input, input, get: () => input.value || null, set: (next) => ((value = next ?? null), refresh()), refresh };
}

function dateChips(field, form) {
  const element = make("div", "chips chips-date", { role: "group" });
  const day = (offset) => new Date(Date.parse(`${form.context.today}T00:00Z`) + offset * 86400000).toISOString().slice(0, 10);
  const input = make("input", "form-control", { type: "date", max: form.context.today, "aria-label": field.label });
  const quick = [[gettext("Today"), day(0)], [gettext("Yesterday"), day(-1)]].map(([label, value]) => {
    const button = make("button", "chip", { type: "button", text: label });
    button.addEventListener("click", () => {
      input.value = value;
      form.changed();
      show();
    });
    return [button, value];
  });
  const show = () => quick.forEach(([button, value]) => button.setAttribute("aria-pressed", String(input.value === value)));
  input.addEventListener("input", () => {
    form.changed();
    show();
  });
  element.append(...quick.map(([button]) => button), input);
  return { element, grouped: true, input, get: () => input.value || null, set: (value) => ((input.value = value ?? ""), show()) };
}

function coded(field, form, list, freeText = false) {
  const local = field.options;
  const source = field.search ?? list;
  return createLookup({
    freeText,
    onChange: form.changed,
    suggest(query, signal) {
      if (local) return matchOptions(local, query);
      const preferred = source === "country" ? (form.context.countries ?? []) : [];
      if (!query) return preferred;
      return searchNomenclature(source, query, form.language, signal);
    },
    async resolve(code) {
      const known = (local ?? form.context.countries ?? []).find((option) => option.code === code);
      if (known) return known;
      if (freeText && !/^[A-Z0-9]{2,7}$/.test(code)) return null;
      const found = await searchNomenclature(source, code, form.language);
      return found.find((option) => option.code === code);
    },
  });
}

function commodity(field, form) {
  const options = field.options ?? [];
  const find = (code) => options.find((option) => option.code === code);
  const control = createLookup({
    onChange: form.changed,
    showCode: false,
    suggest: (query) => matchOptions(options, query, query ? 40 : 400),
    resolve: find,
  });
  const heading = make("div", "form-hint");
  control.element.append(heading);
  return { ...control, refresh: () => (heading.textContent = find(control.get())?.group_label ?? "") };
}

function messageLookup(field, form) {
  const known = () => form.context.messages?.(field.name) ?? [];
  return createLookup({
    onChange: form.changed,
    showCode: false,
    suggest: (query) => matchOptions(known(), query),
    resolve: (id) => known().find((option) => option.code === id),
  });
}

function quantity(field, form) {
  const element = make("div", "quantity");
  const value = number({ type: "decimal" }, form, (text) => text);
  const unit = make("select", "form-select quantity-unit", { "aria-label": gettext("Unit") });
  let wanted = null;
  function refresh() {
    const units = fittingUnits(field, form.values(), form.fields);
    const signature = units.map((entry) => entry.code).join();
    if (signature === unit.dataset.signature) return;
    unit.dataset.signature = signature;
    const before = wanted ?? unit.value;
    unit.replaceChildren(...units.map((entry) => make("option", "", { value: entry.code, text: entry.label })));
    if (units.some((entry) => entry.code === before)) unit.value = before;
  }
  unit.addEventListener("change", () => {
    wanted = unit.value;
    form.changed();
  });
  element.append(value.element, unit);
  refresh();
  return {
    element,
    input: value.input,
    get() {
      const amount = value.get();
      return amount === null ? null : { value: amount, unit: unit.value };
    },
    set(next) {
      value.set(next?.value ?? null);
      wanted = next?.unit ?? null;
      unit.dataset.signature = "";
      refresh();
    },
    refresh,
  };
}

function money(field, form) {
  const element = make("div", "quantity");
  const value = number({ type: "decimal" }, form, (text) => text);
  const currency = make("select", "form-select quantity-unit", { "aria-label": gettext("Currency") });
  currency.append(...(field.options ?? []).map((option) => make("option", "", { value: option.code, text: option.code, title: option.label })));
  currency.value = field.options?.some((option) => option.code === "USD") ? "USD" : "";
  currency.addEventListener("change", form.changed);
  element.append(value.element, currency);
  return {
    element,
    input: value.input,
    get: () => (value.get() === null ? null : { value: value.get(), currency: currency.value }),
    set(next) {
      value.set(next?.value ?? null);
      if (next?.currency) currency.value = next.currency;
    },
  };
}

/** Several values of a look-up: each picked one becomes a tag that can be taken away again. */
function several(field, form, createOne) {
  const element = make("div", "several");
  const tags = make("div", "several-tags");
  let chosen = [];
  const one = createOne(() => {
    const code = one.get();
    if (!code) return;
    if (!chosen.some((entry) => entry.code === code)) chosen.push({ code, label: one.label() });
    one.set(null);
    show();
    form.changed();
  });
  function show() {
    tags.replaceChildren(...chosen.map((entry) => {
      const tag = make("button", "chip chip-on", { type: "button", text: `${entry.label} ×`,
        "aria-label": `${gettext("Remove")}: ${entry.label}` });
      tag.addEventListener("click", () => {
        chosen = chosen.filter((other) => other !== entry);
        show();
        form.changed();
      });
      return tag;
    }));
  }
  element.append(tags, one.element);
  return {
    element,
    input: one.input,
    get: () => (chosen.length ? chosen.map((entry) => entry.code) : null),
    set(value) {
      chosen = (value ?? []).map((code) => ({ code, label: code }));
      show();
    },
  };
}
