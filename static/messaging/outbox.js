// What this officer has written and the server has not yet confirmed. Kept in the browser's storage.
//
// An entry is {id, group, message, state, problem, written_at}; state: waiting, sending, failed, or draft (not to be sent).
// The id is minted here and is the message's id: whatever is sent again, by socket or by HTTP, is the same message,
// and the server answers a repetition with its first answer. An entry leaves the outbox only when it was confirmed
// or thrown away by hand.

export class Outbox {
  /** storage: localStorage or alike; deliver(group, message): resolves when confirmed, rejects with {retry, problem}. */
  constructor({ storage, owner, deliver, locks = null, schedule = setTimeout, online = () => true }) {
    this.storage = storage;
    this.key = `cencomm-outbox:${owner}`;
    this.deliver = deliver;
    this.locks = locks;
    this.schedule = schedule;
    this.online = online;
    this.listeners = new Set();
    this.attempt = 0;
    this.running = null;
  }

  entries(group = null) {
    const all = this.read();
    return group === null ? all : all.filter((entry) => entry.group === group);
  }

  /** How many wait for the network or for the officer. */
  count(group = null) {
    return this.entries(group).length;
  }

  /** Puts a message in, in the place of `instead` if it is an edited entry, and tries to send it. The caller minted its id. */
  send(group, message, { instead = null } = {}) {
    this.update((entries) => [
      ...entries.filter((entry) => entry.id !== message.id && entry.id !== instead),
      { id: message.id, group, message, state: "waiting", problem: null, written_at: new Date().toISOString() },
    ]);
    return this.flush();
  }

  /** Keeps a draft that is not to be sent yet. */
  keep(group, message) {
    this.update((entries) => [
      ...entries.filter((entry) => entry.id !== message.id),
      { id: message.id, group, message, state: "draft", problem: null, written_at: new Date().toISOString() },
    ]);
  }

  retry(id) {
    this.set(id, { state: "waiting", problem: null });
    return this.flush();
  }

  discard(id) {
    this.update((entries) => entries.filter((entry) => entry.id !== id));
  }

  /** The server has it, however that became known (answer, or the event in the stream). */
  confirm(id) {
    if (this.read().some((entry) => entry.id === id)) this.discard(id);
  }

  onChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Sends everything that waits, in the order written, one at a time; several tabs take turns. */
  flush() {
    if (this.running) return this.running.then(() => (this.waiting().length && this.online() ? this.flush() : undefined));
    const work = () => this.sendWaiting();
    const task = this.locks ? this.locks.request(this.key, work) : work();
    this.running = Promise.resolve(task).finally(() => (this.running = null));
    return this.running;
  }

  waiting() {
    // "sending" found at rest was left by a page that was closed in the middle: it waits again.
    return this.read().filter((entry) => entry.state === "waiting" || entry.state === "sending");
  }

  async sendWaiting() {
    for (const { id } of this.waiting()) {
      const entry = this.read().find((candidate) => candidate.id === id);
      if (!entry || entry.state === "failed" || entry.state === "draft") continue;
      if (!this.online()) return;
      this.set(id, { state: "sending" });
      try {
        await this.deliver(entry.group, entry.message);
        this.attempt = 0;
        this.discard(id);
      } catch (failure) {
        if (!failure?.retry) {
          this.set(id, { state: "failed", problem: failure?.problem ?? { title: String(failure) } });
          continue;
        }
        this.set(id, { state: "waiting" });
        this.attempt += 1;
        const pause = failure.after ?? Math.min(30000, 1000 * 2 ** Math.min(this.attempt, 5));
        this.schedule(() => this.flush(), pause);
        return;
      }
    }
  }

  set(id, changes) {
    this.update((entries) => entries.map((entry) => (entry.id === id ? { ...entry, ...changes } : entry)));
  }

  read() {
    try {
      return JSON.parse(this.storage.getItem(this.key)) ?? [];
    } catch {
      return [];
    }
  }

  update(change) {
    const entries = change(this.read());
    if (entries.length) this.storage.setItem(this.key, JSON.stringify(entries));
    else this.storage.removeItem(this.key);
    this.announce();
  }

  announce() {
    for (const listener of this.listeners) listener();
  }
}

/** A version 4 UUID; crypto.randomUUID exists only in secure contexts, a plain address on the local network is none. */
export function mintId(source = globalThis.crypto) {
  if (source.randomUUID) return source.randomUUID();
  const bytes = source.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
