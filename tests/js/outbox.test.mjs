// Nothing written is lost, nothing is sent under two names.
import assert from "node:assert/strict";
import test from "node:test";
import { Kept, makeSealer, MemoryShelf } from "../../static/messaging/kept.js";
import { mintId, Outbox } from "../../static/messaging/outbox.js";
import { pendingActs, pendingText, reasonsOf } from "../../static/messaging/pending.js";

function keptOn(shelf = new MemoryShelf()) {
  return new Kept({ owner: "o", shelf, channel: null });
}

function outbox({ deliver, kept = keptOn(), ...more }) {
  const later = [];
  const box = new Outbox({ kept, deliver, random: () => 0.5, schedule: (work, pause) => later.push([work, pause]), ...more });
  return { box, later, kept };
}

/** Lets the pauses of the outbox pass. */
async function passTime(box, later) {
  while (later.length) {
    later.shift();
    await box.hurry();
  }
}

async function sendAll(box, ...messages) {
  for (const message of messages) await box.send("g", message);
  await box.sent;
}

test("a confirmed message leaves the outbox", async () => {
  const sent = [];
  const { box, kept } = outbox({ deliver: async (group, message) => sent.push([group, message.id]) });
  await sendAll(box, { id: "a" });
  assert.deepEqual(sent, [["g", "a"]]);
  assert.equal(box.count(), 0);
  assert.deepEqual(await kept.all(""), []);
});

test("it is kept before it is sent", async () => {
  const kept = keptOn();
  let found = null;
  const { box } = outbox({ kept, deliver: async () => (found = await kept.get("out/a")) });
  await sendAll(box, { id: "a", body: { text: "x" } });
  assert.equal(found.message.body.text, "x");
});

for (const failure of [{ retry: true }, { retry: true, problem: { status: 500 } }, { retry: true, problem: { status: 503, code: "unavailable" } },
  { retry: true, after: 7000, problem: { status: 429 } }, { retry: true, problem: { status: 504 } }]) {
  test(`after ${failure.problem?.status ?? "silence"} the same message goes again, by its id`, async () => {
    const tried = [];
    const { box, later } = outbox({
      deliver: async (group, message) => {
        tried.push(message);
        if (tried.length < 4) throw failure;
      },
    });
    await sendAll(box, { id: "a", body: { text: "same" } });
    assert.equal(box.get("a").state, "waiting");
    if (failure.after) assert.ok(later[0][1] >= failure.after);
    await passTime(box, later);
    assert.equal(tried.length, 4);
    assert.ok(tried.every((message) => message.id === "a" && message.body.text === "same"));
    assert.equal(box.count(), 0);
  });
}

test("later ones keep their order behind one that has to wait", async () => {
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
  await sendAll(box, { id: "a" }, { id: "b" });
  await passTime(box, later);
  assert.equal(tried.filter((id) => id === "a").length, 2);
  assert.ok(tried.lastIndexOf("a") < tried.indexOf("b"));
  assert.equal(box.count(), 0);
});

test("a refusal stays with its reason and does not hold up the next", async () => {
  const { box } = outbox({
    deliver: async (group, message) => {
      if (message.id === "bad") throw { retry: false, problem: { title: "No", status: 422 } };
    },
  });
  await sendAll(box, { id: "bad" }, { id: "good" });
  assert.deepEqual(box.entries().map((entry) => [entry.id, entry.state, entry.problem.title, entry.unsure]), [["bad", "failed", "No", false]]);
  assert.ok(pendingActs(box.get("bad")).includes("edit"));
});

test("a message at which the server fails again and again is left to the officer, and holds up no other", async () => {
  const { box, later } = outbox({
    deliver: async (group, message) => {
      if (message.id === "bad") throw { retry: true, problem: { title: "Fault", status: 500 } };
    },
  });
  await sendAll(box, { id: "bad" }, { id: "good" });
  assert.deepEqual(box.entries().map((entry) => entry.id), ["bad"]);
  await passTime(box, later);
  assert.equal(box.get("bad").state, "failed");
  assert.equal(box.get("bad").unsure, true);
});

test("what may have arrived is not edited: that would make two of it", async () => {
  let answer = { retry: true };
  const { box, later } = outbox({ deliver: async () => Promise.reject(answer) });
  await sendAll(box, { id: "a" });
  assert.equal(box.get("a").unsure, true);
  assert.deepEqual(pendingActs(box.get("a")), ["again", "discard"]);
  answer = { retry: false, problem: { status: 404, title: "No such group" } }; // the gate: says nothing about the message
  await passTime(box, later);
  assert.equal(box.get("a").unsure, true);
  assert.deepEqual(pendingActs(box.get("a")), ["again", "discard"]);
  answer = { retry: false, problem: { status: 422, title: "Not so" } }; // read, and refused: it is not there
  await box.retry("a");
  assert.equal(box.get("a").unsure, false);
});

test("what never left the device may be edited", async () => {
  const { box } = outbox({ deliver: async () => Promise.reject({ retry: true, unsent: true, problem: { status: 0 } }) });
  await sendAll(box, { id: "a" });
  assert.deepEqual(pendingActs(box.get("a")), ["again", "edit", "discard"]);
  assert.equal(pendingText(box.get("a"), { online: false }), "waits for the network");
});

