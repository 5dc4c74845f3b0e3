// Files on their way: nothing is sent twice, nothing lost by a broken line, a reload or a full disk; a message waits.
import assert from "node:assert/strict";
import test from "node:test";
import { Pace } from "../../static/messaging/attach_pace.js";
import { Uploads } from "../../static/messaging/attach_queue.js";
import { canShrink, scaledSize } from "../../static/messaging/attach_scale.js";
import { FileStore } from "../../static/messaging/attach_store.js";
import { fileText, objectionTo, pastedName, sizeText, uploadText } from "../../static/messaging/attach_words.js";
import { stepTo } from "../../static/messaging/attach_gallery.js";
import { Kept, makeSealer, MemoryShelf } from "../../static/messaging/kept.js";
import { pendingText } from "../../static/messaging/pending.js";
import { makeOutbox } from "../../static/messaging/sending.js";
import { asPage } from "./page.mjs";

const KEY = btoa(String.fromCharCode(...new Uint8Array(32).fill(7)));
const BYTES = Uint8Array.from({ length: 700_001 }, (_, at) => (at * 31) % 251);

/** The server's side of an upload: offsets as it keeps them, and what a test makes it answer. */
class Server {
  constructor() {
    this.files = new Map();
    this.pieces = [];
    this.conflicts = 0; // pieces that were sent for nothing
    this.removed = [];
    this.before = () => {}; // called with each piece before it is taken
    this.after = () => {}; // and after: the answer is lost when it throws
    this.verdict = "ready";
  }

  beginUpload = async (group, { id, name, size, caption }) => {
    const known = this.files.get(id) ?? { id, group, name, size, caption, bytes: Buffer.alloc(0) };
    this.files.set(id, known);
    return this.told(known);
  };

  told(file) {
    const state = file.bytes.length < file.size ? "uploading" : this.verdict;
    return { id: file.id, state, reason: state === "refused" ? "malware" : null, caption: file.caption, offset: file.bytes.length, piece: 256 * 1024 };
  }

  appendPiece = async (id, offset, blob) => {
    const file = this.files.get(id);
    if (!file) throw { retry: false, problem: { status: 404 } };
    this.before(file);
    this.conflicts += offset !== file.bytes.length;
    if (offset !== file.bytes.length) throw { retry: false, offset: file.bytes.length, problem: { status: 409 } };
    file.bytes = Buffer.concat([file.bytes, new Uint8Array(await blob.arrayBuffer())]);
    this.pieces.push(blob.size);
    this.after(file);
    return file.bytes.length;
  };

  lookAt = async (id) => this.told(this.files.get(id));

  writeCaption = async (id, caption) => (this.files.get(id).caption = caption);

  takeAway = async (id) => this.removed.push(id);
}

function keptOn(shelf, sealer) {
  return new Kept({ owner: "o", shelf, channel: null, ...(sealer ? { sealer } : {}) });
}

function device({ server = new Server(), shelf = new MemoryShelf(), sealer = null, ...more } = {}) {
  const later = [];
  const kept = keptOn(shelf, sealer);
  const uploads = new Uploads({ store: new FileStore({ kept }), client: server, random: () => 0.5, schedule: (work, pause) => later.push([work, pause]), ...more });
  return { server, shelf, kept, uploads, later };
}

/** Lets the pauses pass until nothing is planned any more. */
async function passTime({ uploads, later }) {
  for (let turn = 0; later.length && turn < 200; turn += 1) {
    const [work] = later.shift();
    await work();
    await uploads.hurry();
  }
}

async function addAll({ uploads }, file = new File([BYTES], "quay.jpg", { type: "image/jpeg" })) {
  const entry = uploads.add("g", file);
  await entry.kept;
  await uploads.running;
  return entry;
}

function expectWhole(server, id) {
  assert.ok(server.files.get(id).bytes.equals(BYTES), `${server.files.get(id).bytes.length} of ${BYTES.length} bytes`);
}

test("a file arrives whole, in pieces that grow on a good line", async () => {
  const all = device();
  const entry = await addAll(all);
  await passTime(all);
  expectWhole(all.server, entry.id);
  assert.equal(entry.state, "ready");
  assert.equal(all.server.pieces[0], 64 * 1024);
  assert.ok(all.server.pieces[1] > all.server.pieces[0]);
  assert.ok(Math.max(...all.server.pieces) <= 256 * 1024, "no larger than the server takes");
});

