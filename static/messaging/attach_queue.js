// Files on their way to the server: kept on the disk first (attach_store.js), then uploaded piece by piece, one at a
// time, by one tab at a time; after a broken line, a reload or a power cut the upload goes on where the server stands.
//
// An entry is {id, group, name, size, media_type, caption, at} as it is kept, and as it stands now {state, offset, told, problem,
// lasting}. state: keeping, waiting, uploading, checking, ready, refused, lost. told: what the server says of the file.
// Nothing of how far it is lies on the disk: the server is asked, by the same id, whenever it is taken up again.
import { Pace } from "./attach_pace.js";
import { standingOf, verdictOf, WITH_SERVER } from "./attach_standing.js";
import { FileLost } from "./attach_store.js";
import { mintId } from "./outbox.js";

const LOOKS = [1000, 2000, 4000, 8000, 15000]; // milliseconds between questions what the check has found
const MOST_RESTARTS = 3; // of a file that the server does not know any more while it is uploaded

export class Uploads {
  /**
   * store: a FileStore; client: {beginUpload, appendPiece, writeCaption, lookAt, takeAway} (attach_client.js); reasons: sentences by
   * the server's codes. Failures of the client are those of api.js.
   */
  constructor({ store, client, locks = null, reasons = {}, schedule = (work, pause) => setTimeout(work, pause), random = Math.random,
    now = () => Date.now(), onSignedOut = () => {} }) {
    Object.assign(this, { store, client, locks, reasons, schedule, random, now, onSignedOut });
    this.known = new Map();
    this.version = 0; // of what is known: whoever reads the disk while it changes reads again
    this.files = new Map(); // of this page: the File itself, for its picture, and where the disk keeps nothing
    this.pace = new Pace();
    this.listeners = new Set();
    this.attempt = 0;
    this.retryAt = null;
    this.running = null;
    store.kept.addEventListener("change", () => this.follow());
  }

  get(id) {
    return this.known.get(id);
  }

  onChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** `settled`: a file came to where a message that waits for it may go, or must not. */
  announce({ settled = false } = {}) {
    for (const listener of this.listeners) listener({ settled });
  }

  change(entry, changes) {
    if (this.known.get(entry.id) !== entry) return;
    const before = entry.state;
    Object.assign(entry, changes);
    this.announce({ settled: before !== entry.state && [...WITH_SERVER, "refused", "lost"].includes(entry.state) });
  }

  // ---------- taking in, giving up ----------

  /** Takes a file in: it is kept, then uploaded. Answers its entry at once; `kept` resolves when it is on the disk. */
  add(group, file, name = file.name) {
    const facts = { id: mintId(), group, name, size: file.size, media_type: file.type, caption: "", at: new Date(this.now()).toISOString() };
    const entry = fresh(facts, "keeping");
    this.version += 1;
    this.known.set(entry.id, entry);
    this.files.set(entry.id, file);
    this.announce();
    entry.kept = this.keep(entry, facts, file);
    return entry;
  }

  async keep(entry, facts, file) {
    try {
      await this.store.keep(facts, file);
    } catch {
      entry.lasting = false; // no room on the disk: it is uploaded from where the officer took it, while the page is open
    }
    this.version += 1;
    if (this.known.get(entry.id) !== entry) return this.store.remove(entry).catch(() => {});
    this.change(entry, { state: "waiting" });
    this.flush();
    return undefined;
  }

  /** What the file shows. It is kept, and with the server before any message goes that waits for the file. */
  async describe(id, caption) {
    const entry = this.known.get(id);
    if (!entry || entry.caption === caption) return;
    entry.caption = caption;
    await entry.kept;
    if (entry.lasting) await this.store.describe(entry).catch(() => {}); // then it lasts as long as the page
    if ([...WITH_SERVER, "waiting"].includes(entry.state)) this.change(entry, { state: "waiting" });
    this.flush();
  }

  /** The officer does not want it any more: not here, and not at the server. */
  async discard(id) {
    const entry = this.known.get(id);
    await this.forget([id]);
    if (entry?.begun) await this.client.takeAway(id).catch(() => {}); // what it keeps for nobody the server sweeps
  }

