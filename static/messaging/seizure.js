// The seizure page: the group's form in one column, sent at once or when the network returns.
import { format, gettext } from "../cencomm/text.js";
import { renderForm } from "../simplified_forms/form.js";
import { isEmpty, valuesFromWarning } from "../simplified_forms/values.js";
import { postMessage } from "./api.js";
import { showConnection } from "./connection.js";
import { mintId, Outbox } from "./outbox.js";
import { el } from "./rows.js";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("seizure-data").textContent);
const { group, me, form: description } = data;
document.body.dataset.live = "yes";

const keptKey = `cencomm-seizure:${me.id}:${group.id}`;
const lastKey = `cencomm-last:${me.id}`;
const sent = new Map(); // id -> the server's answer

const outbox = new Outbox({
  storage: localStorage,
  owner: me.id,
  locks: navigator.locks ?? null,
  online: () => navigator.onLine,
  deliver: async (groupId, message) => {
    const answer = await postMessage(groupId, message);
    sent.set(message.id, answer);
    return answer;
  },
});

function readStored(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? null;
  } catch {
    return null;
  }
}

function startValues() {
  if (data.corrected) return data.corrected.body;
  return data.warning ? valuesFromWarning(description.fields, data.warning, me.country) : {};
}

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
      last: readStored(lastKey) ?? {},
      messages: () => data.warnings,
    },
    onChange: keep,
  });
}

function keep() {
  localStorage.setItem(keptKey, JSON.stringify({ values: form.values(), warning: data.warning?.id ?? null }));
}

function offerKept() {
  const kept = readStored(keptKey);
  if (!kept || data.corrected || isEmpty(kept.values?.commodity) || kept.warning !== (data.warning?.id ?? null)) return;
  $("kept").hidden = false;
  $("kept-use").addEventListener("click", () => {
    form = draw(kept.values);
    $("kept").hidden = true;
  });
}

/** What this officer's next report starts with. */
function rememberLast(values) {
  const last = readStored(lastKey) ?? {};
  for (const field of description.fields) {
    if (field.default === "last" && !isEmpty(values[field.name])) last[field.name] = values[field.name];
  }
  localStorage.setItem(lastKey, JSON.stringify(last));
}

async function submit(event) {
  event.preventDefault();
  const problems = form.problems();
  if (problems.length) {
    form.setErrors(problems);
    return;
  }
  form.setErrors([]);
  const body = form.values();
  minted = mintId();
  const message = { id: minted, kind: "seizure", language: me.language, body };
  if (description.template) message.template = description.template;
  const meant = edited ? edited.message : { in_reply_to: data.warning?.id ?? data.corrected?.in_reply_to, supersedes: data.corrected?.id };
  const warning = body.warning ?? meant.in_reply_to;
  if (warning) message.in_reply_to = warning;
  if (meant.supersedes) message.supersedes = meant.supersedes;
  rememberLast(body);
  $("seizure-submit").disabled = true;
  try {
    const sending = outbox.send(group.id, message, { instead: edited?.id }); // a full storage throws: the form still stands
    edited = null;
    await sending;
  } finally {
    $("seizure-submit").disabled = false;
  }
  settle();
}

/** After sending: confirmed, waiting for the network, or refused with the reasons at the fields. */
function settle() {
  const entry = outbox.entries(group.id).find((candidate) => candidate.id === minted);
  if (entry?.state === "failed") {
    edited = entry;
    outbox.keep(entry.group, entry.message);
    showProblem(entry.problem);
    return;
  }
  localStorage.removeItem(keptKey);
  showDone(entry ? null : sent.get(minted));
}

function showProblem(problem) {
  if (problem) form.setErrors(problem.errors?.length ? problem.errors : [{ field: "", message: problem.detail || problem.title }]);
}

/** Takes an entry of the outbox into the form. It stays there as a draft: whoever goes away now loses nothing. */
function edit(entry) {
  outbox.keep(entry.group, entry.message);
  edited = entry;
  form = draw(entry.message.body);
  showProblem(entry.problem);
  showState();
}

function showDone(answer) {
  $("seizure-form").hidden = true;
  $("from-warning")?.setAttribute("hidden", "");
  $("done-title").textContent = answer ? format(gettext("Sent as %(reference)s"), { reference: answer.reference }) : gettext("Kept: it will be sent when the network returns");
  $("done-text").textContent = answer
    ? gettext("Everybody in the group sees it now.")
    : gettext("It lies in this device's outbox. Leave this page open or come back to it; it is sent once, whatever happens.");
  $("seizure-done").hidden = false;
  $("seizure-done").focus();
}

function showState() {
  showConnection(navigator.onLine ? "online" : "offline", outbox.count());
  $("seizure-submit").textContent = navigator.onLine ? gettext("Send") : gettext("Send when the network returns");
  const entries = outbox.entries(group.id).filter((entry) => entry.message.kind === "seizure" && ![minted, edited?.id].includes(entry.id));
  $("waiting-list").replaceChildren(...entries.map(waitingEntry));
  if (!$("seizure-done").hidden && sent.has(minted)) showDone(sent.get(minted));
}

function waitingEntry(entry) {
  const line = el("div", "waiting-entry", undefined, { "data-state": entry.state });
  const reason = entry.problem?.detail || entry.problem?.title;
  const words = { waiting: gettext("A report waits for the network."), sending: gettext("A report is being sent."),
    failed: gettext("A report was refused."), draft: gettext("A draft.") };
  line.append(el("span", "", `${words[entry.state]} ${reason ?? ""}`));
  const open = el("button", "btn btn-sm", gettext("Edit"), { type: "button" });
  open.addEventListener("click", () => edit(entry));
  const discard = el("button", "btn btn-sm", gettext("Discard"), { type: "button" });
  discard.addEventListener("click", () => outbox.discard(entry.id));
  // What is on its way may have arrived: another report made of it would be a second one.
  if (entry.state === "failed" || entry.state === "draft") line.append(open);
  line.append(discard);
  return line;
}

$("seizure-form").addEventListener("submit", submit);
$("done-again").addEventListener("click", () => localStorage.removeItem(keptKey));
outbox.onChange(showState);
for (const name of ["online", "offline", "storage"]) addEventListener(name, showState);
addEventListener("online", () => outbox.flush());
offerKept();
showState();
const asked = outbox.entries(group.id).find((entry) => entry.id === new URLSearchParams(location.search).get("draft"));
if (asked?.message.kind === "seizure") edit(asked);
outbox.flush();