test("pieces shrink on a slow line and never below what the server takes", () => {
  const pace = new Pace();
  pace.took(100, 64 * 1024);
  pace.took(100, 128 * 1024);
  assert.equal(pace.size, 256 * 1024);
  pace.took(9000, 256 * 1024);
  assert.equal(pace.size, 128 * 1024);
  pace.took(3000, 128 * 1024);
  assert.equal(pace.size, 128 * 1024);
  for (let n = 0; n < 9; n += 1) pace.failed();
  assert.equal(pace.size, 64 * 1024);
  pace.took(100, 1000); // the last of a file says nothing of the line
  assert.equal(pace.size, 64 * 1024);
});

test("a line that breaks in the middle loses nothing and doubles nothing", async () => {
  const all = device();
  let cuts = 3;
  all.server.before = () => {
    if (all.server.pieces.length && cuts) {
      cuts -= 1;
      throw { retry: true, problem: { status: 0 } };
    }
  };
  const entry = await addAll(all);
  assert.equal(entry.state, "waiting");
  assert.ok(entry.offset > 0 && all.uploads.retryAt);
  await passTime(all);
  expectWhole(all.server, entry.id);
  assert.equal(all.server.pieces.reduce((sum, size) => sum + size), BYTES.length);
});

test("a piece whose answer was lost is not sent again", async () => {
  const all = device();
  let lost = 2;
  all.server.after = () => {
    if (lost) {
      lost -= 1;
      throw { retry: true, problem: { status: 0 } };
    }
  };
  const entry = await addAll(all);
  await passTime(all);
  expectWhole(all.server, entry.id);
  assert.equal(all.server.pieces.reduce((sum, size) => sum + size), BYTES.length);
});

test("where the server stands elsewhere the upload goes on from there", async () => {
  const all = device();
  all.server.before = (file) => {
    if (file.bytes.length === 64 * 1024) file.bytes = Buffer.from(BYTES.subarray(0, 100_000)); // another tab was faster
  };
  const entry = await addAll(all);
  await passTime(all);
  expectWhole(all.server, entry.id);
});

test("a page that was closed in the middle is gone on with by the next, from where the server stands", async () => {
  const shelf = new MemoryShelf();
  const sealer = await makeSealer(KEY, "o");
  const server = new Server();
  server.before = () => {
    if (server.pieces.length === 2) throw { retry: true, problem: { status: 0 } };
  };
  const first = device({ server, shelf, sealer });
  const { id } = await addAll(first);
  server.before = () => {};
  const sent = server.files.get(id).bytes.length;
  assert.ok(sent > 0 && sent < BYTES.length);
  const second = device({ server, shelf, sealer });
  await second.uploads.refresh();
  assert.equal(second.uploads.get(id).name, "quay.jpg");
  await second.uploads.flush();
  await passTime(second);
  expectWhole(server, id);
  assert.equal(server.conflicts, 0);
});

test("what lies on the disk is noise without the key", async () => {
  const shelf = new MemoryShelf();
  const all = device({ shelf, sealer: await makeSealer(KEY, "o"), server: Object.assign(new Server(), { beginUpload: async () => Promise.reject({ retry: true }) }) });
  const file = new File([new TextEncoder().encode("lantern at berth nine ".repeat(20_000))], "lantern.txt", { type: "text/plain" });
  const { id } = await addAll(all, file);
  assert.ok(shelf.items.size > 1);
  for (const [name, { data }] of shelf.items) {
    assert.ok(!Buffer.from(data).includes("lantern"), name);
    assert.ok(!name.includes("lantern"));
  }
  assert.equal(await (await all.uploads.store.read(id, 22, 44)).text(), "lantern at berth nine ");
  const other = new FileStore({ kept: keptOn(shelf, await makeSealer(KEY, "p")) });
  assert.deepEqual((await other.entries()).map(({ state }) => state), ["lost"]);
});

