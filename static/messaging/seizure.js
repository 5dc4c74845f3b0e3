// The seizure page: the group's form in one column, sent at once or when the network returns.
import { format, gettext, labelled } from "../cencomm/text.js";
import { renderForm } from "../simplified_forms/form.js";
import { isEmpty, valuesFromWarning } from "../simplified_forms/values.js";
import { lookAt } from "./attach_client.js";
import { Tray } from "./attach_tray.js";
import { showConnection, toast } from "./connection.js";
import { Drafts } from "./drafts.js";
import { openKept } from "./kept.js";
import { mintId } from "./outbox.js";
import { pendingActs, pendingText, reasonsOf } from "./pending.js";
import { el } from "./rows.js";
import { Screening } from "./screening.js";
import { makeOutbox, makeUploads, startUploads } from "./sending.js";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("seizure-data").textContent);
const { group, me, form: description } = data;
document.body.dataset.live = "yes";

const LAST = "last";
const ENVELOPE = ["priority", "handling", "grading", "addressed_to", "acknowledge", "in_reply_to", "supersedes"];
const sent = new Map(); // id -> the server's answer

const kept = await openKept(me.id, me.key);
const locks = navigator.locks ?? null;
const drafts = new Drafts({ kept, place: `${group.id}/seizure`, locks });
const uploads = makeUploads({ kept, locks, reasons: data.labels.attachmentReasons });
const outbox = makeOutbox({
  kept,
  locks,
  uploads,
  onSent: (message, answer) => {
    sent.set(message.id, answer);
    return answer;
  },
});
const [last, left] = await Promise.all([kept.get(LAST), drafts.claim(), outbox.refresh(), uploads.refresh()]);
await drafts.begin(); // what was left is offered, and overwritten by nothing

function startValues() {
  if (data.corrected) return data.corrected.body;
  return data.warning ? valuesFromWarning(description.fields, data.warning, me.country) : {};
}

const tray = new Tray({
  uploads,
  look: lookAt,
  group: group.id,
  limits: data.attachments,
  reasons: data.labels.attachmentReasons,
  language: me.language,
  zone: $("seizure-files"),
  open: () => !$("seizure-form").hidden,
  lent: (id) => outbox.speaksOf(id),
  onChange: () => keep(),
  onError: (text) => toast(text, { alert: true }),
});
$("seizure-files").append(tray.buttons, tray.element);
// A correction keeps the files of what it corrects, but for those that did not pass.
tray.take(data.corrected?.attachments.filter(({ state }) => state !== "refused").map(({ id }) => id));
const screening = new Screening({
  group: group.id,
  current: () => ({ message: { kind: "seizure", body: form.values() }, files: tray.described() }),
  places: () => [$("seizure-fields"), tray.element],
  labelOf: fieldLabel,
  onChange: () => keep(),
});
$("seizure-form").querySelector(".seizure-send").before(screening.element);
let form = draw(startValues());
let minted = null;
let edited = null; // the entry of the outbox that is in the form; it leaves the outbox when its successor is in it

function draw(values) {
  return renderForm($("seizure-fields"), description, {
    values,
    language: me.language,
    layout: "touch",
    context: {
      today: data.today,
      country: me.country,
      countries: group.countries.map(({ code, name }) => ({ code, label: name })),
      last: last ?? {},
      messages: () => data.warnings,
    },
    onChange: keep,
  });
}

/** What a field is called, of which something is asked. */
function fieldLabel(name, path) {
  if (name === "files") return path.endsWith(".caption") ? gettext("Caption of a file") : gettext("Name of a file");
  return description.fields.find((field) => field.name === name)?.label ?? "";
}

function keep() {
  screening.soon();
  const values = form.values();
  const attachments = tray.ids();
  const begun = !isEmpty(values.commodity) || edited || attachments.length;
  drafts.save(begun ? { values, attachments, warning: data.warning?.id ?? null } : null).catch(() => toast(gettext("This browser cannot keep what you write: send it before you leave."), { alert: true }));
}

