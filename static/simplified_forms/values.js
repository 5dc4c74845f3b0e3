// Values of a form: defaults, what fits what, what is sent. Pure: no page, no network; tested by node.
// The shape of a form and of each value is in simplified_forms/shapes.py.

export function isEmpty(value) {
  if (value === null || value === undefined || value === "") return true;
  if (Array.isArray(value)) return value.every(isEmpty);
  if (typeof value === "object") return Object.values(value).every(isEmpty);
  return false;
}

/** The value that a default stands for. `context`: {today, now, country, last: {field: value}}. */
export function resolveDefault(field, context) {
  switch (field.default) {
    case "today":
      return context.today ?? new Date().toISOString().slice(0, 10);
    case "now":
      return nowFor(field.type, context.now ?? new Date());
    case "my_country":
      return field.type === "countries" ? [context.country].filter(Boolean) : (context.country ?? null);
    case "last":
      return context.last?.[field.name] ?? null;
    default:
      return field.default ?? null;
  }
}

function nowFor(type, now) {
  const text = now.toISOString();
  if (type === "time") return text.slice(11, 16);
  if (type === "date") return text.slice(0, 10);
  return `${text.slice(0, 16)}Z`;
}

/** What a new form starts with: given values first, then defaults. */
export function startingValues(fields, given, context) {
  const values = {};
  for (const field of fields) {
    const value = isEmpty(given?.[field.name]) ? resolveDefault(field, context) : given[field.name];
    if (!isEmpty(value)) values[field.name] = value;
  }
  return values;
}

/** Whether a field is asked, given the other values of its form. */
export function isShown(field, values) {
  if (!field.show_when) return true;
  const value = values[field.show_when.field];
  const present = Array.isArray(value) ? value : [value];
  return present.some((code) => field.show_when.codes.includes(code));
}

/** The choices of a field that fit, for example the concealments that the conveyance allows. */
export function fittingOptions(field, values, outer = {}) {
  const options = field.options ?? [];
  if (!field.fits_field) return options;
  const against = values[field.fits_field] ?? outer[field.fits_field];
  if (isEmpty(against)) return options;
  const present = Array.isArray(against) ? against : [against];
  return options.filter((option) => !option.fits?.length || option.fits.some((code) => present.includes(code)));
}

/** The units of a quantity that the chosen commodity allows, the usual one first. */
export function fittingUnits(field, values, fields) {
  const units = field.units ?? [];
  const source = fields.find((other) => other.name === field.units_field);
  const chosen = source && values[source.name];
  const allowed = chosen && source.options?.find((option) => option.code === chosen)?.units;
  if (!allowed?.length) return units;
  const byCode = new Map(units.map((unit) => [unit.code, unit]));
  const fitting = allowed.map((code) => byCode.get(code)).filter(Boolean);
  return fitting.length ? fitting : units;
}

/** "1 240 000", "1,240,000" or "12,5" as a decimal string; what cannot be read is left for the server to refuse. */
export function readNumber(text, language = "en") {
  let digits = String(text).trim().replace(/[\s\u00a0\u202f'’]/g, "");
  if (digits === "") return null;
  const commas = (digits.match(/,/g) ?? []).length;
  const dots = (digits.match(/\./g) ?? []).length;
  if (commas && dots) {
    const decimal = digits.lastIndexOf(",") > digits.lastIndexOf(".") ? "," : ".";
    digits = digits.replaceAll(decimal === "," ? "." : ",", "").replace(",", ".");
  } else if (commas === 1) {
    const grouped = /^-?\d{1,3},\d{3}$/.test(digits) && language.startsWith("en");
    digits = grouped ? digits.replace(",", "") : digits.replace(",", ".");
  } else if (commas > 1) {
    digits = digits.replaceAll(",", "");
  } else if (dots > 1) {
    digits = digits.replaceAll(".", "");
  }
  return digits;
}

/** A decimal string as people read it, "1 240 000.5" in the language's own way; others come back as they are. */
export function showNumber(value, language = "en") {
  if (!/^-?\d+(\.\d+)?$/.test(String(value))) return String(value ?? "");
  const fraction = String(value).split(".")[1]?.length ?? 0;
  return new Intl.NumberFormat(language, { minimumFractionDigits: fraction, maximumFractionDigits: 20 }).format(value);
}

/** Folds case and accents, so that "cote d'ivoire" finds "Côte d’Ivoire". */
export function fold(text) {
  return String(text).normalize("NFD").replace(/\p{M}/gu, "").replace(/[’`]/g, "'").toLowerCase();
}

/** Options whose label, group or code holds every word of the query; those that begin with it come first. */
export function matchOptions(options, query, limit = 40) {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (!words.length) return options.slice(0, limit);
  const ranked = [];
  for (const option of options) {
    const label = fold(option.label);
    const text = `${label} ${fold(option.group_label ?? "")} ${fold(option.code)} ${fold(option.detail ?? "")}`;
    if (words.every((word) => text.includes(word))) {
      const rank = fold(option.code) === words[0] ? 0 : label.startsWith(words[0]) ? 1 : label.includes(words[0]) ? 2 : 3;
      ranked.push([rank, ranked.length, option]);
    }
  }
  ranked.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return ranked.slice(0, limit).map((entry) => entry[2]);
}

/** What a seizure takes over from the warning that led to it: the fields that both forms have, and the link. */
export function valuesFromWarning(fields, warning, country = null) {
  const names = new Set(fields.map((field) => field.name));
  const taken = {};
  for (const name of ["conveyance", "commodity", "description", "hs", "departure_country", "transit_countries",
    "destination_country", "container", "imo_number", "voyage", "vin", "air_waybill", "postal_item",
    "document_type", "document_number", "traffic"]) {
    if (names.has(name) && !isEmpty(warning.body?.[name])) taken[name] = warning.body[name];
  }
  const place = warning.body?.destination_place;
  // The place of arrival is where it was seized only for those who work in that country.
  const elsewhere = country && warning.body?.destination_country && warning.body.destination_country !== country;
  if (names.has("place") && !isEmpty(place) && !elsewhere) taken.place = place;
  if (names.has("warning")) taken.warning = warning.id;
  const selection = fields.find((field) => field.name === "selection");
  if (selection?.options?.some((option) => option.code === "GRP")) taken.selection = ["GRP"];
  return taken;
}

/** Problems sorted to the controls that can show them: path -> message; what has no control is under "". */
export function assignProblems(problems, paths) {
  const known = [...paths].sort((a, b) => b.length - a.length);
  const assigned = {};
  for (const problem of problems) {
    const field = String(problem.field ?? "").replace(/^body\./, "");
    const path = known.find((candidate) => field === candidate || field.startsWith(`${candidate}.`)) ?? "";
    const text = path ? problem.message : [field, problem.message].filter(Boolean).join(": ");
    assigned[path] = assigned[path] ? `${assigned[path]} ${text}` : text;
  }
  return assigned;
}