test("any stretch of a file is read back as it was", async () => {
  const all = device({ server: Object.assign(new Server(), { beginUpload: async () => Promise.reject({ retry: true }) }) });
  const { id } = await addAll(all);
  for (const [from, to] of [[0, 1], [262_143, 262_145], [0, BYTES.length], [600_000, BYTES.length], [262_144, 524_288]]) {
    const read = new Uint8Array(await (await all.uploads.store.read(id, from, to)).arrayBuffer());
    assert.ok(Buffer.from(read).equals(BYTES.subarray(from, to)), `${from} to ${to}`);
  }
});

test("a disk that is full: the file is uploaded all the same, and the page knows that it must stay open", async () => {
  const all = device();
  all.shelf.write = async () => {
    throw new Error("full");
  };
  const entry = await addAll(all);
  assert.equal(entry.lasting, false);
  await passTime(all);
  expectWhole(all.server, entry.id);
});

test("a file that is half kept is no file", async () => {
  const all = device();
  const { write } = all.shelf;
  let room = 2;
  all.shelf.write = async (values, without) => {
    if (values.length && room-- <= 0) throw new Error("full");
    return write.call(all.shelf, values, without);
  };
  await addAll(all);
  assert.deepEqual(await all.kept.names("file/"), []);
  assert.deepEqual(await all.kept.names("part/"), []);
});

test("bytes that are gone from the disk are told, not sent", async () => {
  const all = device();
  all.server.before = () => {
    throw { retry: true, problem: { status: 0 } };
  };
  const { id } = await addAll(all);
  for (const name of [...all.shelf.items.keys()]) if (name.includes("part/")) all.shelf.items.delete(name);
  const again = device({ server: new Server(), shelf: all.shelf });
  await again.uploads.flush();
  assert.equal(again.uploads.get(id).state, "lost");
  assert.match(again.uploads.verdict([id]).title, /quay\.jpg: not on this device/);
});

test("what the server's check refuses hinders its message, and says why", async () => {
  const all = device({ reasons: { malware: "The scanner found something." } });
  all.server.verdict = "refused";
  const entry = await addAll(all);
  await passTime(all);
  assert.equal(entry.state, "refused");
  assert.equal(all.uploads.verdict([entry.id]).title, "quay.jpg: The scanner found something.");
  assert.equal(uploadText(entry, { reasons: all.uploads.reasons }), "refused: The scanner found something.");
});

test("a refusal at the door stays with its reason and holds up no other file", async () => {
  const all = device();
  const { beginUpload } = all.server;
  all.server.beginUpload = async (group, facts) => {
    if (facts.name === "bad.jpg") throw { retry: false, problem: { status: 409, detail: "There is no room." } };
    return beginUpload(group, facts);
  };
  const bad = all.uploads.add("g", new File([BYTES], "bad.jpg", { type: "image/jpeg" }));
  const good = await addAll(all);
  await bad.kept;
  await passTime(all);
  assert.equal(bad.state, "refused");
  assert.equal(uploadText(bad), "refused: There is no room.");
  assert.equal(good.state, "ready");
  all.server.beginUpload = beginUpload;
  await all.uploads.retry([bad.id]);
  await passTime(all);
  assert.equal(bad.state, "ready");
});

test("an upload that the server has swept begins again by itself", async () => {
  const all = device();
  let swept = false;
  all.server.before = (file) => {
    if (!swept && all.server.pieces.length === 2) {
      swept = true;
      all.server.files.delete(file.id);
      throw { retry: false, problem: { status: 404 } };
    }
  };
  const entry = await addAll(all);
  await passTime(all);
  expectWhole(all.server, entry.id);
});

test("a file that is given up is taken away here and there, and its piece on the way is dropped", async () => {
  const all = device();
  const entry = all.uploads.add("g", new File([BYTES], "quay.jpg", { type: "image/jpeg" }));
  all.server.after = () => {
    all.server.after = () => {};
    all.uploads.discard(entry.id);
  };
  await entry.kept;
  await all.uploads.running;
  await passTime(all);
  assert.equal(all.uploads.get(entry.id), undefined);
  assert.deepEqual(all.server.removed, [entry.id]);
  assert.equal(all.server.pieces.length, 1);
  assert.deepEqual([...all.shelf.items.keys()], []);
});

