// Messages as the console holds them, and what events do to them.
import assert from "node:assert/strict";
import test from "node:test";
import { Feed } from "../../static/messaging/feed.js";
import { applyEvent, fromServer } from "../../static/messaging/model.js";

const me = { id: "me", country: "GH", role: "officer" };
const warning = (more = {}) => ({
  id: "w", seq: 1, kind: "warning", sender: { id: "other" }, country: "BE", status: "sent", addressed_to: { countries: ["GH", "TG"] },
  answered_by: [], acknowledgements: { expected: { GH: 2, TG: 1 }, done: {}, officers: [] }, ...more,
});

test("a warning to named countries is answered when each of them has answered", () => {
  assert.equal(fromServer(warning({ answered_by: ["GH"] }), me).answered, false);
  assert.equal(fromServer(warning({ answered_by: ["GH", "TG"] }), me).answered, true);
  assert.equal(fromServer(warning({ addressed_to: { all: true }, answered_by: ["CI"] }), me).answered, true);
});

test("it waits for us while we are silent, not for its own sender", () => {
  assert.equal(fromServer(warning(), me).waiting, true);
  assert.equal(fromServer(warning({ answered_by: ["GH"] }), me).waiting, false);
  assert.equal(fromServer(warning(), { ...me, country: "FR" }).waiting, false);
  assert.equal(fromServer(warning({ sender: { id: "me" } }), me).waiting, false);
});

test("receipts count by country, once per officer", () => {
  const feed = new Feed();
  feed.put(fromServer(warning(), me));
  applyEvent(feed, { type: "acknowledged", message: "w", country: "GH", actor: "me" }, me);
  applyEvent(feed, { type: "acknowledged", message: "w", country: "GH", actor: "me" }, me);
  applyEvent(feed, { type: "acknowledged", message: "w", country: "GH", actor: "colleague" }, me);
  assert.deepEqual(feed.get("w").acks, { done: 1, wanted: 2, mine: true });
});

test("who has answered is as the event says, when an answer comes and when it is withdrawn", () => {
  const feed = new Feed();
  feed.put(fromServer(warning({ addressed_to: { all: true } }), me));
  const answer = (id, kind, more) => ({ type: "message", message: { ...warning({ id, kind, seq: 2, country: "TG", in_reply_to: "w" }) }, ...more });
  applyEvent(feed, answer("n", "note"), me);
  assert.equal(feed.get("w").answered, false);
  assert.deepEqual(applyEvent(feed, answer("f", "feedback", { answered: { w: ["TG"] } }), me), ["f", "w"]);
  assert.equal(feed.get("w").answered, true);
  applyEvent(feed, { type: "status", message: "f", from: "sent", to: "withdrawn", answered: { w: [] } }, me);
  assert.equal(feed.get("w").answered, false);
});

test("a correction marks what it supersedes; a status event moves it", () => {
  const feed = new Feed();
  feed.put(fromServer(warning(), me));
  applyEvent(feed, { type: "status", message: "w", from: "sent", to: "withdrawn" }, me);
  assert.equal(feed.get("w").withdrawn, true);
  applyEvent(feed, { type: "message", message: warning({ id: "c", seq: 3, supersedes: "w" }) }, me);
  assert.equal(feed.get("w").shown, "corrected");
  assert.equal(feed.get("w").superseded_by, "c");
});

test("a checked file is replaced in every message that shows it, and nowhere else", () => {
  const feed = new Feed();
  const checking = { id: "f", name: "seal.heic", state: "checking", preview: false };
  const other = { id: "o", name: "other.pdf", state: "checking", preview: false };
  const old = warning({ id: "old", attachments: [other, checking], superseded_by: "new" });
  const fresh = warning({ id: "new", seq: 2, attachments: [checking], supersedes: "old" });
  const apart = warning({ id: "apart", seq: 3, attachments: [other] });
  for (const json of [old, fresh, apart]) feed.put(fromServer(json, me));
  const ready = { ...checking, name: "seal.jpg", state: "ready", preview: true };
  assert.deepEqual(applyEvent(feed, { type: "attachment", message: "new", attachment: ready }, me).sort(), ["new", "old"]);
  assert.deepEqual(feed.get("old").attachments, [other, ready]);
  assert.deepEqual(feed.get("new").attachments, [ready]);
  assert.deepEqual(feed.get("apart").attachments, [other]);
});
