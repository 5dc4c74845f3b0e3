// What this officer has written and the server has not yet confirmed. Kept on the disk (kept.js), by one id for good.
//
// An entry is {id, group, message, state, problem, unsure, tries, written_at}. state: waiting, sending, failed, draft
// (not to be sent), lost (does not open any more). unsure: it was sent and no answer came, so it may have arrived.
// The id is minted by the writer and is the message's id: whatever is sent again, by socket or by HTTP, is the same
// message, and the server answers a repetition with its first answer. An entry leaves the outbox only when it was
// confirmed or thrown away by hand. Of several tabs one sends at a time; all of them show the same.

const MOST_TRIES = 6; // of a message at which the server itself fails, before the next try is left to the officer

export class Outbox {
  /**
   * kept: a Kept; deliver(group, message): resolves when confirmed, rejects with {retry, after?, unsent?, signedOut?,
   * problem?}. hold(message): "" when it may go, "wait" while its files are not uploaded, or the problem that hinders it;
   * onGone(message, {sent}): it left the outbox; onReplaced(message): another stands in its place.
   */
  constructor({ kept, deliver, locks = null, schedule = (work, pause) => setTimeout(work, pause), random = Math.random, onSignedOut = () => {},
    hold = () => "", onGone = () => {}, onReplaced = () => {} }) {
    Object.assign(this, { kept, deliver, locks, schedule, random, onSignedOut, hold, onGone, onReplaced });
    this.known = [];
    this.version = 0; // of what is known: whoever reads while it changes reads again
    this.listeners = new Set();
    this.attempt = 0;
    this.retryAt = null;
    this.running = null;
    kept.addEventListener("change", () => this.refresh());
  }

  /** Reads what is kept. Until this has resolved the outbox looks empty. */
  async refresh() {
    const { version } = this;
    const found = await this.kept.all("out/");
    if (version !== this.version) return this.refresh();
    const entries = found.map(([name, entry]) => entry ?? { id: name.slice(4), group: null, message: null, state: "lost", written_at: "" });
    this.known = entries.sort((a, b) => (a.written_at < b.written_at ? -1 : 1));
    return this.announce();
  }

  learn(known) {
    this.version += 1;
    this.known = known;
    this.announce();
  }

  /** Of a group, or all; what does not open any more belongs to every group. */
  entries(group = null) {
    return this.known.filter((entry) => group === null || entry.group === group || entry.state === "lost");
  }

  get(id) {
    return this.known.find((entry) => entry.id === id);
  }

  /** Whether a file belongs to a message that is not with the server. */
  speaksOf(file) {
    return this.known.some(({ message }) => message?.attachments?.includes(file));
  }

  /** How many are not with the server. */
  count() {
    return this.known.length;
  }

  /** How many of them wait for a person, not for the network: refused, or not to be opened any more. */
  refused() {
    return this.known.filter(({ state }) => state === "failed" || state === "lost").length;
  }

  /** Resolves when the message is on the disk, in the place of `instead` if it is an edited entry; then it is sent. */
  async send(group, message, { instead = null, alongside = {}, without = [] } = {}) {
    await this.put({ id: message.id, group, message, state: "waiting" }, { instead, alongside, without });
    this.sent = this.flush();
  }

  /** Keeps a draft that is not to be sent yet. */
  keep(group, message) {
    return this.put({ id: message.id, group, message, state: "draft" });
  }

  async put(entry, { instead = null, alongside = {}, without = [] } = {}) {
    const whole = { problem: null, unsure: false, tries: 0, written_at: new Date().toISOString(), ...entry };
    const gone = [...without, ...(instead && instead !== entry.id ? [`out/${instead}`] : [])];
    const before = this.get(instead ?? entry.id);
    await this.kept.write({ [`out/${entry.id}`]: whole, ...alongside }, { without: gone });
    this.learn([...this.known.filter((one) => one.id !== entry.id && one.id !== instead), whole]);
    if (before?.message) this.onReplaced(before.message);
  }

