// What is not with the server yet, as rows below the stream: what became of it, in words, and what can be done.
import { format, gettext, labelled } from "../cencomm/text.js";
import { percentText } from "./attach_words.js";
import { el, kindTag } from "./rows.js";

/**
 * What happened to an entry, for people. retryAt: when the outbox tries again; now: milliseconds; files: how far its files
 * are (Uploads.standing), null when they have arrived. Pure.
 */
export function pendingText(entry, { online = true, retryAt = null, now = Date.now(), files = null } = {}) {
  const { state, problem, unsure } = entry;
  if (state === "lost") return gettext("This was written here and cannot be opened any more.");
  if (state === "sending") return gettext("sending");
  if (state === "draft") return gettext("draft");
  const reason = problem?.detail || problem?.title || "";
  if (state === "failed") {
    const text = reason ? labelled(gettext("not sent"), reason) : gettext("not sent");
    return unsure ? `${text} ${gettext("It may have arrived all the same: sending it again doubles nothing.")}` : text;
  }
  if (files && state === "waiting" && online) return filesText(files);
  const seconds = retryAt ? Math.ceil((retryAt - now) / 1000) : 0;
  const next = seconds > 0 ? ` ${format(gettext("Next try in %(n)s s."), { n: seconds })}` : "";
  if (problem?.status === 401 || problem?.code === "csrf") return gettext("You are signed out: it is sent when you have signed in again.");
  if (problem?.status) return `${labelled(gettext("not sent yet"), reason)}${next}`;
  if (!online) return gettext("waits for the network");
  if (problem) return `${gettext("The server does not answer.")}${next}`;
  return unsure ? gettext("It was sent and not answered: it is sent again, and arrives once.") : gettext("waits to be sent");
}

function filesText({ total, done, percent }) {
  const far = format(gettext("%(percent)s uploaded"), { percent: percentText(percent, globalThis.document?.documentElement.lang) });
  if (total === 1) return format(gettext("waits for its file: %(far)s"), { far });
  return format(gettext("waits for its files: %(done)s of %(total)s, %(far)s"), { done, total, far });
}

/** What can be done: what may have arrived is not edited, that would make two of it. Pure. */
export function pendingActs({ state, unsure }) {
  if (state === "sending") return [];
  if (state === "lost") return ["discard"];
  if (state === "draft") return ["edit", "send", "discard"];
  return unsure ? ["again", "discard"] : ["again", "edit", "discard"];
}

/** The reasons of a refusal, each with the name of its field where the form is at hand: [{label, message}]. Pure. */
export function reasonsOf(problem, description) {
  const labels = new Map((description?.fields ?? []).map((field) => [field.name, field.label]));
  return (problem?.errors ?? []).map(({ field, message }) => ({
    label: labels.get(String(field).replace(/^body\./, "").split(".")[0]) ?? "",
    message,
  }));
}

/** settings: {labels, forms, online, retryAt, files, acts: {again, edit, send, discard}} */
export function pendingRow(entry, { labels, forms, online, retryAt, files, acts }) {
  const row = el("div", "pending-row", undefined, { "data-state": entry.state, "data-pending": entry.id });
  const { message } = entry;
  const body = el("div", "row-body");
  if (message) {
    const text = message.subject || message.body?.text || message.body?.question || labels.kinds[message.kind];
    body.append(el("div", "row-subject", text, { dir: "auto" }));
    row.append(kindTag(message.kind, labels));
  } else row.append(el("span"));
  body.append(el("div", "pending-state", pendingText(entry, { online, retryAt, files }), { "data-pending-state": "" }));
  const reasons = entry.state === "failed" ? reasonsOf(entry.problem, forms[message?.kind]) : [];
  if (reasons.length) {
    const list = el("ul", "pending-reasons");
    for (const { label, message: told } of reasons) list.append(el("li", "", label ? labelled(label, told) : told));
    body.append(list);
  }
  row.append(body, actButtons(entry, acts));
  return row;
}

function actButtons(entry, acts) {
  const words = { again: gettext("Try again"), send: gettext("Send"), edit: gettext("Edit"), discard: gettext("Discard") };
  const side = el("span", "pending-actions");
  for (const name of pendingActs(entry)) {
    const button = el("button", "btn btn-sm", words[name], { type: "button", "data-act": name });
    button.addEventListener("click", () => acts[name](entry));
    side.append(button);
  }
  return side;
}
