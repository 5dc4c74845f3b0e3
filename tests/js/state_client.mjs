// The console's own state without a page, driven by lines of JSON: what the tests of state equivalence talk to.
// Each line is {do, name, …}; each answer is one line. No server, no clock: what is said is all that it knows.
import { createInterface } from "node:readline";
import { Cursor } from "../../static/messaging/cursor.js";
import { matches, toBlocks } from "../../static/messaging/feed.js";
import { GroupState } from "../../static/messaging/state.js";

const clients = new Map();

/** What a page knows when it is made. */
function open({ name, group, me, epoch, head, filter = null }) {
  const state = new GroupState({ group, me });
  if (filter) state.show(filter);
  clients.set(name, { state, cursor: new Cursor({ epoch, after: head }) });
  return {};
}

/** A page of messages, fetched at any later time; `filtered`: of the view that is shown. */
function take({ name, messages, filtered = false }) {
  const { state } = clients.get(name);
  const feed = filtered ? state.current : state.everything;
  state.take(feed, messages);
  feed.complete = true;
  return {};
}

function items({ name, items: given }) {
  const { state, cursor } = clients.get(name);
  const verdicts = given.map((item) => {
    const verdict = cursor.take(item);
    if (verdict === "apply") state.apply(item.event);
    return verdict;
  });
  return { verdicts, after: cursor.after, complete: state.everything.complete };
}

function left({ name }) {
  clients.get(name).state.end();
  return {};
}

/** Everything that a page could show, in a form that can be compared. */
function dump({ name, now, views }) {
  const { state } = clients.get(name);
  const messages = state.everything.ordered();
  const current = state.current.ordered().filter((message) => matches(message, state.current.filter, now));
  return {
    ended: state.ended,
    phase: state.phase,
    role: state.me.role,
    rights: state.rights(),
    members: Object.fromEntries(state.members),
    countries: [...state.countries].sort(),
    contactPoints: Object.fromEntries(state.contactPoints),
    messages: Object.fromEntries(messages.map((message) => [message.id, message])),
    order: messages.map(({ id }) => id),
    threads: toBlocks(messages).map(({ id, replies }) => [id, replies.map((reply) => reply.id)]),
    current: current.map(({ id }) => id),
    views: Object.fromEntries(Object.entries(views).map(([view, filter]) => [
      view, messages.filter((message) => matches(message, filter, now)).map(({ id }) => id),
    ])),
  };
}

const DEEDS = { open, take, items, left, dump };

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(DEEDS[said.do](said))}\n`);
}
