// The messages that a view holds, in order and grouped in threads. Pure: no page, no network; tested by node.

/** What the console calls open: still waiting for an answer. */
export function isOverdue(message, now) {
  return Boolean(message.asks && message.due_at && !message.answered && !message.withdrawn && Date.parse(message.due_at) < now);
}

const TIDY = (text) => String(text ?? "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Whether a message belongs to a view. The server filters pages by the same names; this decides for live events. */
export function matches(message, filter, now = Date.now()) {
  if (filter.kinds?.length && !filter.kinds.includes(message.kind)) return false;
  if (filter.country && message.country !== filter.country) return false;
  if (filter.statuses?.length && !filter.statuses.includes(message.status)) return false;
  if (filter.priority && message.priority !== filter.priority) return false;
  if (filter.standing && message.withdrawn) return false;
  if (filter.overdue && !isOverdue(message, now)) return false;
  if (filter.open && (message.answered || message.withdrawn || !message.asks)) return false;
  if (filter.waiting && !message.waiting) return false;
  if (filter.text) {
    const files = (message.attachments ?? []).flatMap(({ name, caption }) => [name, caption]);
    const text = TIDY([message.reference, message.subject, ...files, ...Object.values(message.body ?? {}).map(String)].join(" "));
    if (!TIDY(filter.text).split(/\s+/).every((word) => text.includes(word))) return false;
  }
  return true;
}

/**
 * One view's messages by sequence number: a window on the group's history. Of what fits the view it holds everything
 * from `floor` to `ceiling`; what lies outside is fetched when somebody goes there, and forgotten again behind them.
 */
export class Feed {
  constructor(filter = {}) {
    this.filter = filter;
    this.messages = new Map();
    this.empty();
  }

  /** Forgets everything: the newest are fetched afresh. */
  empty() {
    this.messages.clear();
    this.complete = false; // nothing older on the server
    this.next = undefined; // where the next older page begins
    this.ceiling = Infinity; // above it nothing is held; Infinity: what comes is taken in
    this.missed = 0; // came since, above the ceiling
  }

  /** Stands between `seq` and what follows it; both sides are to be fetched. */
  moveTo(seq) {
    this.empty();
    this.next = seq + 1;
    this.ceiling = seq;
  }

  get floor() {
    return this.complete ? 0 : (this.next ?? 0);
  }

  get atNewest() {
    return this.ceiling === Infinity;
  }

  /** Takes a message in, or its newer state. Answers "added", "changed" or "". */
  put(message) {
    const known = this.messages.get(message.id);
    if (!known && !matches(message, this.filter)) return "";
    if (!known && message.seq > this.ceiling) this.missed += 1;
    if (!known && (message.seq > this.ceiling || message.seq < this.floor)) return "";
    this.messages.set(message.id, known ? { ...known, ...message } : message);
    return known ? "changed" : "added";
  }

  get(id) {
    return this.messages.get(id);
  }

  ordered() {
    return [...this.messages.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Forgets the oldest beyond `limit`: they can be fetched again. Memory stays bounded through a long watch. */
  trim(limit) {
    if (this.messages.size <= limit) return;
    const all = this.ordered();
    const kept = new Set(all.slice(-limit));
    // What a kept message answers stays with it: the row above the one being read must not vanish.
    for (const message of kept) if (this.messages.has(message.in_reply_to)) kept.add(this.messages.get(message.in_reply_to));
    for (const message of all) if (!kept.has(message)) this.messages.delete(message.id);
    this.complete = false;
    this.next = all[all.length - limit].seq;
  }

  /** Forgets the newest beyond `limit`: whoever reads far back does not carry all that lies between. */
  trimNewest(limit) {
    if (this.messages.size <= limit) return;
    const all = this.ordered();
    for (const message of all.slice(limit)) this.messages.delete(message.id);
    this.ceiling = all[limit - 1].seq;
  }
}

/** The first message of a thread, as far as it is known here. */
export function rootOf(message, byId) {
  let current = message;
  const visited = new Set();
  while (current.in_reply_to && byId.has(current.in_reply_to) && !visited.has(current.id)) {
    visited.add(current.id);
    current = byId.get(current.in_reply_to);
  }
  return current;
}

/**
 * Blocks in the order of the stream. By thread: a block is a root with its answers, at the place of its last one.
 * By time: each message is its own block; one that answers the message right above it is indented.
 */
export function toBlocks(messages, { threaded = true } = {}) {
  if (!threaded) {
    return messages.map((message, index) => ({
      id: message.id,
      seq: message.seq,
      root: message,
      replies: [],
      indented: index > 0 && message.in_reply_to === messages[index - 1].id,
    }));
  }
  const byId = new Map(messages.map((message) => [message.id, message]));
  const blocks = new Map();
  for (const message of messages) {
    const root = rootOf(message, byId);
    const block = blocks.get(root.id) ?? { id: root.id, seq: 0, root, replies: [], indented: false };
    if (message !== root) block.replies.push(message);
    block.seq = Math.max(block.seq, message.seq);
    blocks.set(root.id, block);
  }
  return [...blocks.values()].sort((a, b) => a.seq - b.seq);
}

/** The answers of a block that are shown while it is folded: the last two; a short thread is shown whole. */
export function foldReplies(replies, { unfolded = false, keep = 2 } = {}) {
  if (unfolded || replies.length <= keep + 1) return { hidden: 0, visible: replies };
  return { hidden: replies.length - keep, visible: replies.slice(-keep) };
}

/**
 * The rows of the stream in their order, as many as there are messages and folds: {message, depth, at} or
 * {fold, hidden, at}; `at` is the place of the block. A row takes part in the page or not by itself, so that a thread
 * of thousands is as cheap as a note.
 */
export function toEntries(messages, { threaded = true, unfolded = new Set() } = {}) {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const entries = [];
  for (const block of toBlocks(messages, { threaded })) {
    const at = block.seq;
    const { hidden, visible } = foldReplies(block.replies, { unfolded: unfolded.has(block.id) });
    entries.push({ message: block.root, depth: block.indented ? 1 : 0, at });
    if (hidden) entries.push({ fold: block.root, hidden, at });
    for (const message of visible) entries.push({ message, depth: depthOf(message, block.root, byId), at });
  }
  return entries;
}

/** The element id of an entry's row. */
export const rowId = (entry) => (entry.message ? `row-${entry.message.id}` : `fold-${entry.fold.id}`);

/** Depth of an answer below its root, at most 2: warning, feedback, seizure. */
export function depthOf(message, root, byId) {
  let depth = 0;
  let current = message;
  while (current && current.id !== root.id && depth < 2) {
    depth += 1;
    current = byId.get(current.in_reply_to);
  }
  return depth;
}

/** A slice of at most `size` rows that holds `anchor` (an index); what lies outside is not in the page. */
export function sliceAround(length, anchor, size) {
  const from = Math.max(0, Math.min(anchor - Math.floor(size / 2), length - size));
  return { from, to: Math.min(length, from + size) };
}
