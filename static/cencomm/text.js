// Translated text. The catalogue of Django defines the global functions; without it (tests) English stands.

export function gettext(text) {
  return globalThis.gettext ? globalThis.gettext(text) : text;
}

export function ngettext(one, many, count) {
  if (globalThis.ngettext) return globalThis.ngettext(one, many, count);
  return count === 1 ? one : many;
}

export function pgettext(context, text) {
  return globalThis.pgettext ? globalThis.pgettext(context, text) : text;
}

/** "Tramadol: 12", with the space before the colon where the language wants one. */
export function labelled(name, text) {
  return format(gettext("%(name)s: %(text)s"), { name, text: String(text) });
}

/** "%(count)s new" with {count: 3}; unknown names stay as they are. */
export function format(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
