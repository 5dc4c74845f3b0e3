// What a page asks by itself says so, once nobody sits there.
import assert from "node:assert/strict";
import test from "node:test";

const heard = {};
globalThis.addEventListener = (name, act) => (heard[name] = act);
const { attended, onReturn, unasked } = await import("../../static/cencomm/attendance.js");

test("somebody who has just come is there", () => {
  assert.equal(attended(), true);
  assert.deepEqual(unasked(), {});
});

test("a minute without a sign is nobody, and a key brings them back", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  let returns = 0;
  onReturn(() => (returns += 1));
  heard.keydown();
  t.mock.timers.tick(61000);
  assert.deepEqual(unasked(), { "X-Unattended": "yes" });
  heard.keydown();
  heard.keydown();
  assert.equal(returns, 1);
  assert.deepEqual(unasked(), {});
});
