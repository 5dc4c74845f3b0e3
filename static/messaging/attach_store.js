// The bytes of files that the server does not have yet, on this device: in parts, each sealed by itself (kept.js), so
// that no file ever lies in memory whole. A file is there when its entry is: the entry is written last.

const PART = 256 * 1024;

const entryName = (id) => `file/${id}`;
const partName = (id, number) => `part/${id}/${String(number).padStart(6, "0")}`;

/** What was kept cannot be read back: the disk was emptied, or the key is another one. */
export class FileLost extends Error {}

export class FileStore {
  constructor({ kept, locks = null }) {
    Object.assign(this, { kept, locks });
    this.last = null; // the part that was opened last: small pieces are read from one part again and again
  }

  /** Keeps a file whole, or nothing of it; not in memory, where it would fill the page. entry: {id, size, …}. */
  keep(entry, blob) {
    if (!this.kept.lasting) return Promise.reject(new Error("nothing lasts here"));
    const work = async () => {
      try {
        for (let number = 0; number * PART < blob.size; number += 1) {
          const bytes = new Uint8Array(await blob.slice(number * PART, (number + 1) * PART).arrayBuffer());
          await this.kept.write({ [partName(entry.id, number)]: bytes }, { quiet: true });
        }
        await this.kept.write({ [entryName(entry.id)]: entry });
      } catch (failure) {
        await this.remove(entry).catch(() => {});
        throw failure;
      }
    };
    return this.locks ? this.locks.request(this.lockName(), { mode: "shared" }, work) : work();
  }

  /** Writes what has changed of an entry whose bytes are kept. */
  describe({ id, group, name, size, media_type, caption, at }) {
    return this.kept.write({ [entryName(id)]: { id, group, name, size, media_type, caption, at } }, { quiet: true });
  }

  lockName() {
    return `cencomm-keeping/${this.kept.prefix}`;
  }

  /** Every entry that is kept; one that does not open any more is {id, state: "lost"}. */
  async entries() {
    const found = await this.kept.all("file/");
    return found.map(([name, entry]) => entry ?? { id: name.slice(5), state: "lost" });
  }

  /** The bytes from `from` up to `to`. Raises FileLost. */
  async read(id, from, to) {
    const pieces = [];
    for (let at = from; at < to; ) {
      const number = Math.floor(at / PART);
      const part = await this.part(id, number);
      const taken = part?.subarray(at - number * PART, to - number * PART);
      if (!taken?.length) throw new FileLost();
      pieces.push(taken);
      at += taken.length;
    }
    return new Blob(pieces);
  }

  async part(id, number) {
    const name = partName(id, number);
    if (this.last?.name !== name) this.last = { name, bytes: await this.kept.get(name) };
    return this.last.bytes;
  }

  async remove({ id }) {
    this.last = null;
    const parts = await this.kept.names(`part/${id}/`);
    await this.kept.remove(entryName(id), ...parts);
  }

  /** Takes away what a page left behind that was closed while it kept a file. Not while any page keeps one. */
  async sweepParts() {
    if (!this.locks) return;
    await this.locks.request(this.lockName(), { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      const whole = new Set((await this.kept.names("file/")).map((name) => name.slice(5)));
      const left = (await this.kept.names("part/")).filter((name) => !whole.has(name.split("/")[1]));
      if (left.length) await this.kept.remove(...left);
    });
  }
}
