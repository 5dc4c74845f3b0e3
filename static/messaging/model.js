// A message as the console holds it, made from the server's JSON, and what each event of the stream does to it. Pure.

/** Adds what depends on the reader: whether it is answered, waits for us, and how its receipts stand per country. */
export function fromServer(json, me) {
  const named = json.addressed_to?.countries ?? [];
  const answeredBy = json.answered_by ?? [];
  const answered = answeredBy.length > 0 && named.every((country) => answeredBy.includes(country));
  const asks = json.kind === "warning" || json.kind === "request";
  const receipts = receiptsOf(json.acknowledgements, me);
  const forUs = addresses(json.addressed_to, me) && json.sender.id !== me.id;
  return {
    ...json,
    asks,
    answered,
    withdrawn: json.status === "withdrawn" || Boolean(json.superseded_by),
    acks: receipts,
    forUs,
    waiting: asks && !answered && forUs && json.country !== me.country && !answeredBy.includes(me.country),
    hit: json.kind === "seizure" && Boolean(json.in_reply_to),
  };
}

export function addresses(to, me) {
  if (!to || to.all) return true;
  return Boolean(to.countries?.includes(me.country) || to.roles?.includes(me.role) || to.officers?.includes(me.id));
}

/** Counted by countries: those of whom a receipt is expected, and those of them that have given one. */
function receiptsOf(receipts, me) {
  if (!receipts) return { done: 0, wanted: 0, mine: false };
  const wanted = Object.keys(receipts.expected);
  return {
    done: wanted.filter((country) => receipts.done[country] > 0).length,
    wanted: wanted.length,
    mine: receipts.officers.includes(me.id),
  };
}

/** Puts an event of the stream into a feed. Answers the ids of the messages that it changed. */
export function applyEvent(feed, event, me) {
  if (event.type === "message") return applyMessage(feed, fromServer(event.message, me), me);
  const known = event.message && feed.get(event.message);
  if (!known) return [];
  if (event.type === "acknowledged" && known.acknowledgements) {
    const { expected, done, officers } = known.acknowledgements;
    if (officers.includes(event.actor)) return [];
    const counted = { ...done, [event.country]: (done[event.country] ?? 0) + 1 };
    feed.put(fromServer({ ...known, acknowledgements: { expected, done: counted, officers: [...officers, event.actor] } }, me));
    return [known.id];
  }
  if (event.type === "status") {
    feed.put(fromServer({ ...known, status: event.to }, me));
    return [known.id];
  }
  return [];
}

function applyMessage(feed, message, me) {
  const changed = [message.id];
  feed.put(message);
  const replaced = message.supersedes && feed.get(message.supersedes);
  if (replaced) {
    feed.put(fromServer({ ...replaced, superseded_by: message.id, status: "corrected" }, me));
    changed.push(replaced.id);
  }
  const asked = message.in_reply_to && feed.get(message.in_reply_to);
  const settles = { feedback: "warning", reply: "request" }[message.kind];
  if (asked && asked.kind === settles && !asked.answered_by.includes(message.country)) {
    feed.put(fromServer({ ...asked, answered_by: [...asked.answered_by, message.country].sort() }, me));
    changed.push(asked.id);
  }
  return changed;
}
