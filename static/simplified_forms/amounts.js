// Controls for numbers: plain ones, quantities with their unit, money with its currency, and several values of a look-up.
import { gettext, labelled } from "../cencomm/text.js";
import { make } from "./elements.js";
import { fittingUnits, readNumber, showNumber } from "./values.js";

export function number(field, form, shape) {
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

export function quantity(field, form) {
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

export function money(field, form) {
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
export function several(field, form, createOne) {
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
        "aria-label": labelled(gettext("Remove"), entry.label) });
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
