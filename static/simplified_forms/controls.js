// One control per field type: {element, input?, get(), set(value), refresh?(), grouped?}. Made by createControl.
// `grouped` controls have several inputs and are labelled as a group. Rows of fields are in rows.js.
import { gettext } from "../cencomm/text.js";
import { money, number, quantity, several } from "./amounts.js";
import { chips } from "./chips.js";
import { make } from "./elements.js";
import { createLookup, searchNomenclature } from "./lookup.js";
import { fittingOptions, matchOptions } from "./values.js";

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

function yesNo(field, form) {
  const options = [{ code: "true", label: gettext("Yes") }, { code: "false", label: gettext("No") }];
  const control = chips({ ...field, options }, form, false);
  return {
    ...control,
    get: () => ({ true: true, false: false })[control.get()] ?? null,
    set: (value) => control.set(value === null || value === undefined ? null : String(value)),
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
