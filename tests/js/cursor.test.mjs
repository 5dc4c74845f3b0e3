// What the client makes of each item of the stream.
import assert from "node:assert/strict";
import test from "node:test";
import { afterClose, backOff, Cursor } from "../../static/messaging/cursor.js";

test("events in order are applied, duplicates ignored, a gap asks again", () => {
  const cursor = new Cursor({ epoch: "e", after: 5 });
  assert.equal(cursor.take({ op: "event", seq: 6 }), "apply");
  assert.equal(cursor.take({ op: "event", seq: 6 }), "ignore");
  assert.equal(cursor.take({ op: "event", seq: 8 }), "follow");
  assert.deepEqual(cursor.position(), { epoch: "e", after: 6 });
});

test("without a position the first event sets it", () => {
  const cursor = new Cursor();
  assert.deepEqual(cursor.position(), {});
  assert.equal(cursor.take({ op: "event", seq: 41 }), "apply");
  assert.equal(cursor.take({ op: "event", seq: 42 }), "apply");
});

test("heads that are ahead ask again, others do not", () => {
  const cursor = new Cursor({ epoch: "e", after: 5 });
  assert.equal(cursor.take({ op: "heads", head: 5 }), "");
  assert.equal(cursor.take({ op: "heads", head: 6 }), "follow");
});

test("restart drops the position and takes the new epoch", () => {
  const cursor = new Cursor({ epoch: "old", after: 5 });
  assert.equal(cursor.take({ op: "restart", epoch: "new" }), "restart");
  assert.deepEqual(cursor.position(), {});
  assert.equal(cursor.epoch, "new");
});

test("back-off grows, stays bounded, and is chance from nothing up to its ceiling", () => {
  assert.equal(backOff(0, 1), 1000);
  assert.equal(backOff(3, 1), 8000);
  assert.equal(backOff(50, 1), 30000);
  assert.equal(backOff(4, 0), 0);
  assert.notEqual(backOff(4, 0.1), backOff(4, 0.9));
});

test("a close code says what comes next", () => {
  assert.deepEqual(afterClose(4401, 0), { end: "signedout" });
  assert.deepEqual(afterClose(4403, 0), { end: "refused" });
  assert.deepEqual(afterClose(4408, 0, 1), { wait: 0 });
  assert.deepEqual(afterClose(4408, 3, 1), { wait: 8000 });
  assert.ok(afterClose(4429, 0, 0).wait >= 15000);
  assert.deepEqual(afterClose(1012, 0, 1), { wait: 2000 });
  assert.deepEqual(afterClose(1006, 0, 1), { wait: 1000 });
});
