// Draws a form from its description (simplified_forms/shapes.py). Used by the composer, the seizure page, the preview.
//
// renderForm(container, description, {values, language, layout, context, onChange})
//   -> {values(), setErrors(problems), focus(), element(name)}
// layout: "compact" (two columns, selects) or "touch" (one column, chips). context: {today, country, countries, last,
// messages(field)}. Values that are empty or not asked are left out of values().
import { gettext } from "../cencomm/text.js";
import { createControl } from "./controls.js";
import { make } from "./elements.js";
import { createRows } from "./rows.js";
import { assignProblems, isEmpty, isShown, startingValues } from "./values.js";

const ROW_TYPES = new Set(["lines", "route", "persons", "documents"]);
let counter = 0;

export function renderForm(container, description, options = {}) {
  const context = { today: new Date().toISOString().slice(0, 10), ...options.context };
  const settings = {
    language: options.language ?? document.documentElement.lang ?? "en",
    layout: options.layout ?? "compact",
    context,
    onChange: options.onChange ?? (() => {}),
  };
  const root = make("div", `form form-${settings.layout}`);
  const general = make("p", "field-errors form-general-error", { role: "alert" });
  general.hidden = true;
  root.append(general);
  container.replaceChildren(root);
  const given = startingValues(description.fields, options.values, context);
  const form = createFields(root, description.fields, given, () => ({}), settings, description.sections);
  return {
    values: form.values,
    setErrors(problems) {
      const assigned = assignProblems(problems ?? [], form.paths());
      general.textContent = assigned[""] ?? "";
      general.hidden = !assigned[""];
      form.setErrors(assigned);
      const first = root.querySelector(".field-invalid");
      first?.querySelector("input, select, textarea, button")?.focus();
      first?.scrollIntoView({ block: "center" });
    },
    problems: form.problems,
    focus: () => root.querySelector("input, select, textarea")?.focus(),
    element: (name) => root.querySelector(`[data-field="${CSS.escape(name)}"]`),
  };
}

/** The fields of one level: the form itself, or one row of it. */
function createFields(container, fields, given, outer, settings, sections = []) {
  const entries = new Map();
  // Rows ask for the values around them; those never include rows, or each would ask for the other without end.
  const values = ({ withRows = true } = {}) => {
    const all = {};
    for (const [name, entry] of entries) {
      if (!withRows && ROW_TYPES.has(entry.field.type)) continue;
      const value = entry.control.get();
      if (!isEmpty(value)) all[name] = value;
    }
    for (const [name, entry] of entries) if (!isShown(entry.field, { ...outer(), ...all })) delete all[name];
    return all;
  };
  const refresh = () => {
    const now = values({ withRows: false });
    for (const entry of entries.values()) {
      entry.element.hidden = !isShown(entry.field, { ...outer(), ...now });
      entry.control.refresh?.();
    }
  };
  const form = {
    ...settings,
    fields,
    outer,
    values: () => (entries.size === fields.length ? values({ withRows: false }) : given),
    changed() {
      if (entries.size < fields.length) return;
      refresh();
      settings.onChange();
    },
  };
  const places = sectionPlaces(container, fields, sections, settings.layout === "touch" ? "h2" : "h3");
  for (const field of fields) {
    const control = ROW_TYPES.has(field.type)
      ? createRows(field, form, (into, inner, start, above) => createFields(into, inner, start, above, { ...settings, onChange: form.changed }))
      : createControl(field, form);
    const entry = wrapControl(field, control);
    places(field).append(entry.element);
    entries.set(field.name, entry);
  }
  for (const [name, entry] of entries) if (!isEmpty(given[name])) entry.control.set(given[name]);
  refresh();
  return {
    values: () => values(),
    refresh,
    paths: () => [...entries].flatMap(([name, entry]) => [name, ...(entry.control.paths?.() ?? []).map((path) => `${name}.${path}`)]),
    setErrors(assigned) {
      for (const [name, entry] of entries) {
        entry.showError(assigned[name] ?? "");
        const inner = Object.entries(assigned).filter(([path]) => path.startsWith(`${name}.`));
        entry.control.setErrors?.(Object.fromEntries(inner.map(([path, text]) => [path.slice(name.length + 1), text])));
      }
    },
    /** What the page itself can see before anything is sent: mandatory fields left out, text that is no entry. */
    problems() {
      const now = values();
      const found = [];
      for (const [name, entry] of entries) {
        if (entry.element.hidden) continue;
        const message = entry.control.invalid?.() || (entry.field.required && isEmpty(now[name]) && gettext("Required."));
        if (message) found.push({ field: name, code: "required", message });
      }
      return found;
    },
  };
}

function sectionPlaces(container, fields, sections, heading) {
  if (sections.length < 2) {
    const grid = make("div", "form-grid");
    container.append(grid);
    return () => grid;
  }
  const grids = new Map();
  for (const section of sections) {
    const set = make("section", "form-section");
    set.append(make(heading, "form-section-title", { text: section.label }));
    const grid = make("div", "form-grid");
    set.append(grid);
    container.append(set);
    grids.set(section.name, grid);
  }
  return (field) => grids.get(field.section) ?? grids.values().next().value;
}

function wrapControl(field, control) {
  counter += 1;
  const id = `field-${counter}`;
  const element = make("div", `field${field.wide ? " field-wide" : ""} field-${field.type}`, { "data-field": field.name });
  const label = make(control.grouped ? "div" : "label", "form-label", { id: `${id}-label`, text: field.label });
  if (field.required) label.append(make("span", "required", { "aria-hidden": "true", text: "*" }));
  const help = make("div", "form-hint", { id: `${id}-help`, text: field.help ?? "" });
  const error = make("div", "field-errors", { id: `${id}-error` });
  error.hidden = true;
  const target = control.grouped ? control.element : control.input;
  if (control.grouped) {
    target.setAttribute("aria-labelledby", label.id);
    if (!target.hasAttribute("role")) target.setAttribute("role", "group");
  } else {
    target.id = id;
    label.setAttribute("for", id);
    if (field.required) target.setAttribute("aria-required", "true");
  }
  target.setAttribute("aria-describedby", [field.help && help.id, error.id].filter(Boolean).join(" "));
  element.append(label, control.element);
  if (field.help) element.append(help);
  element.append(error);
  const showError = (text) => {
    error.textContent = text;
    error.hidden = !text;
    element.classList.toggle("field-invalid", Boolean(text));
    if (!control.grouped) target.setAttribute("aria-invalid", String(Boolean(text)));
  };
  // Whoever corrects a field has read what was wrong with it.
  for (const name of ["input", "change"]) element.addEventListener(name, () => !error.hidden && showError(""));
  return { field, control, element, showError };
}