test("no piece goes of a file that is given up while the piece is read", async () => {
  const all = device();
  const entry = all.uploads.add("g", new File([BYTES], "quay.jpg", { type: "image/jpeg" }));
  const read = all.uploads.bytes.bind(all.uploads);
  all.uploads.bytes = async (...asked) => {
    const bytes = await read(...asked);
    all.uploads.discard(entry.id);
    return bytes;
  };
  await entry.kept;
  await all.uploads.running;
  await passTime(all);
  assert.deepEqual([all.server.removed, all.server.pieces], [[entry.id], []]);
});

test("a caption is with the server before its message may go", async () => {
  const all = device();
  const entry = await addAll(all);
  await passTime(all);
  assert.equal(all.uploads.verdict([entry.id]), "");
  const describing = all.uploads.describe(entry.id, "Seal of the container");
  await describing;
  await passTime(all);
  await all.uploads.running;
  assert.equal(all.server.files.get(entry.id).caption, "Seal of the container");
  assert.equal(all.uploads.verdict([entry.id]), "");
  const again = device({ server: all.server, shelf: all.shelf });
  await again.uploads.refresh();
  assert.equal(again.uploads.get(entry.id).caption, "Seal of the container");
});

test("what nobody speaks of any more is swept, but not what may be written just now", async () => {
  const shelf = new MemoryShelf();
  const past = device({ shelf, now: () => Date.now() - 7_200_000 });
  const [old, meant] = [await addAll(past), await addAll(past)];
  const all = device({ shelf });
  const fresh = await addAll(all);
  await all.uploads.refresh();
  await all.uploads.sweep(new Set([meant.id]));
  assert.equal(all.uploads.get(old.id), undefined);
  assert.ok(all.uploads.get(meant.id) && all.uploads.get(fresh.id));
});

// ---------- the message that waits ----------

/** The outbox as the pages make it; `deliver` stands for the server. */
function outboxOn(t, { uploads, kept }, deliver) {
  asPage(t, async (address, { body }) => Response.json((await deliver(JSON.parse(body))) ?? null));
  return makeOutbox({ kept, uploads });
}

test("a message waits for its files, goes once, and holds up no other", async (t) => {
  const all = device();
  let open = false;
  all.server.before = () => {
    if (!open) throw { retry: true, problem: { status: 0 } };
  };
  const sent = [];
  const outbox = outboxOn(t, all, async (message) => sent.push(message.id));
  const { id } = await addAll(all);
  await outbox.send("g", { id: "with picture", attachments: [id] });
  await outbox.send("g", { id: "urgent" });
  await outbox.sent;
  assert.deepEqual(sent, ["urgent"]);
  const files = all.uploads.standing([id]);
  assert.equal(pendingText(outbox.get("with picture"), { files }), "waits for its file: 0% uploaded");
  assert.equal(pendingText(outbox.get("with picture"), { files, online: false }), "waits for the network");
  open = true;
  await passTime(all);
  await outbox.flush();
  assert.deepEqual(sent, ["urgent", "with picture"]);
  expectWhole(all.server, id);
  assert.equal(outbox.count(), 0);
  assert.deepEqual([...all.shelf.items.keys()], [], "nothing of it is left on the device");
  assert.deepEqual(all.server.removed, []);
});

test("a message whose file is refused says so and can be edited; thrown away, its files go too", async (t) => {
  const all = device();
  all.server.verdict = "refused";
  const outbox = outboxOn(t, all, async () => assert.fail("not to be sent"));
  const { id } = await addAll(all);
  await passTime(all);
  await outbox.send("g", { id: "a", attachments: [id] });
  await outbox.sent;
  assert.equal(outbox.get("a").state, "failed");
  assert.match(pendingText(outbox.get("a")), /^not sent: quay\.jpg:/);
  await outbox.discard("a");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(all.server.removed, [id]);
});

test("what an edited message has lost of its files is given up when it stands in the place of the one before", async (t) => {
  const all = device();
  all.server.before = () => {
    throw { retry: true, problem: { status: 0 } };
  };
  const outbox = outboxOn(t, all, async () => assert.fail("not to be sent"));
  const [stays, goes, last] = [await addAll(all), await addAll(all), await addAll(all)].map(({ id }) => id);
  await outbox.send("g", { id: "a", attachments: [stays, goes, last] });
  assert.deepEqual([stays, goes].map((id) => outbox.speaksOf(id)), [true, true], "whoever edits it may still cancel");
  await outbox.send("g", { id: "b", attachments: [stays, last] }, { instead: "a" });
  await outbox.keep("g", { id: "b", attachments: [stays] }); // put aside under its own name
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([stays, goes, last].map((id) => Boolean(all.uploads.get(id))), [true, false, false]);
  assert.deepEqual(outbox.entries().map(({ id }) => id), ["b"]);
});

