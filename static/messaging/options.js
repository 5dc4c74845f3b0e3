// The envelope of a message being written: priority, due time, acknowledgement, whom it addresses, TLP and grading.
import { gettext } from "../cencomm/text.js";
import { el } from "./rows.js";

let counter = 0;

/** {element, values()}; `rule` is the kind's row of console-data, `given` an earlier message to start from. */
export function createOptions({ data, labels, rule, answer, given, onChange }) {
  const element = el("div", "composer-options");
  const priority = choice(gettext("Priority"), Object.entries(labels.priorities), given.priority ?? "routine", onChange);
  const to = addressing(data, labels, given.addressed_to, onChange);
  const acknowledge = check(gettext("Wants acknowledgement"), given.acknowledge ?? rule.acknowledge, onChange);
  const due = rule.answered_by ? dueChoice(given.due_at, onChange) : null;
  const handling = choice(gettext("May be passed on"), Object.entries(labels.handlings), given.handling ?? "AMBER", onChange);
  const grade = (label, grades, value) => choice(label, [["", gettext("not graded")], ...Object.entries(grades)], value ?? "", onChange);
  const source = grade(gettext("Source"), labels.sources, given.grading?.source);
  const information = grade(gettext("Information"), labels.information, given.grading?.information);
  if (due) element.append(due.element);
  element.append(priority.element, to.element, handling.element, source.element, information.element, acknowledge.element, ...to.extra);
  // A note or an answer is written in one line; its envelope is one touch away.
  if (rule.code === "note" || answer) {
    const details = el("details", "composer-more");
    details.append(el("summary", "form-hint", gettext("Priority, addressees, handling, acknowledgement")), element);
    return { element: details, folded: true, values };
  }
  return { element, folded: false, values };

  function values() {
    const result = { priority: priority.input.value, acknowledge: acknowledge.input.checked, handling: handling.input.value };
    // A grading says both: the half that is left open cannot be judged.
    if (source.input.value || information.input.value) {
      result.grading = { source: source.input.value || "F", information: information.input.value || "6" };
    }
    const addressed = to.value();
    if (addressed) result.addressed_to = addressed;
    const dueAt = due?.value();
    if (dueAt) result.due_at = dueAt;
    return result;
  }
}

function labelled(label, input) {
  counter += 1;
  input.id = `option-${counter}`;
  const element = el("div");
  element.append(el("label", "", label, { for: input.id }), input);
  return element;
}

function choice(label, options, value, onChange) {
  const input = el("select", "form-select form-select-sm");
  for (const [code, text] of options) input.append(el("option", "", text, { value: code }));
  input.value = value;
  input.addEventListener("change", onChange);
  return { element: labelled(label, input), input };
}

function check(label, value, onChange) {
  const element = el("label", "option-check");
  const input = el("input", "", undefined, { type: "checkbox" });
  input.checked = Boolean(value);
  input.addEventListener("change", onChange);
  element.append(input, label);
  return { element, input };
}

function dueChoice(given, onChange) {
  const hours = [1, 2, 6, 12, 24, 48];
  const options = [["", gettext("no due time")], ...hours.map((n) => [String(n), `${n} h`]), ["at", gettext("at …")]];
  const { element, input } = choice(gettext("Answer due in"), options, given ? "at" : "", onChange);
  const at = el("input", "form-control form-control-sm", undefined, { type: "datetime-local", "aria-label": gettext("Due (UTC)") });
  at.hidden = !given;
  if (given) at.value = given.slice(0, 16);
  input.addEventListener("change", () => (at.hidden = input.value !== "at"));
  element.append(at);
  return {
    element,
    value() {
      if (input.value === "at") return at.value ? `${at.value}:00Z` : null;
      return input.value ? new Date(Date.now() + Number(input.value) * 3600000).toISOString().replace(/\.\d+Z$/, "Z") : null;
    },
  };
}

/** Addressing asks for attention; it hides nothing, and the page says so. */
function addressing(data, labels, given, onChange) {
  const kinds = [["all", gettext("everybody")], ["countries", gettext("countries …")], ["ocu", gettext("coordination unit")]];
  const start = given?.countries?.length ? "countries" : given?.roles?.length ? "ocu" : "all";
  const { element, input } = choice(gettext("Addressed to"), kinds, start, onChange);
  const countries = el("fieldset", "option-wide chips", undefined, { "aria-label": gettext("Countries addressed") });
  for (const country of data.group.countries) {
    const chip = el("label", "chip");
    const box = el("input", "", undefined, { type: "checkbox", value: country.code });
    box.checked = given?.countries?.includes(country.code) ?? false;
    box.addEventListener("change", onChange);
    chip.append(box, `${country.code} ${country.name}`);
    countries.append(chip);
  }
  const note = el("p", "form-hint option-wide", gettext("Addressing asks for attention. Every member of the group reads everything."));
  const show = () => {
    countries.hidden = input.value !== "countries";
    note.hidden = input.value === "all";
  };
  input.addEventListener("change", show);
  show();
  return {
    element,
    extra: [countries, note],
    value() {
      if (input.value === "ocu") return { roles: ["coordinator", "analyst"] };
      const chosen = [...countries.querySelectorAll("input:checked")].map((box) => box.value);
      return input.value === "countries" && chosen.length ? { countries: chosen } : null;
    },
  };
}
