// What is being written in this tab, kept while it is written. Each tab has a draft of its own: two of them never
// overwrite each other, and what a closed tab left behind is taken up by the next one.
import { mintId } from "./outbox.js";

const LONGEST = 30 * 24 * 3600 * 1000; // nobody comes back to what is older

export class Drafts {
  /** kept: a Kept; place: where these drafts belong, for example a group and a page. */
  constructor({ kept, place, locks = null }) {
    Object.assign(this, { kept, locks });
    this.start = `draft/${place}/`;
    this.id = mintId();
    this.writing = null;
  }

  get name() {
    return this.start + this.id;
  }

  /** Answers what earlier tabs have left, the newest first; the first is this tab's from now on. */
  async claim() {
    const all = await this.kept.all(this.start);
    const old = new Date(Date.now() - LONGEST).toISOString();
    const found = all.filter(([, draft]) => draft && draft.at > old);
    found.sort(([, a], [, b]) => (a.at < b.at ? 1 : -1));
    const free = [];
    for (const [name, draft] of found) {
      const id = name.slice(this.start.length);
      if (await this.hold(id)) free.push({ id, value: draft.value });
    }
    if (free.length) this.id = free[0].id;
    else await this.hold(this.id);
    const gone = all.filter(([, draft]) => !draft || draft.at <= old).map(([name]) => name);
    if (gone.length) await this.kept.remove(...gone);
    return free;
  }

  /** A draft of its own, beside what was left. */
  async begin() {
    this.id = mintId();
    await this.hold(this.id);
  }

  /** Holds a draft as long as this page lives. Answers false when another tab has it. */
  hold(id) {
    if (!this.locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.locks.request(`cencomm-${this.kept.prefix}${this.start}${id}`, { ifAvailable: true }, (lock) => {
        resolve(Boolean(lock));
        return lock ? new Promise(() => {}) : undefined;
      });
    });
  }

  /** Keeps the newest value (null: nothing); what is typed while it is written is written next. */
  save(value) {
    this.next = { value };
    this.writing ??= this.write().finally(() => (this.writing = null));
    return this.writing;
  }

  async write() {
    while (this.next) {
      const { value } = this.next;
      this.next = null;
      if (value === null) await this.kept.remove(this.name);
      else await this.kept.write({ [this.name]: { value, at: new Date().toISOString() } });
    }
  }

  /** Forgets what is not on its way yet; resolves when nothing is: what is written now is not overtaken. */
  async settle() {
    this.next = null;
    await this.writing;
  }

  drop(id) {
    return this.kept.remove(this.start + id);
  }
}
