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

/** Milliseconds to wait before attempt n (from 0): doubling to half a minute, with full jitter against storms. */
export function backOff(attempt, random = Math.random()) {
  const ceiling = Math.min(30000, 500 * 2 ** Math.min(attempt, 6));
  return Math.round(250 + random * ceiling);
}
