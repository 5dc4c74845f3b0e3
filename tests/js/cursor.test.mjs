// What the client makes of each item of the stream.
import assert from "node:assert/strict";
import test from "node:test";
import { backOff, Cursor } from "../../static/messaging/cursor.js";

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

test("back-off grows, stays bounded and is jittered", () => {
  assert.ok(backOff(0, 1) <= 800);
  assert.ok(backOff(3, 1) > backOff(1, 1));
  assert.ok(backOff(50, 1) <= 30250);
  assert.notEqual(backOff(4, 0.1), backOff(4, 0.9));
});
