// Order, threads, folding and filters of the stream.
import assert from "node:assert/strict";
import test from "node:test";
import { depthOf, Feed, foldReplies, isOverdue, matches, sliceAround, toBlocks } from "../../static/messaging/feed.js";

const message = (seq, more = {}) => ({ id: `m${seq}`, seq, kind: "note", subject: `Subject ${seq}`, body: {}, ...more });

test("answers stand below their warning, at the place of the last answer", () => {
  const blocks = toBlocks([
    message(1, { kind: "warning" }),
    message(2),
    message(3, { kind: "feedback", in_reply_to: "m1" }),
    message(4, { kind: "seizure", in_reply_to: "m3" }),
  ]);
  assert.deepEqual(blocks.map((block) => [block.id, block.replies.map((reply) => reply.id)]), [["m2", []], ["m1", ["m3", "m4"]]]);
});

test("an answer whose root is not loaded stands alone", () => {
  const blocks = toBlocks([message(9, { in_reply_to: "elsewhere" })]);
  assert.equal(blocks[0].root.id, "m9");
});

test("a circle of answers does not hang", () => {
  const blocks = toBlocks([message(1, { in_reply_to: "m2" }), message(2, { in_reply_to: "m1" })]);
  assert.equal(blocks.flatMap((block) => [block.root, ...block.replies]).length, 2);
});

test("by time every message is a block, and an answer to the row above is indented", () => {
  const blocks = toBlocks([message(1), message(2, { in_reply_to: "m1" }), message(3, { in_reply_to: "m1" })], { threaded: false });
  assert.deepEqual(blocks.map((block) => block.indented), [false, true, false]);
});

test("depth: warning, feedback, seizure", () => {
  const all = [message(1), message(2, { in_reply_to: "m1" }), message(3, { in_reply_to: "m2" })];
  const byId = new Map(all.map((one) => [one.id, one]));
  assert.deepEqual(all.map((one) => depthOf(one, all[0], byId)), [0, 1, 2]);
});

test("long threads fold to the last two, short ones do not", () => {
  const replies = [1, 2, 3, 4, 5].map((seq) => message(seq));
  assert.equal(foldReplies(replies).hidden, 3);
  assert.deepEqual(foldReplies(replies).visible.map((one) => one.seq), [4, 5]);
  assert.equal(foldReplies(replies.slice(0, 3)).hidden, 0);
  assert.equal(foldReplies(replies, { unfolded: true }).hidden, 0);
});

test("a view takes only what matches, but always the newer state of what it holds", () => {
  const feed = new Feed({ kinds: ["warning"] });
  assert.equal(feed.put(message(1)), "");
  assert.equal(feed.put(message(2, { kind: "warning", status: "open" })), "added");
  assert.equal(feed.put({ id: "m2", status: "answered" }), "changed");
  assert.equal(feed.get("m2").status, "answered");
  assert.equal(feed.get("m2").subject, "Subject 2");
});

test("the oldest are forgotten past the limit, and are then known to be missing", () => {
  const feed = new Feed();
  feed.complete = true;
  for (let seq = 1; seq <= 10; seq += 1) feed.put(message(seq));
  feed.trim(4);
  assert.deepEqual(feed.ordered().map((one) => one.seq), [7, 8, 9, 10]);
  assert.equal(feed.complete, false);
});

test("search folds case and accents and wants every word", () => {
  const note = message(1, { subject: "Contrôle du quai", body: { text: "RAS" } });
  assert.ok(matches(note, { text: "CONTROLE ras" }));
  assert.ok(!matches(note, { text: "controle tema" }));
});

test("overdue: due in the past and not answered", () => {
  const due = { asks: true, due_at: "2026-11-21T06:00:00Z" };
  const now = Date.parse("2026-11-21T07:00:00Z");
  assert.ok(isOverdue(message(1, due), now));
  assert.ok(!isOverdue(message(1, { ...due, answered: true }), now));
  assert.ok(!isOverdue(message(1, { asks: true }), now));
  assert.ok(!isOverdue(message(1, { ...due, asks: false }), now)); // nobody can answer a note
});

test("the slice stays inside and holds the anchor", () => {
  assert.deepEqual(sliceAround(1000, 500, 100), { from: 450, to: 550 });
  assert.deepEqual(sliceAround(1000, 5, 100), { from: 0, to: 100 });
  assert.deepEqual(sliceAround(1000, 999, 100), { from: 900, to: 1000 });
  assert.deepEqual(sliceAround(20, 10, 100), { from: 0, to: 20 });
});
