// Where the files of a message stand, together: whether it may go, and how far they are. Pure.
import { gettext, labelled } from "../cencomm/text.js";
import { reasonText } from "./attach_words.js";

/** States of a file that has arrived whole. */
export const WITH_SERVER = ["checking", "ready"];

/** May a message with these files go? "": yes; "wait": not yet; else the problem of the file that hinders it. */
export function verdictOf(entries, reasons = {}) {
  for (const entry of entries) {
    if (entry.state === "refused") return hindered(entry, reasonText({ ...entry, reason: entry.told?.reason, detail: entry.told?.detail }, reasons));
    if (entry.state === "lost") return hindered(entry, gettext("not on this device any more: attach it again"));
  }
  return entries.every(({ state }) => WITH_SERVER.includes(state)) ? "" : "wait";
}

const hindered = ({ name }, why) => ({ code: "attachment", title: labelled(name || gettext("A file"), why) });

/** {total, done, percent} of `total` files, of which these are here; null when none is to be uploaded any more. */
export function standingOf(entries, total) {
  const left = entries.filter(({ state }) => !WITH_SERVER.includes(state));
  if (!left.length) return null;
  const sum = (name) => entries.reduce((all, entry) => all + entry[name], 0);
  return { total, done: total - left.length, percent: sum("size") ? Math.floor((100 * sum("offset")) / sum("size")) : 0 };
}
