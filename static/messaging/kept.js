// What this browser keeps of an officer until the server has it: written to the disk before it counts, and sealed.
//
// IndexedDB with strict durability: a promise that resolved survives a power cut. Every value is sealed with AES-GCM
// under a key that the server gives to the signed-in officer and the page never stores: a stolen device holds noise.
// Names ("out/…", "draft/…", "file/…", "last") are in clear, values are not. Tabs of one officer tell each other of changes.

const DATABASE = "cencomm";
const STORE = "kept";
const OPENING = 15000; // milliseconds: a page that waits for its disk for ever is worse than one that keeps nothing

/** The officer's store; `keyText` is the key in base64. Without IndexedDB it lasts as long as the page (`lasting`). */
export async function openKept(owner, keyText) {
  let database = null;
  try {
    database = await Promise.race([openDatabase(), new Promise((_, reject) => setTimeout(reject, OPENING))]);
  } catch {
    // A browser that keeps nothing (some private windows): the page says so.
  }
  const sealer = globalThis.crypto?.subtle ? await makeSealer(keyText, owner) : PLAIN;
  const kept = new Kept({ owner, sealer, shelf: database ? new DatabaseShelf(database) : new MemoryShelf() });
  kept.lasting = Boolean(database);
  return kept;
}

export class Kept extends EventTarget {
  constructor({ owner, sealer = PLAIN, shelf = new MemoryShelf(), channel = openChannel(owner) }) {
    super();
    this.prefix = `${owner}/`;
    this.sealer = sealer;
    this.shelf = shelf;
    this.channel = channel;
    this.lasting = true;
    channel?.addEventListener("message", () => this.dispatchEvent(new Event("change")));
  }

  async get(name) {
    const sealed = await this.shelf.get(this.prefix + name);
    return sealed === undefined ? null : this.open(name, sealed);
  }

  /** [[name, value], …] of every name that begins with `start`; a value that does not open any more is null. */
  async all(start) {
    const found = await this.shelf.all(this.prefix + start);
    return Promise.all(found.map(async ([name, sealed]) => [name.slice(this.prefix.length), await this.open(name.slice(this.prefix.length), sealed)]));
  }

  /** The names that begin with `start`; nothing is opened. */
  async names(start) {
    return (await this.shelf.names(this.prefix + start)).map((name) => name.slice(this.prefix.length));
  }

  /**
   * Writes and removes in one transaction; resolves when it is on the disk (unless that may wait). Values are bytes, or
   * whatever JSON holds. `quiet`: what other tabs need not look at.
   */
  async write(values, { without = [], durable = true, quiet = false } = {}) {
    const sealed = await Promise.all(Object.entries(values).map(async ([name, value]) => [this.prefix + name, await this.sealer.seal(name, value)]));
    await this.shelf.write(sealed, without.map((name) => this.prefix + name), durable);
    if (!quiet) this.channel?.postMessage("change");
  }

  remove(...names) {
    return this.write({}, { without: names });
  }

  async open(name, sealed) {
    try {
      return await this.sealer.open(name, sealed);
    } catch {
      return null;
    }
  }
}

// ---------- sealing ----------

const PLAIN = { seal: async (name, value) => ({ plain: structuredClone(value) }), open: async (name, sealed) => sealed.plain };

/** Values are bound to officer and name: one that is moved elsewhere does not open. */
export async function makeSealer(keyText, owner) {
  const raw = Uint8Array.from(atob(keyText), (letter) => letter.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const settings = (name, iv) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(`cencomm\n${owner}\n${name}`) });
  return {
    async seal(name, value) {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const bytes = value instanceof Uint8Array;
      const plain = bytes ? value : new TextEncoder().encode(JSON.stringify(value));
      return { iv, data: await crypto.subtle.encrypt(settings(name, iv), key, plain), ...(bytes ? { bytes } : {}) };
    },
    async open(name, { iv, data, bytes = false }) {
      const plain = await crypto.subtle.decrypt(settings(name, iv), key, data);
      return bytes ? new Uint8Array(plain) : JSON.parse(new TextDecoder().decode(plain));
    },
  };
}

// ---------- shelves ----------

export class MemoryShelf {
  items = new Map();

  async get(name) {
    return this.items.get(name);
  }

  async all(start) {
    return [...this.items].filter(([name]) => name.startsWith(start));
  }

  async names(start) {
    return [...this.items.keys()].filter((name) => name.startsWith(start));
  }

  async write(values, without) {
    for (const name of without) this.items.delete(name);
    for (const [name, value] of values) this.items.set(name, value);
  }
}

class DatabaseShelf {
  constructor(database) {
    this.database = database;
  }

  async get(name) {
    return answerOf(this.database.transaction(STORE).objectStore(STORE).get(name));
  }

  async all(start) {
    const store = this.database.transaction(STORE).objectStore(STORE);
    const range = rangeOf(start);
    const [names, values] = await Promise.all([answerOf(store.getAllKeys(range)), answerOf(store.getAll(range))]);
    return names.map((name, at) => [name, values[at]]);
  }

  names(start) {
    return answerOf(this.database.transaction(STORE).objectStore(STORE).getAllKeys(rangeOf(start)));
  }

  write(values, without, durable = true) {
    return new Promise((resolve, reject) => {
      const change = this.database.transaction(STORE, "readwrite", { durability: durable ? "strict" : "relaxed" });
      const store = change.objectStore(STORE);
      for (const name of without) store.delete(name);
      for (const [name, value] of values) store.put(value, name);
      change.addEventListener("complete", resolve);
      for (const failed of ["abort", "error"]) change.addEventListener(failed, () => reject(change.error ?? new Error("not written")));
    });
  }
}

const rangeOf = (start) => IDBKeyRange.bound(start, `${start}\uffff`);

function openDatabase() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(STORE));
  return answerOf(opening);
}

function answerOf(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

function openChannel(owner) {
  if (!globalThis.BroadcastChannel || !globalThis.document) return null;
  return new BroadcastChannel(`cencomm/${owner}`);
}

// ---------- for pages that hold no key ----------

/** How many names of this officer begin with `start`; nothing is opened. */
export async function countKept(owner, start) {
  try {
    const database = await openDatabase();
    const store = database.transaction(STORE).objectStore(STORE);
    const count = await answerOf(store.count(rangeOf(`${owner}/${start}`)));
    database.close();
    return count;
  } catch {
    return 0;
  }
}

/** Deletes everything that this browser keeps of the officer. */
export async function forgetKept(owner) {
  const database = await openDatabase();
  const shelf = new DatabaseShelf(database);
  await shelf.write([], await shelf.names(`${owner}/`)); // names only: what is kept may be larger than memory
  database.close();
}