  /** Tries again, now. */
  async retry(id) {
    await this.set(id, { state: "waiting", problem: null, tries: 0 });
    this.retryAt = null;
    return this.flush();
  }

  async discard(id, { sent = false } = {}) {
    const entry = this.get(id);
    await this.kept.remove(`out/${id}`);
    this.learn(this.known.filter((one) => one.id !== id));
    if (entry?.message) this.onGone(entry.message, { sent });
  }

  /** The server has it, however that became known (answer, or the event in the stream). */
  confirm(id) {
    return this.get(id) ? this.discard(id, { sent: true }) : Promise.resolve();
  }

  onChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Sends everything that waits, in the order written, one at a time; several tabs take turns. */
  flush() {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    const work = async () => {
      do {
        this.again = false;
        await this.sendWaiting();
      } while (this.again);
    };
    const task = this.locks ? this.locks.request(`cencomm-outbox/${this.kept.prefix}`, work) : work();
    this.running = Promise.resolve(task).finally(() => (this.running = null));
    return this.running;
  }

  async sendWaiting() {
    if (this.retryAt && Date.now() < this.retryAt) return;
    this.retryAt = null;
    await this.refresh(); // another tab may have sent some of it
    for (const { id } of this.known) {
      // "sending" found at rest was left by a page that was closed in the middle: it waits again.
      const entry = this.get(id);
      if (!entry || !["waiting", "sending"].includes(entry.state)) continue;
      // A message that waits for its files holds up no other: a picture may take an hour on this line.
      const held = await this.hold(entry.message);
      if (held && held !== "wait") await this.set(id, { state: "failed", problem: held });
      if (held || !this.get(id)) continue;
      if (!(await this.sendOne(entry))) return;
    }
  }

  /** Answers whether the next one may be tried. */
  async sendOne({ id, group, message, tries }) {
    await this.set(id, { state: "sending" });
    try {
      await this.deliver(group, message);
      this.attempt = 0;
      await this.discard(id, { sent: true });
      return true;
    } catch (failure) {
      if (!this.get(id)) return true; // its event came, or it was thrown away meanwhile
      const { problem = null } = failure ?? {};
      const status = problem?.status ?? 0;
      if (failure?.signedOut) {
        await this.set(id, { state: "waiting", problem });
        this.onSignedOut();
        return false;
      }
      // The gate stands before the question whether this was sent before: what it refuses may have arrived all the same.
      const unsure = this.get(id).unsure;
      if (!failure?.retry) {
        const settled = ![401, 403, 404, 410].includes(status) && problem?.code !== "conflicting_replay";
        await this.set(id, { state: "failed", unsure: unsure && !settled, problem: problem ?? { title: String(failure) } });
        return true;
      }
      const refused = status === 429 || problem?.code === "busy";
      const failing = status === 500 ? tries + 1 : tries;
      await this.set(id, { state: failing >= MOST_TRIES ? "failed" : "waiting", problem, tries: failing, unsure: unsure || !(refused || failure.unsent) });
      this.later(failure.after);
      return status === 500; // the fault may be this message's: the others need not wait for it
    }
  }

  /** Tries again after a pause that the server named, or one that doubles; a part of it is chance. */
  later(after) {
    this.attempt += 1;
    const longest = Math.min(30000, 1000 * 2 ** Math.min(this.attempt, 5));
    const pause = after ? after * (1 + 0.25 * this.random()) : longest * (0.5 + 0.5 * this.random());
    this.retryAt = Date.now() + pause;
    this.schedule(() => {
      if (this.retryAt && Date.now() + 50 >= this.retryAt) this.hurry();
    }, pause);
  }

  /** The network is back, or the pause is over: try now. */
  hurry() {
    this.retryAt = null;
    return this.flush();
  }

  async set(id, changes) {
    const entry = this.get(id);
    if (!entry) return;
    const changed = { ...entry, ...changes };
    await this.kept.write({ [`out/${id}`]: changed }, { durable: false }); // the message itself lies there already
    this.learn(this.known.map((one) => (one.id === id ? changed : one)));
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