test("signed out: it waits, and the page is told", async () => {
  let told = 0;
  const { box } = outbox({ deliver: async () => Promise.reject({ retry: true, signedOut: true, problem: { status: 401 } }), onSignedOut: () => (told += 1) });
  await sendAll(box, { id: "a" });
  assert.equal(box.get("a").state, "waiting");
  assert.equal(told, 1);
});

test("a page closed while sending sends again when it is opened again", async () => {
  const shelf = new MemoryShelf();
  const first = outbox({ kept: keptOn(shelf), deliver: () => new Promise(() => {}) });
  await first.box.send("g", { id: "a" });
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(first.box.get("a").state, "sending");
  const sent = [];
  const second = outbox({ kept: keptOn(shelf), deliver: async (group, message) => sent.push(message.id) });
  await second.box.flush();
  assert.deepEqual(sent, ["a"]);
});

test("what another tab has sent meanwhile is not sent again", async () => {
  const shelf = new MemoryShelf();
  const sent = [];
  const tabs = [0, 1].map(() => outbox({ kept: keptOn(shelf), deliver: async (group, message) => sent.push(message.id) }).box);
  await tabs[0].kept.write({ "out/a": { id: "a", group: "g", message: { id: "a" }, state: "waiting", written_at: "1" } });
  await Promise.all(tabs.map((tab) => tab.refresh()));
  await tabs[0].flush();
  await tabs[1].flush();
  assert.deepEqual(sent, ["a"]);
});

test("a reading that was overtaken by a change is read again", async () => {
  const kept = keptOn();
  const { box } = outbox({ kept, deliver: async () => new Promise(() => {}) });
  await box.keep("g", { id: "a" });
  const all = kept.all.bind(kept);
  let between = () => box.discard("a");
  kept.all = async (start) => {
    const found = await all(start);
    const act = between;
    between = () => {};
    await act();
    return found;
  };
  await box.refresh();
  assert.equal(box.count(), 0);
});

test("a draft is kept and not sent", async () => {
  const sent = [];
  const { box } = outbox({ deliver: async (group, message) => sent.push(message.id) });
  await box.keep("g", { id: "d" });
  await box.flush();
  assert.deepEqual(sent, []);
  assert.equal(box.count(), 1);
});

test("ids are version 4 UUIDs also without a secure context", () => {
  const source = { getRandomValues: (bytes) => globalThis.crypto.getRandomValues(bytes) };
  assert.match(mintId(source), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("what was made of a draft takes its place with one stroke", async () => {
  const { box, kept } = outbox({ deliver: async () => Promise.reject({ retry: true }) });
  await box.keep("g", { id: "old", body: { text: "first" } });
  await kept.write({ "draft/g/1": "second" });
  const writes = [];
  const write = kept.write.bind(kept);
  kept.write = (values, options) => {
    writes.push([Object.keys(values), options?.without ?? []]);
    return write(values, options);
  };
  await box.send("g", { id: "new", body: { text: "second" } }, { instead: "old", without: ["draft/g/1"] });
  assert.deepEqual(writes[0], [["out/new"], ["draft/g/1", "out/old"]]);
  assert.deepEqual(box.entries("g").map(({ id }) => id), ["new"]);
});

test("a disk that is full loses neither the draft nor what was written", async () => {
  const { box, kept } = outbox({ deliver: async () => {} });
  await box.keep("g", { id: "old" });
  kept.shelf.write = async () => {
    throw new Error("full");
  };
  await assert.rejects(box.send("g", { id: "new" }, { instead: "old" }));
  assert.deepEqual(box.entries("g").map(({ id }) => id), ["old"]);
});

test("what is kept opens for its officer under its name only", async () => {
  const key = btoa(String.fromCharCode(...new Uint8Array(32).fill(7)));
  const shelf = new MemoryShelf();
  const kept = new Kept({ owner: "o", shelf, channel: null, sealer: await makeSealer(key, "o") });
  await kept.write({ "out/a": { message: { body: { text: "lantern at berth nine" } } } });
  assert.equal((await kept.get("out/a")).message.body.text, "lantern at berth nine");
  const [[, sealed]] = shelf.items;
  assert.ok(!Buffer.from(sealed.data).includes("lantern"));
  shelf.items.set("o/out/b", sealed);
  assert.equal(await kept.get("out/b"), null);
  const other = new Kept({ owner: "o", shelf, channel: null, sealer: await makeSealer(key, "p") });
  assert.equal(await other.get("out/a"), null);
  const { box } = outbox({ kept: other, deliver: async () => assert.fail("nothing to send") });
  await box.flush();
  assert.deepEqual(box.entries("g").map(({ state }) => state), ["lost", "lost"]);
});

test("reasons stand with the names of their fields", () => {
  const problem = { errors: [{ field: "body.quantity.value", message: "Needed." }, { field: "due_at", message: "Too far." }] };
  const description = { fields: [{ name: "quantity", label: "Quantity" }] };
  assert.deepEqual(reasonsOf(problem, description), [{ label: "Quantity", message: "Needed." }, { label: "", message: "Too far." }]);
});
