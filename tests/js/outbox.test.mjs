// Nothing written is lost, nothing is sent under two names.
import assert from "node:assert/strict";
import test from "node:test";
import { mintId, Outbox } from "../../static/messaging/outbox.js";

class Storage {
  items = new Map();
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, value) {
    this.items.set(key, value);
  }
  removeItem(key) {
    this.items.delete(key);
  }
}

function outbox({ deliver, storage = new Storage(), online = () => true }) {
  const later = [];
  const box = new Outbox({ storage, owner: "o", deliver, online, schedule: (work, pause) => later.push([work, pause]) });
  return { box, later, storage };
}

test("a confirmed message leaves the outbox", async () => {
  const sent = [];
  const { box } = outbox({ deliver: async (group, message) => sent.push([group, message.id]) });
  await box.send("g", { id: "a" });
  assert.deepEqual(sent, [["g", "a"]]);
  assert.equal(box.count(), 0);
});

test("without a network it waits and is sent later under the same id", async () => {
  let connected = false;
  const sent = [];
  const { box } = outbox({ deliver: async (group, message) => sent.push(message.id), online: () => connected });
  await box.send("g", { id: "a" });
  assert.deepEqual(sent, []);
  assert.equal(box.entries("g")[0].state, "waiting");
  connected = true;
  await box.flush();
  assert.deepEqual(sent, ["a"]);
});

test("a lost connection is tried again with the same id, and later ones keep their order", async () => {
  const tried = [];
  let failures = 1;
  const { box, later } = outbox({
    deliver: async (group, message) => {
      tried.push(message.id);
      if (failures) {
        failures -= 1;
        throw { retry: true };
      }
    },
  });
  await Promise.all([box.send("g", { id: "a" }), box.send("g", { id: "b" })]);
  while (later.length) await later.shift()[0]();
  assert.deepEqual(tried.filter((id) => id === "a").length, 2);
  assert.ok(tried.lastIndexOf("a") < tried.indexOf("b"));
  assert.equal(box.count(), 0);
});

test("a refusal stays with its reason and does not hold up the next", async () => {
  const { box } = outbox({
    deliver: async (group, message) => {
      if (message.id === "bad") throw { retry: false, problem: { title: "No" } };
    },
  });
  await box.send("g", { id: "bad" });
  await box.send("g", { id: "good" });
  assert.deepEqual(box.entries().map((entry) => [entry.id, entry.state, entry.problem.title]), [["bad", "failed", "No"]]);
});

test("a page closed while sending sends again when it is opened again", async () => {
  const storage = new Storage();
  const first = outbox({ storage, deliver: () => new Promise(() => {}) });
  first.box.send("g", { id: "a" });
  await Promise.resolve();
  const sent = [];
  const second = outbox({ storage, deliver: async (group, message) => sent.push(message.id) });
  await second.box.flush();
  assert.deepEqual(sent, ["a"]);
});

test("a draft is kept and not sent", async () => {
  const sent = [];
  const { box } = outbox({ deliver: async (group, message) => sent.push(message.id) });
  box.keep("g", { id: "d" });
  await box.flush();
  assert.deepEqual(sent, []);
  assert.equal(box.count("g"), 1);
});

test("ids are version 4 UUIDs also without a secure context", () => {
  const source = { getRandomValues: (bytes) => globalThis.crypto.getRandomValues(bytes) };
  assert.match(mintId(source), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("what was made of a draft takes its place, and nothing is missing in between", async () => {
  const { box } = outbox({ deliver: async () => {}, online: () => false });
  box.keep("g", { id: "old", body: { text: "first" } });
  await box.send("g", { id: "new", body: { text: "second" } }, { instead: "old" });
  assert.deepEqual(box.entries("g").map(({ id, state }) => [id, state]), [["new", "waiting"]]);
});

test("a storage that is full loses neither the draft nor what was written", () => {
  const storage = new Storage();
  const { box } = outbox({ deliver: async () => {}, storage, online: () => false });
  box.keep("g", { id: "old" });
  storage.setItem = () => {
    throw new Error("full");
  };
  assert.throws(() => box.send("g", { id: "new" }, { instead: "old" }));
  assert.deepEqual(box.entries("g").map(({ id }) => id), ["old"]);
});
