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
    const text = TIDY([message.reference, message.subject, ...Object.values(message.body ?? {}).map(String)].join(" "));
    if (!TIDY(filter.text).split(/\s+/).every((word) => text.includes(word))) return false;
  }
  return true;
}

/** One view's messages by sequence number. */
export class Feed {
  constructor(filter = {}) {
    this.filter = filter;
    this.messages = new Map();
    this.complete = false; // nothing older on the server
    this.next = undefined; // where the next older page begins
  }

  /** Forgets everything: history was restored, and must be fetched afresh. */
  empty() {
    this.messages.clear();
    this.complete = false;
    this.next = undefined;
  }

  /** Takes a message in, or its newer state. Answers "added", "changed" or "". */
  put(message) {
    const known = this.messages.get(message.id);
    if (!known && !matches(message, this.filter)) return "";
    this.messages.set(message.id, known ? { ...known, ...message } : message);
    return known ? "changed" : "added";
  }

  get(id) {
    return this.messages.get(id);
  }

  oldest() {
    let oldest = Infinity;
    for (const message of this.messages.values()) oldest = Math.min(oldest, message.seq);
    return oldest === Infinity ? null : oldest;
  }

  ordered() {
    return [...this.messages.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Forgets the oldest beyond `limit`: they can be fetched again. Memory stays bounded through a long watch. */
  trim(limit) {
    const excess = this.messages.size - limit;
    if (excess <= 0) return;
    for (const message of this.ordered().slice(0, excess)) this.messages.delete(message.id);
    this.complete = false;
    this.next = this.oldest();
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

/** A slice of at most `size` blocks that holds `anchor` (an index); what lies outside is not in the page. */
export function sliceAround(length, anchor, size) {
  const from = Math.max(0, Math.min(anchor - Math.floor(size / 2), length - size));
  return { from, to: Math.min(length, from + size) };
}
