// Words for files: how large they are, what becomes of them, whether they may be attached at all. Pure.
import { format, gettext, labelled } from "../cencomm/text.js";

/** "3.2 MB", in the language of the page. */
export function sizeText(bytes, language = undefined) {
  const [unit, one] = bytes >= 1e6 ? ["megabyte", 1e6] : ["kilobyte", 1e3];
  const maximumFractionDigits = bytes < 1000 || (bytes >= 1e6 && bytes < 1e8) ? 1 : 0;
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits }).format(bytes / one);
}

/** Why a file was refused: the server's sentence, or that of its code. */
export function reasonText({ problem, reason, detail }, reasons = {}) {
  return problem?.detail || problem?.title || detail || reasons[reason] || gettext("The server did not take it.");
}

/** What happens to a file that is being attached, for people. entry: of Uploads; retryAt and now: milliseconds. */
export function uploadText(entry, { online = true, retryAt = null, now = Date.now(), language, reasons } = {}) {
  const size = sizeText(entry.size, language);
  switch (entry.state) {
    case "asking":
      return gettext("being looked up");
    case "keeping":
      return gettext("being kept on this device");
    case "uploading":
      return format(gettext("uploading: %(percent)s of %(size)s"), { percent: percentText(percentOf(entry), language), size });
    case "checking":
      return format(gettext("uploaded, being checked: %(size)s"), { size });
    case "ready":
      return format(gettext("ready: %(size)s"), { size });
    case "refused":
      return labelled(gettext("refused"), reasonText({ problem: entry.problem, reason: entry.told?.reason, detail: entry.told?.detail }, reasons));
    case "lost":
      return gettext("not on this device any more: attach it again");
    default:
  }
  const seconds = retryAt ? Math.ceil((retryAt - now) / 1000) : 0;
  if (!online) return format(gettext("waits for the network: %(size)s"), { size });
  if (seconds > 0) {
    return format(gettext("interrupted at %(percent)s, goes on in %(n)s s"), { percent: percentText(percentOf(entry), language), n: seconds });
  }
  return format(gettext("waits to be uploaded: %(size)s"), { size });
}

/** What a file of a message is, for those who read it; empty when it is ready. */
export function fileText({ state, reason, detail }, reasons = {}) {
  if (state === "ready") return "";
  if (state === "refused") return labelled(gettext("refused"), reasonText({ reason, detail }, reasons));
  return gettext("being checked");
}

/** "42%", as the language writes it. */
export function percentText(percent, language = undefined) {
  return new Intl.NumberFormat(language, { style: "percent" }).format(percent / 100);
}

export function percentOf({ offset, size }) {
  return size ? Math.floor((100 * offset) / size) : 0;
}

/** Why a file is not taken at all; empty when it may be. limits: {accept, largest}. What it really is the server finds. */
export function objectionTo({ name, size, type }, { accept, largest }, language = undefined) {
  if (!size) return format(gettext("%(name)s is empty."), { name });
  if (size > largest) return format(gettext("%(name)s is too large: at most %(size)s."), { name, size: sizeText(largest, language) });
  const ending = name.includes(".") ? `.${name.split(".").at(-1).toLowerCase()}` : "";
  const known = accept.some((one) => one === type || one === ending || (one.endsWith("/*") && type.startsWith(one.slice(0, -1))));
  return known ? "" : format(gettext("%(name)s: files of this type are not taken."), { name });
}

/** A name for a picture from the clipboard, which has none of its own. */
export function pastedName({ name, type }, now = new Date()) {
  if (name && !/^image\.\w+$/.test(name)) return name;
  const at = now.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  return `pasted-${at}.${{ "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif" }[type] ?? "png"}`;
}