  /** It is part of a message that the server has: nothing of it is needed here. */
  async forget(ids) {
    for (const id of ids) {
      const entry = this.known.get(id);
      if (!entry) continue;
      this.version += 1;
      this.known.delete(id);
      this.files.delete(id);
      entry.abort?.abort();
      await this.store.remove(entry).catch(() => {});
      this.version += 1;
    }
    if (ids.length) this.announce();
  }

  /** Reads what is kept: after a reload, or when another tab has changed it. */
  async refresh() {
    const { version } = this;
    const found = await this.store.entries();
    if (version !== this.version) return this.refresh();
    const there = new Set(found.map(({ id }) => id));
    for (const facts of found) {
      if (!this.known.has(facts.id)) this.known.set(facts.id, fresh({ size: 0, name: "", ...facts }, facts.state ?? "waiting"));
    }
    for (const [id, entry] of this.known) if (!there.has(id) && entry.lasting && entry.state !== "keeping") this.known.delete(id);
    return this.announce();
  }

  /** Another tab has changed something: should it be closed in the middle, this one goes on. */
  async follow() {
    await this.refresh();
    if (!this.running && [...this.known.values()].some(({ state }) => state === "waiting")) this.flush();
  }

  /** Forgets what no message and no draft speaks of, unless somebody may be writing it just now. */
  async sweep(spokenOf) {
    const old = new Date(this.now() - 3600000).toISOString();
    const left = [...this.known.values()].filter((entry) => !spokenOf.has(entry.id) && !(entry.at > old));
    for (const { id } of left) await this.discard(id);
    await this.store.sweepParts();
  }

  // ---------- what a message that waits for files asks ----------

  /** May a message with these files go? "": yes; "wait": not yet; else the problem of the file that hinders it. */
  verdict(ids) {
    return verdictOf(this.here(ids), this.reasons);
  }

  /** How far they are, together: {total, done, percent}; null when nothing is to be uploaded. */
  standing(ids) {
    return standingOf(this.here(ids), ids.length);
  }

  /** Those that this device knows; what it does not, the server may know. */
  here(ids) {
    return ids.map((id) => this.known.get(id)).filter(Boolean);
  }

  /** The picture of a file that is here, as far as it is small enough to be looked at; or null. */
  async preview(id, most = 20e6) {
    const entry = this.known.get(id);
    if (!entry?.media_type?.startsWith("image/") || entry.size > most) return null;
    return this.files.get(id) ?? this.store.read(id, 0, entry.size).then((blob) => new Blob([blob], { type: entry.media_type }), () => null);
  }

  // ---------- uploading ----------

  /** Asks the server anew what it has of them: it may have swept one, or take by now what it refused. */
  retry(ids) {
    for (const id of ids) {
      const entry = this.known.get(id);
      if ([...WITH_SERVER, "refused"].includes(entry?.state)) this.change(entry, { state: "waiting", problem: null, told: null, offset: 0 });
    }
    return this.hurry();
  }

  /** The network is back, or the pause is over: try now. */
  hurry() {
    this.retryAt = null;
    return this.flush();
  }

  /** Uploads everything that waits, the oldest first; several tabs take turns. */
  flush() {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    const work = async () => {
      do {
        this.again = false;
        await this.uploadWaiting();
      } while (this.again);
    };
    const task = this.locks ? this.locks.request(`cencomm-uploads/${this.store.kept.prefix}`, work) : work();
    this.running = Promise.resolve(task).finally(() => (this.running = null));
    return this.running;
  }

  async uploadWaiting() {
    if (this.retryAt && this.now() < this.retryAt) return;
    this.retryAt = null;
    await this.refresh();
    for (;;) {
      const waiting = [...this.known.values()].filter(({ state }) => state === "waiting");
      if (!waiting.length) return;
      const [entry] = waiting.sort((a, b) => (a.at < b.at ? -1 : 1));
      if (!(await this.uploadOne(entry))) return;
    }
  }

  /** Answers whether the next one may be tried. */
  async uploadOne(entry) {
    try {
      this.change(entry, { state: "uploading" });
      const told = await this.client.beginUpload(entry.group, entry);
      this.change(entry, { offset: told.offset, begun: true });
      while (entry.offset < entry.size && this.known.get(entry.id) === entry) await this.uploadPiece(entry, told.piece);
      this.attempt = 0;
      if (this.known.get(entry.id) !== entry) return true; // given up meanwhile
      const found = await this.client.lookAt(entry.id);
      await this.caption(entry, found);
      this.uploaded(entry, found);
      return true;
    } catch (failure) {
      if (this.known.get(entry.id) !== entry) return true; // given up meanwhile
      return this.failed(entry, failure);
    }
  }