/** What an earlier page has left and was for the same occasion. */
function offerKept() {
  const begun = (value) => !isEmpty(value.values?.commodity) || value.attachments?.length;
  const found = left.find(({ value }) => begun(value) && value.warning === (data.warning?.id ?? null));
  if (!found || data.corrected) return;
  $("kept").hidden = false;
  $("kept-use").addEventListener("click", async () => {
    form = draw(found.value.values);
    tray.take([...(found.value.attachments ?? []), ...tray.ids()]);
    $("kept").hidden = true;
    await drafts.save(null);
    drafts.id = found.id;
    keep();
  });
}

/** What this officer's next report starts with. */
function lastOf(values) {
  const now = { ...last };
  for (const field of description.fields) {
    if (field.default === "last" && !isEmpty(values[field.name])) now[field.name] = values[field.name];
  }
  return now;
}

async function submit(event) {
  event.preventDefault();
  const problems = form.problems();
  if (problems.length) {
    form.setErrors(problems);
    return;
  }
  form.setErrors([]);
  const meant = envelope();
  $("seizure-submit").disabled = true;
  // A report that came of an urgent warning is as urgent.
  const free = await screening.mayGo(meant.priority ?? data.warning?.envelope.priority);
  $("seizure-submit").disabled = false;
  if (!free) return;
  const body = form.values();
  minted = mintId();
  const message = { id: minted, kind: "seizure", language: me.language, body, ...meant };
  if (description.template) message.template = description.template;
  if (body.warning) message.in_reply_to = body.warning;
  $("seizure-submit").disabled = true;
  $("seizure-form").inert = true; // it has been looked at as it stands
  try {
    await tray.settle();
    if (tray.ids().length) message.attachments = tray.ids();
    if (screening.confirmed().length) message.confirmed = screening.confirmed();
    await drafts.settle();
    await outbox.send(group.id, message, { instead: edited?.id, without: [drafts.name], alongside: { [LAST]: lastOf(body) } });
    edited = null;
    await outbox.sent;
    $("seizure-form").inert = false;
    await settle();
  } catch {
    toast(gettext("This browser could not keep the message, so it was not sent. What you have written is still here."), { alert: true });
  } finally {
    $("seizure-submit").disabled = false;
    $("seizure-form").inert = false;
  }
}

/** What is said beside the form: of the entry that is edited, or of the report that is corrected. */
function envelope() {
  const corrected = data.corrected ? { ...data.corrected.envelope, supersedes: data.corrected.id } : {};
  const meant = edited?.message ?? { ...corrected, ...(data.warning ? { in_reply_to: data.warning.id } : {}) };
  return Object.fromEntries(ENVELOPE.filter((name) => !isEmpty(meant[name])).map((name) => [name, meant[name]]));
}

/** After sending: confirmed, waiting for the network, or refused with the reasons at the fields. */
async function settle() {
  const entry = outbox.get(minted);
  if (entry?.state === "failed" && pendingActs(entry).includes("edit")) {
    edited = entry;
    await outbox.keep(entry.group, entry.message);
    showProblem(entry.problem);
    return;
  }
  showDone();
}

function showProblem(problem) {
  if (problem) form.setErrors(problem.errors?.length ? problem.errors : [{ field: "", message: problem.detail || problem.title }]);
}

/** Takes an entry of the outbox into the form. It stays there as a draft: whoever goes away now loses nothing. */
async function edit(entry) {
  await outbox.keep(entry.group, entry.message);
  edited = entry;
  form = draw(entry.message.body);
  tray.take(entry.message.attachments);
  screening.recall(entry.message.confirmed);
  showProblem(entry.problem);
  showState();
}

