// The position in a group's stream, and what each item from the server means for it. Pure; tested by node.

/** Items: see the public protocol page. State per group: {epoch, after, head}. */
export class Cursor {
  constructor({ epoch = null, after = null } = {}) {
    this.epoch = epoch;
    this.after = after;
    this.head = after ?? 0;
    this.caughtUp = false;
  }

  /** What to send as the position of a "follow"; without one the server sends the latest page. */
  position() {
    return this.epoch && this.after !== null ? { epoch: this.epoch, after: this.after } : {};
  }

  /**
   * Answers what to do with an item: "apply" an event, "ignore" a duplicate, "follow" again after a gap,
   * "restart" afresh, "caught_up", "left", or "" when it concerns somebody else.
   */
  take(item) {
    switch (item.op) {
      case "event":
        return this.takeEvent(item.seq);
      case "caught_up":
        this.head = Math.max(this.head, item.head);
        // Filtered or empty stretches: the server vouches that everything up to head has been sent.
        this.after = Math.max(this.after ?? 0, item.head);
        if (item.epoch) this.epoch = item.epoch;
        this.caughtUp = true;
        return "caught_up";
      case "heads":
        return this.behind(item.head) ? "follow" : "";
      case "restart":
        this.epoch = item.epoch;
        this.after = null;
        this.caughtUp = false;
        return "restart";
      case "left":
        return "left";
      default:
        return "";
    }
  }

  takeEvent(seq) {
    if (this.after !== null && seq <= this.after) return "ignore";
    if (this.after !== null && seq > this.after + 1) return "follow";
    this.after = seq;
    this.head = Math.max(this.head, seq);
    return "apply";
  }

  behind(head) {
    return this.after !== null && head > this.after;
  }
}

/** Milliseconds to wait before attempt n (from 0): anything up to a ceiling that doubles to half a minute (full jitter). */
export function backOff(attempt, random = Math.random()) {
  return Math.round(random * Math.min(30000, 1000 * 2 ** Math.min(attempt, 6)));
}

/**
 * What to do when the socket was closed with this code: {end: "signedout" | "refused"} for good, or {wait} in
 * milliseconds. `attempt` counts the connections that did not hold; a stable one starts it again at 0.
 */
export function afterClose(code, attempt, random = Math.random()) {
  if (code === 4401) return { end: "signedout" };
  if (code === 4403 || code === 4404) return { end: "refused" };
  if (code === 4429) return { wait: 15000 + backOff(attempt + 3, random) };
  // Too slow: the place is still ours, there is only much to catch up with. The second time it is given more room.
  if (code === 4408 && attempt === 0) return { wait: 0 };
  // A server that goes away in good order comes back, and everybody with it: spread over two seconds at least.
  if (code === 1012 || code === 1001) return { wait: backOff(Math.max(attempt, 1), random) };
  return { wait: backOff(attempt, random) };
}