// ---------- words and numbers ----------

test("sizes are told in the language of the page", () => {
  assert.equal(sizeText(3_240_000, "en"), "3.2 MB");
  assert.equal(sizeText(3_240_000, "fr").replace(/\s/gu, " "), "3,2 Mo");
  assert.equal(sizeText(812, "en"), "0.8 kB");
  assert.equal(sizeText(81_200, "en"), "81 kB");
});

test("every state has words", () => {
  const words = ["keeping", "waiting", "uploading", "checking", "ready", "refused", "lost"].map((state) => uploadText({ state, offset: 1000, size: 4000 }, { language: "en" }));
  assert.equal(new Set(words).size, words.length);
  assert.equal(words[2], "uploading: 25% of 4 kB");
  assert.equal(uploadText({ state: "waiting", offset: 1000, size: 4000 }, { online: false, language: "en" }), "waits for the network: 4 kB");
  assert.equal(uploadText({ state: "waiting", offset: 1, size: 4 }, { retryAt: 9000, now: 1000, language: "en" }), "interrupted at 25%, goes on in 8 s");
  assert.deepEqual(["ready", "checking"].map((state) => fileText({ state })), ["", "being checked"]);
  assert.equal(fileText({ state: "refused", reason: "malware" }, { malware: "Found something." }), "refused: Found something.");
});

test("what cannot be taken is told before a byte is sent", () => {
  const limits = { accept: ["image/jpeg", ".jpg", ".pdf", "application/pdf"], largest: 1000 };
  assert.equal(objectionTo({ name: "a.jpg", size: 10, type: "image/jpeg" }, limits), "");
  assert.equal(objectionTo({ name: "A.PDF", size: 10, type: "" }, limits), "");
  assert.match(objectionTo({ name: "a.exe", size: 10, type: "application/x-msdownload" }, limits), /this type/);
  assert.match(objectionTo({ name: "a.jpg", size: 0, type: "image/jpeg" }, limits), /empty/);
  assert.match(objectionTo({ name: "a.jpg", size: 1001, type: "image/jpeg" }, limits), /at most/);
});

test("a pasted picture gets a name, a pasted file keeps its own", () => {
  const at = new Date("2026-11-22T03:04:05Z");
  assert.equal(pastedName({ name: "image.png", type: "image/png" }, at), "pasted-20261122-030405.png");
  assert.equal(pastedName({ name: "manifest.pdf", type: "application/pdf" }, at), "manifest.pdf");
});

test("a smaller picture keeps its shape and never grows", () => {
  assert.deepEqual(scaledSize({ width: 4000, height: 3000 }), { width: 2560, height: 1920 });
  assert.deepEqual(scaledSize({ width: 3000, height: 6000 }), { width: 1280, height: 2560 });
  assert.deepEqual(scaledSize({ width: 800, height: 600 }), { width: 800, height: 600 });
  assert.ok(canShrink({ media_type: "image/jpeg", size: 5e6, state: "uploading" }));
  assert.ok(!canShrink({ media_type: "image/jpeg", size: 5e6, state: "ready" }));
  assert.ok(!canShrink({ media_type: "application/pdf", size: 5e6, state: "waiting" }));
});

test("pictures end at the first and the last", () => {
  assert.deepEqual([stepTo(0, -1, 3), stepTo(0, 1, 3), stepTo(2, 1, 3), stepTo(1, -3, 3), stepTo(1, 3, 3)], [0, 1, 2, 0, 2]);
});

test("where nothing lasts longer than the page, no file is copied into its memory", async () => {
  const made = device();
  made.kept.lasting = false;
  const entry = await addAll(made);
  await passTime(made);
  assert.deepEqual([...made.shelf.items.keys()], []);
  assert.equal(entry.lasting, false);
  assert.equal(made.server.files.get(entry.id).bytes.length, BYTES.length);
});
