// The console: puts stream, record, composer, outbox and live connection together. Each part is in its own module.
import { format, gettext } from "../cencomm/text.js";
import { lookAt } from "./attach_client.js";
import { Gallery } from "./attach_gallery.js";
import { isPicture } from "./attach_view.js";
import { Tray } from "./attach_tray.js";
import { call, fetchMessage, fetchMessages, problemText } from "./api.js";
import { startBoard } from "./board.js";
import { Composer } from "./composer.js";
import { showConnection, toast } from "./connection.js";
import { Drafts } from "./drafts.js";
import { startGoing } from "./going.js";
import { History } from "./history.js";
import { openKept } from "./kept.js";
import { startKeyboard } from "./keyboard.js";
import { Live, socketUrl } from "./live.js";
import { fromServer } from "./model.js";
import { pendingRow } from "./pending.js";
import { Record } from "./record.js";
import { startScreens } from "./screens.js";
import { makeOutbox, makeUploads, startUploads } from "./sending.js";
import { sitrepFigures } from "./sitrep.js";
import { GroupState } from "./state.js";
import { Stream } from "./stream.js";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("console-data").textContent);
const { group, me, labels } = data;
document.body.dataset.live = "yes";

// The page was made at this position; what came before is fetched, what comes after is told.
const live = new Live({ group: group.id, url: socketUrl(), epoch: group.epoch, after: group.head });
const kept = await openKept(me.id, me.key);
const locks = navigator.locks ?? null;
const uploads = makeUploads({ kept, locks, live, reasons: labels.attachmentReasons });
const outbox = makeOutbox({ kept, locks, uploads, group: group.id, live });
const gallery = new Gallery();

const state = new GroupState({ group, me });
const { everything } = state;
const screens = startScreens($("content"));
const stream = new Stream(
  { scroller: $("stream"), rows: $("rows"), top: $("stream-top"), pill: $("new-pill") },
  { labels, language: me.language, lastSeen: me.last_seen, me: me.id },
);
const history = new History({
  state,
  fetchPage: (parameters) => fetchMessages(group.id, parameters),
  head: () => live.cursor.after ?? 0,
  reading: () => !stream.following,
  onChange: (feed, { loading }) => feed === state.current && (loading ? stream.showTop() : stream.update()),
  onError: (failure) => failure.problem?.status !== 0 && toast(problemText(failure.problem), { alert: true }),
});
const record = new Record({
  element: $("record"),
  url: (id) => data.urls.record.replace(data.urls.placeholder, id),
  onAct: actOn,
  onError: (text) => toast(text, { alert: true }),
});
const drafts = new Drafts({ kept, place: `${group.id}/console`, locks });
const tray = new Tray({
  uploads,
  look: lookAt,
  group: group.id,
  limits: data.attachments,
  reasons: labels.attachmentReasons,
  language: me.language,
  zone: $("composer"),
  open: () => !$("composer").hidden && !$("composer").inert,
  lent: (id) => outbox.speaksOf(id),
  onChange: () => {
    screens.show("compose"); // on a phone: where a dropped or pasted file is seen
    composer.save();
  },
  onError: (text) => toast(text, { alert: true }),
});
const composer = new Composer({
  element: $("composer"),
  tray,
  data,
  labels,
  drafts,
  context: {
    country: me.country,
    countries: group.countries.map(({ code, name }) => ({ code, label: name })),
    messages: (field) => choicesFor(field),
  },
  send: async (message, instead) => {
    await outbox.send(group.id, message, { instead, without: [drafts.name] });
    screens.show("stream"); // on a phone: where it is seen to wait, and to arrive
  },
  putAside: (message) => outbox.keep(group.id, message),
  onError: (text) => toast(text, { alert: true }),
  find,
  answerable,
  prepare: (kind) => (kind === "sitrep" ? sitrepFigures(group.id) : {}),
  onStart: () => drawPending(), // what is being edited is not shown to wait as well
  openSeizure: (warning) => location.assign(data.urls.seizure + (warning ? `?warning=${warning.id}` : "")),
});
const board = startBoard({ url: data.urls.board, onView: showView, onCountry: (country) => filterBy({ country }) });
let filters = {};

// ---------- messages that are at hand ----------

const others = new Map(); // the last few that were fetched by themselves

function find(id) {
  return everything.get(id) ?? state.current.get(id) ?? others.get(id);
}

function remember(json) {
  others.set(json.id, fromServer(json, me));
  if (others.size > 100) others.delete(others.keys().next().value);
  return others.get(json.id);
}

/** Candidates for fields that name another message: seizures of a feedback, the warning of a seizure. */
function choicesFor(field) {
  const kind = { seizures: "seizure", warning: "warning", feedbacks: "feedback" }[field];
  return everything.ordered().filter((message) => !kind || message.kind === kind).reverse()
    .map((message) => ({ code: message.id, label: `${message.reference} ${message.subject}` }));
}

