// The console: puts stream, record, composer, outbox and live connection together. Each part is in its own module.
import { format, gettext } from "../cencomm/text.js";
import { call, fetchMessages, postMessage, problemText } from "./api.js";
import { startBoard } from "./board.js";
import { Composer } from "./composer.js";
import { showConnection, toast } from "./connection.js";
import { startKeyboard } from "./keyboard.js";
import { Live, socketUrl } from "./live.js";
import { Outbox } from "./outbox.js";
import { Record } from "./record.js";
import { pendingRow } from "./rows.js";
import { sitrepFigures } from "./sitrep.js";
import { Stream } from "./stream.js";
import { startScreens } from "./screens.js";
import { GroupState } from "./state.js";

const PAGE = 100; // messages per fetch
const KEPT = 4000; // messages held of the live view

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("console-data").textContent);
const { group, me, labels } = data;
document.body.dataset.live = "yes";

// The page was made at this position; what came before is fetched, what comes after is told.
const live = new Live({ group: group.id, url: socketUrl(), epoch: group.epoch, after: group.head });
const outbox = new Outbox({
  storage: localStorage,
  owner: me.id,
  locks: navigator.locks ?? null,
  online: () => navigator.onLine,
  deliver: async (groupId, message) => {
    if (groupId === group.id && live.isLive()) {
      try {
        return await live.post(message);
      } catch (failure) {
        // The socket went away in between: the same message, by its id, through the other door.
        if (!failure.retry || failure.problem) throw failure;
      }
    }
    return postMessage(groupId, message);
  },
});

const state = new GroupState({ group, me });
const { everything } = state;
const screens = startScreens($("content"));
const stream = new Stream(
  { scroller: $("stream"), rows: $("rows"), top: $("stream-top"), pill: $("new-pill") },
  { labels, language: me.language, lastSeen: me.last_seen, me: me.id },
);
const record = new Record({
  element: $("record"),
  url: (id) => data.urls.record.replace(data.urls.placeholder, id),
  onAct: actOn,
  onError: (text) => toast(text, { alert: true }),
});
const composer = new Composer({
  element: $("composer"),
  data,
  labels,
  storage: localStorage,
  context: {
    country: me.country,
    countries: group.countries.map(({ code, name }) => ({ code, label: name })),
    messages: (field) => choicesFor(field),
  },
  send: (message, instead) => outbox.send(group.id, message, { instead }),
  answerable: (kind) => everything.ordered().filter((message) => message.kind === kind && !message.answered).reverse(),
  prepare: (kind) => (kind === "sitrep" ? sitrepFigures(group.id) : {}),
  openSeizure: (warning) => location.assign(data.urls.seizure + (warning ? `?warning=${warning.id}` : "")),
});
const board = startBoard({ url: data.urls.board, onView: showView, onCountry: (country) => filterBy({ country }) });
let filters = {};

/** Candidates for fields that name another message: seizures of a feedback, the warning of a seizure. */
function choicesFor(field) {
  const kind = { seizures: "seizure", warning: "warning", feedbacks: "feedback" }[field];
  return everything.ordered().filter((message) => !kind || message.kind === kind).reverse()
    .map((message) => ({ code: message.id, label: `${message.reference} ${message.subject}` }));
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
  else {
    state.show(filter).filtered = true;
    fetchOlder();
  }
  stream.setFeed(state.current);
  screens.show("stream");
}

async function fetchOlder() {
  const feed = state.current;
  if (feed.loading || feed.complete) return;
  feed.loading = true;
  stream.showTop();
  try {
    const page = await fetchMessages(group.id, { ...serverFilter(feed.filter), after: feed.next, limit: PAGE });
    state.take(feed, page.messages);
    feed.next = page.next ?? undefined;
    feed.complete = page.next === null;
    // A search that had to give others their turn goes on by itself until something is found.
    if (!page.complete && page.next !== null && feed === state.current) setTimeout(fetchOlder, 50);
  } catch (failure) {
    if (failure.problem?.status !== 0) toast(problemText(failure.problem), { alert: true });
    else setTimeout(() => (feed.loading = false), 3000);
  } finally {
    feed.loading = false;
    if (feed === state.current) stream.update();
  }
}

