// A message as the console holds it, made from the server's JSON, and what each event of the stream does to it. Pure.

/** Adds what depends on the reader: whether it is answered, waits for us, and how its receipts stand per country. */
export function fromServer(json, me) {
  const named = json.addressed_to?.countries ?? [];
  const answeredBy = json.answered_by ?? [];
  const answered = answeredBy.length > 0 && named.every((country) => answeredBy.includes(country));
  const asks = json.kind === "warning" || json.kind === "request";
  const withdrawn = json.status === "withdrawn" || Boolean(json.superseded_by);
  return {
    ...json,
    asks,
    answered,
    withdrawn,
    shown: json.superseded_by ? "corrected" : json.status, // the status as people are told it
    acks: receiptsOf(json.acknowledgements, me),
    forUs: addresses(json.addressed_to, me) && json.sender.id !== me.id,
    waiting: asks && !answered && !withdrawn && waitsFor(json, me, answeredBy),
    hit: json.kind === "seizure" && Boolean(json.in_reply_to),
  };
}

/** Whether our country, or we by role or name, are to answer: the rule of the server's `Question.waits_for`. */
function waitsFor({ addressed_to: to, sender, country }, me, answeredBy) {
  if (sender.id === me.id) return false;
  if (to?.countries?.includes(me.country) && !answeredBy.includes(me.country)) return true;
  if (answeredBy.length) return false;
  return Boolean((to?.all && country !== me.country) || to?.roles?.includes(me.role) || to?.officers?.includes(me.id));
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
  const changed = event.type === "message" ? applyMessage(feed, event.message, me)
    : event.type === "attachment" ? applyAttachment(feed, event.attachment, me) : applyToKnown(feed, event, me);
  for (const [id, countries] of Object.entries(event.answered ?? {})) {
    const asked = feed.get(id);
    if (!asked) continue;
    feed.put(fromServer({ ...asked, answered_by: countries }, me));
    changed.push(id);
  }
  return changed;
}

function applyMessage(feed, json, me) {
  feed.put(fromServer(json, me));
  const replaced = json.supersedes && feed.get(json.supersedes);
  if (!replaced) return [json.id];
  feed.put(fromServer({ ...replaced, superseded_by: json.id }, me));
  return [json.id, replaced.id];
}

/** A file was checked: a message and its corrections may show the same one. */
function applyAttachment(feed, file, me) {
  const showing = [...feed.messages.values()].filter(({ attachments }) => attachments?.some(({ id }) => id === file.id));
  for (const message of showing) {
    const attachments = message.attachments.map((one) => (one.id === file.id ? file : one));
    feed.put(fromServer({ ...message, attachments }, me));
  }
  return showing.map(({ id }) => id);
}

function applyToKnown(feed, event, me) {
  const known = event.message && feed.get(event.message);
  if (!known) return [];
  if (event.type === "status") feed.put(fromServer({ ...known, status: event.to }, me));
  else if (event.type === "acknowledged" && known.acknowledgements) {
    const { expected, done, officers } = known.acknowledgements;
    if (officers.includes(event.actor)) return [];
    const counted = { ...done, [event.country]: (done[event.country] ?? 0) + 1 };
    feed.put(fromServer({ ...known, acknowledgements: { expected, done: counted, officers: [...officers, event.actor] } }, me));
  } else return [];
  return [known.id];
}