/** Offers what waits for an answer of this kind: what is at hand at once, older ones when the server has told them. */
async function answerable(kind, offer) {
  offer(everything.ordered().filter((message) => message.kind === kind && !message.answered && !message.withdrawn).reverse());
  const page = await fetchMessages(group.id, { kind, open: true, limit: 100 }).catch(() => ({ messages: [] }));
  offer(page.messages.map(remember));
}

// ---------- what is shown ----------

function showView(name) {
  filters = { ...(data.views[name] ?? {}) };
  $("filter-kind").value = "";
  $("filter-status").value = filters.statuses?.length === 1 ? filters.statuses[0] : "";
  applyFilters(name === "all");
}

function filterBy(changes) {
  filters = { ...filters, ...changes };
  applyFilters(false);
}

function applyFilters(plain) {
  const filter = Object.fromEntries(Object.entries(filters).filter(([, value]) => value && (!Array.isArray(value) || value.length)));
  const empty = plain || !Object.keys(filter).length;
  $("filter-line").hidden = empty || !filter.text;
  $("filter-text").textContent = filter.text ? format(gettext("Messages with “%(text)s”"), { text: filter.text }) : "";
  if (empty) state.show();
  else state.show(filter).filtered = true;
  stream.setFeed(state.current);
  if (!empty || !state.current.atNewest) history.newest();
  screens.show("stream");
}

// ---------- the live stream ----------

let batch = null;

/** Many events may arrive in one turn, for example while catching up: one drawing for all of them. */
function drawSoon() {
  if (batch) return;
  batch = requestAnimationFrame(() => {
    batch = null;
    history.bound();
    stream.update();
  });
}

live.addEventListener("event", ({ detail: { event } }) => {
  stream.freeze();
  const changed = state.apply(event);
  history.saw(event);
  if (event.type === "message") outbox.confirm(event.message.id);
  if (event.type === "settings" && event.fields?.includes("nominal_allowed")) toast(gettext("The coordinator has switched data about persons in this group: reload the page."));
  if (event.type === "phase") toast(gettext("The phase of the operation has changed: reload the page."));
  const shown = record.id && find(record.id);
  if (shown && (changed.includes(shown.id) || event.message === shown.id || event.message?.thread === shown.thread)) record.refresh();
  if (live.isLive()) board.refreshSoon();
  drawSoon();
});
live.addEventListener("caughtup", () => {
  drawSoon();
  board.refreshSoon();
  outbox.hurry();
});
live.addEventListener("restart", ({ detail: { epoch } }) => {
  live.cursor.epoch = epoch;
  for (const feed of state.feeds()) feed.empty();
  live.follow();
  stream.setFeed(state.current);
  history.newest();
});
live.addEventListener("left", () => location.replace("/groups/?left"));
live.addEventListener("refused", () => location.reload()); // the page says why, or is another one by now
live.addEventListener("signedout", async () => {
  await drafts.writing;
  location.reload(); // to the sign-in, and back here
});
live.addEventListener("state", showState);

function showState() {
  showConnection({ state: live.state, retryAt: live.retryAt, since: live.since, drafts: outbox.count(), refused: outbox.refused() });
}

setInterval(() => {
  if (live.state === "waiting") showState();
  if (outbox.retryAt) drawPending();
}, 1000);

// ---------- the outbox ----------

/** The server is asked anew what it has of the files, before the message goes. */
function tryAgain({ id, message }) {
  uploads.retry(message?.attachments ?? []);
  return outbox.retry(id);
}

const acts = {
  again: tryAgain,
  send: tryAgain,
  discard: ({ id }) => outbox.discard(id),
  edit: async (chosen) => {
    // It stays in the outbox, as a draft, until what was made of it is there in its place.
    await outbox.keep(chosen.group, chosen.message);
    if (chosen.message.kind === "seizure") location.assign(`${data.urls.seizure}?draft=${chosen.id}`);
    else {
      screens.show("compose");
      composer.edit(chosen);
    }
  },
};
let drawn = "";

function drawPending() {
  const entries = outbox.entries(group.id).filter(({ id }) => !everything.get(id) && id !== composer.state.instead);
  const settings = { labels, forms: data.forms, online: navigator.onLine, retryAt: outbox.retryAt, acts };
  const rows = entries.map((entry) => pendingRow(entry, { ...settings, files: uploads.standing(entry.message?.attachments ?? []) }));
  // A second that runs down changes words only: a button that has the focus keeps it.
  const now = JSON.stringify(entries.map(({ id, state: standing, problem, unsure }) => [id, standing, problem, unsure]));
  if (now !== drawn) $("pending").replaceChildren(...rows);
  else rows.forEach((row, at) => updateText($("pending").children[at], row));
  drawn = now;
  if (stream.following) stream.stick();
  showState();
}

