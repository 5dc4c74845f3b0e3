// The rows of the stream as elements. No fetching and no order here: a row is drawn from one message.
import { format, gettext, ngettext } from "../cencomm/text.js";
import { rowFiles } from "./attach_view.js";
import { dayName, dayOf, dueState, shortDay, timeOf } from "./time.js";

export function el(tag, className = "", text = undefined, attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== null) element.setAttribute(name, value);
  return element;
}

export function kindTag(kind, labels) {
  return el("span", `kind kind-${kind}`, labels.kinds[kind] ?? kind);
}

/** Whom a message addresses, short: "all", "GH, TG", "coordination unit". */
export function addressText(addressed, labels) {
  if (!addressed || addressed.all) return "";
  const parts = [...(addressed.countries ?? []), ...(addressed.roles ?? []).map((role) => labels.roles[role] ?? role)];
  if (addressed.officers?.length) {
    parts.push(format(ngettext("%(n)s officer", "%(n)s officers", addressed.officers.length), { n: addressed.officers.length }));
  }
  return parts.join(", ");
}

/** entry: {message, depth, day?, unread?}; answers an article. */
export function messageRow({ message, depth, day, unread }, { labels, language, selected, now }) {
  const row = el("article", "row-line", undefined, {
    id: `row-${message.id}`,
    "data-id": message.id,
    "data-depth": depth,
    tabindex: selected ? "0" : "-1",
    "aria-current": selected ? "true" : undefined,
    "aria-labelledby": `subject-${message.id}`,
  });
  if (day) row.dataset.day = dayName(message.sent_at, language);
  if (unread) row.dataset.unread = unread;
  if (["warning", "seizure", "bulletin"].includes(message.kind) || message.priority !== "routine") row.dataset.strong = "";
  if (message.withdrawn) row.dataset.gone = "";
  row.append(timeCell(message.sent_at, language, now));
  row.append(kindTag(message.kind, labels));
  row.append(rowBody(message, labels));
  row.append(acknowledgementText(message));
  row.append(dueText(message, labels, now));
  return row;
}

/** The time of today; of another day its date below. */
function timeCell(instant, language, now) {
  const cell = el("time", "row-time", timeOf(instant), { datetime: instant, title: `${instant.slice(0, 16).replace("T", " ")} UTC` });
  if (dayOf(instant) !== dayOf(now)) cell.append(" ", el("span", "row-date", shortDay(instant, language)));
  return cell;
}

function rowBody(message, labels) {
  const body = el("div", "row-body");
  const subject = el("div", "row-subject", undefined, { id: `subject-${message.id}`, dir: "auto", lang: message.language });
  if (message.priority !== "routine") subject.append(el("span", "row-priority", `${labels.priorities[message.priority]} `));
  subject.append(message.subject || message.body?.text || message.reference);
  const meta = el("div", "row-meta");
  meta.append(el("span", "country-tag", message.country));
  const to = addressText(message.addressed_to, labels);
  const parts = [message.reference, message.sender.name + (to ? ` → ${to}` : "")];
  if (message.exercise) parts.push(gettext("EXERCISE"));
  if (message.hit) parts.push(gettext("from a warning"));
  if (message.supersedes) parts.push(gettext("correction"));
  meta.append(parts.join(" · "));
  body.append(subject, meta);
  const files = rowFiles(message, labels);
  if (files) body.append(files);
  return body;
}

function acknowledgementText(message) {
  const { done, wanted, mine } = message.acks;
  if (!wanted) return el("span", "row-side row-ack muted", "");
  const open = wanted > done;
  const text = format(gettext("%(done)s/%(wanted)s ack"), { done, wanted });
  return el("span", `row-side row-ack${open && !mine && message.forUs ? " overdue" : ""}`, text, {
    title: format(gettext("Acknowledged by %(done)s of %(wanted)s countries"), { done, wanted }),
  });
}

function dueText(message, labels, now) {
  const due = dueState(message, now);
  if (due.state !== "none") {
    const className = { overdue: "overdue", soon: "due-soon" }[due.state] ?? "muted";
    return el("span", `row-side row-due ${className}`, due.text, { "data-due": message.id });
  }
  if (message.kind === "seizure" || message.withdrawn) {
    const { shown } = message;
    return el("span", `row-side row-due status status-${shown}`, labels.statusesShort[shown] ?? labels.statuses[shown] ?? shown);
  }
  return el("span", "row-side row-due muted", message.language === labels.language ? "" : message.language);
}

export function foldRow(root, hidden, unfold) {
  const row = el("article", "row-fold", undefined, { id: `fold-${root.id}` });
  const button = el("button", "", format(ngettext("%(n)s earlier answer", "%(n)s earlier answers", hidden), { n: hidden }), { type: "button" });
  button.addEventListener("click", unfold);
  row.append(button);
  return row;
}