function showDone() {
  tray.take();
  const answer = sent.get(minted);
  const waits = outbox.get(minted);
  let title = answer?.reference ? format(gettext("Sent as %(reference)s"), { reference: answer.reference }) : gettext("Sent");
  const files = waits && uploads.standing(waits.message.attachments ?? []);
  if (waits) title = waits.state === "failed" ? gettext("Not sent") : gettext("Kept: it will be sent when the server answers");
  if (files && waits.state === "waiting") title = gettext("Kept: it is sent when its files are uploaded");
  $("seizure-form").hidden = true;
  $("from-warning")?.setAttribute("hidden", "");
  $("done-title").textContent = title;
  $("done-text").textContent = waits
    ? gettext("It lies in this device's outbox. Leave this page open or come back to it; it is sent once, whatever happens.")
    : gettext("Everybody in the group sees it now.");
  const shown = !$("seizure-done").hidden;
  $("seizure-done").hidden = false;
  if (!shown) $("seizure-done").focus();
}

function showState() {
  const retryAt = outbox.retryAt ?? uploads.retryAt; // the server did not answer
  const state = retryAt ? "waiting" : "online";
  showConnection({ state: navigator.onLine ? state : "offline", retryAt, drafts: outbox.count(), refused: outbox.refused() });
  $("seizure-submit").textContent = navigator.onLine ? gettext("Send") : gettext("Send when the network returns");
  const entries = outbox.entries(group.id).filter((entry) => entry.message?.kind === "seizure" && entry.id !== edited?.id);
  const waiting = entries.filter((entry) => entry.id !== minted || !$("seizure-done").hidden);
  $("waiting-list").replaceChildren(...waiting.map(waitingEntry));
  if (!$("seizure-done").hidden) showDone();
}

/** A report that is not with the server: what became of it, the reasons, what can be done. */
function waitingEntry(entry) {
  const line = el("div", "waiting-entry", undefined, { "data-state": entry.state, "data-pending": entry.id });
  const words = el("div", "waiting-words");
  words.append(el("strong", "", entry.message.subject || gettext("A report")), " ");
  words.append(el("span", "", pendingText(entry, { online: navigator.onLine, retryAt: outbox.retryAt, files: uploads.standing(entry.message?.attachments ?? []) })));
  const reasons = entry.state === "failed" ? reasonsOf(entry.problem, description) : [];
  if (reasons.length) {
    const list = el("ul", "pending-reasons");
    for (const { label, message } of reasons) list.append(el("li", "", label ? labelled(label, message) : message));
    words.append(list);
  }
  line.append(words);
  const labels = { again: gettext("Try again"), send: gettext("Send"), edit: gettext("Edit"), discard: gettext("Discard") };
  const again = () => {
    uploads.retry(entry.message?.attachments ?? []);
    return outbox.retry(entry.id);
  };
  const acts = { again, send: again, edit: () => edit(entry), discard: () => outbox.discard(entry.id) };
  for (const name of pendingActs(entry)) {
    const button = el("button", "btn btn-sm", labels[name], { type: "button", "data-act": name });
    button.addEventListener("click", acts[name]);
    line.append(button);
  }
  return line;
}

$("seizure-form").addEventListener("submit", submit);
$("done-again").addEventListener("click", () => drafts.save(null));
outbox.onChange(showState);
uploads.onChange(() => outbox.count() && showState());
for (const name of ["online", "offline"]) addEventListener(name, showState);
addEventListener("online", () => outbox.hurry());
setInterval(() => (outbox.retryAt ?? uploads.retryAt) && showState(), 1000);
offerKept();
showState();
if (!kept.lasting) toast(gettext("This browser keeps nothing: what is not sent is lost when the page is closed."), { alert: true });
const asked = outbox.get(new URLSearchParams(location.search).get("draft"));
if (asked?.message?.kind === "seizure") await edit(asked);
document.body.dataset.ready = "yes";
outbox.flush();
startUploads({ kept, uploads });