function updateText(row, fresh) {
  const [old, text] = [row, fresh].map((one) => one.querySelector("[data-pending-state]"));
  if (old.textContent !== text.textContent) old.textContent = text.textContent;
}

outbox.onChange(drawPending);
uploads.onChange(() => outbox.entries(group.id).some(({ message }) => message?.attachments) && drawPending());
for (const name of ["online", "offline"]) addEventListener(name, drawPending);
addEventListener("online", () => outbox.hurry());

// ---------- acts ----------

stream.addEventListener("older", () => history.older());
stream.addEventListener("newer", () => history.newer());
stream.addEventListener("newest", () => {
  history.newest();
  stream.setFeed(state.current);
});
stream.addEventListener("seen", ({ detail: { seq } }) => live.seen(seq));
const going = startGoing({ stream, history, fetchPage: (parameters) => fetchMessages(group.id, parameters) });
let showing = 0;
stream.addEventListener("select", ({ detail: { id, open } }) => {
  clearTimeout(showing);
  if (open) screens.show("record");
  else if (screens.narrow()) return;
  showing = setTimeout(() => record.show(id), open ? 0 : 120);
});
$("record-back").addEventListener("click", () => screens.show("stream"));

function answerKind(message) {
  const wanted = data.kinds.find((kind) => kind.code === message.kind)?.answered_by ?? "note";
  return composer.can(wanted) ? wanted : "note";
}

async function actOn(name, id) {
  if (name === "open") return stream.select(id, { open: true });
  if (name === "newSeizure") return location.assign(data.urls.seizure);
  if (name === "seizure") return location.assign(`${data.urls.seizure}?warning=${id}`);
  const message = find(id) ?? (await fetchMessage(id).then(remember, () => null));
  if (!message) return toast(gettext("No connection to the server."), { alert: true });
  if (name === "correct" && message.kind === "seizure") return location.assign(`${data.urls.seizure}?supersedes=${id}`);
  screens.show("compose");
  if (name === "answer") return composer.open(answerKind(message), { answer: message });
  return composer.open(message.kind, { supersedes: message, values: message.body, subject: message.subject, options: message });
}

function write(kind) {
  screens.show("compose");
  composer.begin(kind);
}

const selected = () => stream.selected && find(stream.selected);

startKeyboard({
  j: () => stream.move(1),
  k: () => stream.move(-1),
  Enter: () => {
    if (!stream.selected) return;
    stream.select(stream.selected, { open: true });
    if (!screens.narrow()) $("record").focus();
  },
  Escape: () => screens.show("stream"),
  r: () => selected() && actOn("answer", stream.selected),
  a: () => selected()?.acks.wanted && selected().forUs && !selected().acks.mine && record.acknowledge(stream.selected),
  n: () => write("note"),
  w: () => write("warning"),
  s: () => composer.can("seizure") && actOn(selected()?.kind === "warning" ? "seizure" : "newSeizure", stream.selected),
  p: () => selected() && gallery.open(selected().attachments.filter(isPicture)),
  u: () => going.toUnread(),
  g: () => going.open(),
  End: () => stream.toNewest(),
  "/": () => $("search").focus(),
  "?": () => $("help-dialog").showModal(),
});

$("search-form").addEventListener("submit", (event) => {
  event.preventDefault();
  filterBy({ text: $("search").value.trim() });
});
$("search").addEventListener("input", () => !$("search").value && filters.text && filterBy({ text: "" }));
$("filter-clear").addEventListener("click", () => {
  $("search").value = "";
  board.reset();
  showView("all");
});
$("filter-kind").addEventListener("change", (event) => filterBy({ kinds: event.target.value ? [event.target.value] : [] }));
$("filter-status").addEventListener("change", (event) => filterBy({ statuses: event.target.value ? [event.target.value] : [] }));
$("toggle-threads").addEventListener("click", (event) => {
  stream.threaded = !stream.threaded;
  event.currentTarget.setAttribute("aria-pressed", String(stream.threaded));
  stream.update();
});
new ResizeObserver(() => $("content").style.setProperty("--composer-size", `${$("composer").offsetHeight}px`)).observe($("composer"));

stream.setFeed(everything);
history.older();
live.start();
if (!kept.lasting) toast(gettext("This browser keeps nothing: what is not sent is lost when the page is closed."), { alert: true });
await Promise.all([outbox.refresh(), uploads.refresh()]);
await composer.restore();
outbox.flush();
startUploads({ kept, uploads });
document.body.dataset.ready = "yes";
if (location.hash === "#sitrep") write("sitrep");
if (location.hash.startsWith("#m-")) {
  const message = await call("GET", `/messages/${location.hash.slice(3)}`).then(remember, () => null);
  if (message && !everything.get(message.id)) await going.to(message.seq - 1);
  if (message) stream.select(message.id, { open: true });
}