  async uploadPiece(entry, most = Infinity) {
    const { offset } = entry;
    const bytes = await this.bytes(entry, offset, Math.min(entry.size, offset + Math.min(this.pace.size, most)));
    if (this.known.get(entry.id) !== entry) return; // given up while it was read: the server has been told
    const began = this.now();
    entry.abort = new AbortController();
    let reached;
    try {
      reached = await this.client.appendPiece(entry.id, offset, bytes, entry.abort.signal);
      this.pace.took(this.now() - began, bytes.size);
    } catch (failure) {
      // The server stands elsewhere: a piece whose answer was lost, or one that another page had sent.
      if (failure?.problem?.status !== 409) throw failure;
      if (!Number.isInteger(failure.offset) || failure.offset === offset) throw { ...failure, retry: true };
      reached = failure.offset;
    }
    this.attempt = 0;
    this.change(entry, { offset: reached });
  }

  /** Says the caption until the server has the one that the officer has written last. */
  async caption(entry, told) {
    for (let there = told.caption ?? ""; there !== entry.caption && this.known.get(entry.id) === entry; ) {
      const said = entry.caption;
      await this.client.writeCaption(entry.id, said).catch((failure) => {
        if (failure?.problem?.code !== "attachment_sent") throw failure; // its message went: it is as it is
      });
      there = said;
    }
  }

  bytes(entry, from, to) {
    const file = entry.lasting ? null : this.files.get(entry.id);
    return file ? file.slice(from, to) : this.store.read(entry.id, from, to);
  }

  /** The server has it whole; what its check says is asked until it is known. */
  uploaded(entry, told) {
    entry.abort = null;
    const state = ["ready", "refused"].includes(told.state) ? told.state : "checking";
    this.change(entry, { state, told, offset: entry.size });
    if (state === "checking") this.lookLater(entry, 0);
  }

  lookLater(entry, times) {
    this.schedule(() => this.look(entry, times), LOOKS[Math.min(times, LOOKS.length - 1)]);
  }

  async look(entry, times) {
    if (this.known.get(entry.id) !== entry || entry.state !== "checking") return;
    try {
      const told = await this.client.lookAt(entry.id);
      if (["ready", "refused"].includes(told.state)) return this.change(entry, { state: told.state, told });
    } catch (failure) {
      if ([404, 410].includes(failure?.problem?.status)) {
        this.change(entry, { state: "waiting", offset: 0 });
        return this.flush();
      }
    }
    return this.lookLater(entry, times + 1);
  }

  /** Answers whether the next one may be tried. */
  failed(entry, failure) {
    entry.abort = null;
    if (failure instanceof FileLost || failure?.name === "NotReadableError") {
      this.change(entry, { state: "lost" });
      return true;
    }
    if (failure?.signedOut) {
      this.change(entry, { state: "waiting" });
      this.onSignedOut();
      return false;
    }
    const status = failure?.problem?.status;
    if (status === 404 && entry.offset > 0 && (entry.restarts ?? 0) < MOST_RESTARTS) {
      entry.restarts = (entry.restarts ?? 0) + 1; // swept by the server: from the beginning, under the same id
      this.change(entry, { state: "waiting", offset: 0 });
      return true;
    }
    if (!failure?.retry) {
      this.change(entry, { state: "refused", problem: failure?.problem ?? { title: String(failure) } });
      return true;
    }
    this.pace.failed();
    this.change(entry, { state: "waiting" });
    this.later(failure.after);
    return false;
  }

  /** Tries again after a pause that the server named, or one that doubles; a part of it is chance. */
  later(after) {
    this.attempt += 1;
    const longest = Math.min(30000, 1000 * 2 ** Math.min(this.attempt, 5));
    const pause = after ? after * (1 + 0.25 * this.random()) : longest * (0.5 + 0.5 * this.random());
    this.retryAt = this.now() + pause;
    this.announce();
    this.schedule(() => {
      if (this.retryAt && this.now() + 50 >= this.retryAt) this.hurry();
    }, pause);
  }
}

function fresh(facts, state) {
  return { problem: null, told: null, lasting: true, caption: "", ...facts, offset: 0, state };
}