function serverFilter(filter) {
  const { kinds, statuses, ...rest } = filter;
  return { ...rest, kind: kinds, status: statuses };
}

// ---------- the live stream ----------

let batch = null;

/** Many events may arrive in one turn, for example while catching up: one drawing for all of them. */
function drawSoon() {
  if (batch) return;
  batch = requestAnimationFrame(() => {
    batch = null;
    stream.update();
  });
}

live.addEventListener("event", ({ detail: { event } }) => {
  stream.freeze();
  state.apply(event);
  if (event.type === "message") outbox.confirm(event.message.id);
  if (event.type === "phase") toast(gettext("The phase of the operation has changed: reload the page."));
  const shown = record.id && (everything.get(record.id) ?? state.current.get(record.id));
  if (shown && (event.message === shown.id || event.message?.thread === shown.thread)) record.refresh();
  if (live.isLive()) board.refreshSoon();
  drawSoon();
});
live.addEventListener("caughtup", () => {
  if (stream.following) everything.trim(KEPT);
  drawSoon();
  board.refreshSoon();
  outbox.flush();
});
live.addEventListener("restart", ({ detail: { epoch } }) => {
  live.cursor.epoch = epoch;
  for (const feed of state.feeds()) feed.empty();
  live.follow();
  stream.setFeed(state.current);
  fetchOlder();
});
live.addEventListener("left", () => location.replace("/groups/?left"));
live.addEventListener("signedout", () => location.reload());
live.addEventListener("state", showState);

function showState() {
  const state = live.state === "connecting" && !navigator.onLine ? "offline" : live.state;
  showConnection(state, outbox.count());
}

// ---------- the outbox ----------

function drawPending() {
  const entries = outbox.entries(group.id).filter((entry) => !everything.get(entry.id));
  $("pending").replaceChildren(...entries.map((entry) => pendingRow(entry, {
    labels,
    retry: ({ id }) => outbox.retry(id),
    discard: ({ id }) => outbox.discard(id),
    edit: (chosen) => {
      // It stays in the outbox, as a draft, until what was made of it is there in its place.
      outbox.keep(chosen.group, chosen.message);
      if (chosen.message.kind === "seizure") location.assign(`${data.urls.seizure}?draft=${chosen.id}`);
      else composer.edit(chosen, (id) => everything.get(id));
    },
  })));
  if (stream.following) stream.stick();
  showState();
}

outbox.onChange(drawPending);
addEventListener("storage", drawPending);
addEventListener("online", () => outbox.flush());

// ---------- acts ----------

stream.addEventListener("older", fetchOlder);
stream.addEventListener("seen", ({ detail: { seq } }) => live.seen(seq));
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

function actOn(name, id) {
  const message = everything.get(id) ?? state.current.get(id);
  if (name === "open") {
    stream.select(id, { open: true });
    return;
  }
  if (name === "newSeizure") location.assign(data.urls.seizure);
  else if (name === "seizure") location.assign(`${data.urls.seizure}?warning=${id}`);
  else if (name === "correct" && message?.kind === "seizure") location.assign(`${data.urls.seizure}?supersedes=${id}`);
  else if (message) {
    screens.show("compose");
    if (name === "answer") composer.start(answerKind(message), { answer: message });
    if (name === "correct") composer.start(message.kind, { supersedes: message, values: message.body, subject: message.subject, options: message });
  }
}

function write(kind) {
  screens.show("compose");
  composer.begin(kind);
}

const selected = () => stream.selected && (everything.get(stream.selected) ?? state.current.get(stream.selected));

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
$("composer-closed").hidden = data.kinds.some((kind) => kind.allowed);

stream.setFeed(everything);
fetchOlder();
drawPending();
live.start();
if (location.hash === "#sitrep") write("sitrep");
if (location.hash.startsWith("#m-")) call("GET", `/messages/${location.hash.slice(3)}`).then(() => stream.select(location.hash.slice(3), { open: true }), () => {});
