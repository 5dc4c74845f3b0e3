// The live stream through sleep, silence and close codes: what it says of itself is true, and it comes back.
import assert from "node:assert/strict";
import test, { beforeEach, mock } from "node:test";
import { connectionText } from "../../static/messaging/connection.js";
import { Live } from "../../static/messaging/live.js";

const sockets = [];

/** A socket whose other end is the test. */
class Wire extends EventTarget {
  readyState = 0;
  said = [];

  constructor() {
    super();
    sockets.push(this);
  }

  send(text) {
    this.said.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  open() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  tell(...items) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(items) }));
  }

  end(code) {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

let online = true;
let live;
const states = [];
const last = () => sockets.at(-1);
const caughtUp = { op: "caught_up", group: "g", head: 5, epoch: "e" };

/** A connection that stands, caught up at 5. */
function connected() {
  last().open();
  last().tell({ op: "hello", heartbeat: 20 });
  last().tell(caughtUp);
}

/** Seconds in which the machine is awake. */
function pass(seconds) {
  for (let n = 0; n < seconds; n += 1) mock.timers.tick(1000);
}

/** Seconds that the machine sleeps: the clock goes on, nothing runs. */
function sleep(seconds) {
  const now = Date.now();
  mock.timers.setTime(now + seconds * 1000 - 1000);
  mock.timers.tick(1000);
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"], now: 1_700_000_000_000 });
  mock.method(Math, "random", () => 0.999);
  sockets.length = 0;
  states.length = 0;
  online = true;
  live = new Live({ group: "g", url: "ws://there", epoch: "e", after: 5, WebSocketClass: Wire, online: () => online });
  live.addEventListener("state", ({ detail }) => states.push(detail.state));
  live.start();
  connected();
});

test("it is live only when it has caught up", () => {
  assert.deepEqual(states, ["catching_up", "live"]);
  assert.deepEqual(last().said[0], { op: "follow", groups: { g: { epoch: "e", after: 5 } } });
});

test("after sleep the socket is asked at once, and is not believed until it answers", () => {
  sleep(3600);
  assert.equal(live.state, "checking");
  assert.deepEqual(last().said.at(-1), { op: "ping" });
  last().tell({ op: "pong" });
  assert.equal(live.state, "live");
  assert.equal(sockets.length, 1);
});

test("a socket that died while one slept is replaced within seconds, at the cursor", () => {
  sleep(3600);
  pass(6);
  assert.equal(sockets.length, 2);
  assert.equal(sockets[0].readyState, 3);
  assert.notEqual(live.state, "live");
  last().open();
  assert.deepEqual(last().said[0], { op: "follow", groups: { g: { epoch: "e", after: 5 } } });
  last().tell(caughtUp);
  assert.equal(live.state, "live");
});

test("what is read while nothing can be said is said once the stream stands again", () => {
  const seen = () => sockets.flatMap(({ said }) => said.filter(({ op }) => op === "seen"));
  last().end(1006);
  live.seen(7);
  live.seen(6);
  assert.deepEqual(seen(), []);
  pass(3);
  connected();
  assert.deepEqual(seen(), [{ op: "seen", group: "g", seq: 7 }]);
  last().tell(caughtUp);
  live.seen(8);
  assert.deepEqual(seen().slice(1), [{ op: "seen", group: "g", seq: 8 }]);
  pass(28);
  assert.equal(live.state, "checking");
  live.seen(9); // into a line that is dead, perhaps
  pass(12);
  connected();
  assert.deepEqual(seen().slice(2).map(({ seq }) => seq), [9, 9]);
});

test("what was read of another history is not said of this one", () => {
  last().end(1006);
  live.seen(90);
  pass(3);
  last().open();
  last().tell({ op: "hello", heartbeat: 20 }, { op: "restart", group: "g", epoch: "f" }, { ...caughtUp, epoch: "f" });
  assert.deepEqual(last().said.filter(({ op }) => op === "seen"), []);
});

test("a silent socket is doubted after a heartbeat and dead before two and a half", () => {
  pass(25);
  assert.equal(live.state, "live");
  pass(3);
  assert.equal(live.state, "checking");
  pass(12);
  assert.equal(sockets.length, 2);
});

test("heads every heartbeat keep it live for ever", () => {
  for (let n = 0; n < 30; n += 1) {
    pass(20);
    last().tell({ op: "heads", heads: { g: 5 } });
  }
  assert.equal(sockets.length, 1);
  assert.deepEqual([...new Set(states)], ["catching_up", "live"]);
});

test("a machine that says it has no network is not believed either: the socket is asked", () => {
  live.doubt();
  assert.equal(live.state, "checking");
  last().tell({ op: "pong" });
  assert.equal(live.state, "live");
});

test("without a network it says offline and since when, and tries again by itself", () => {
  online = false;
  last().end(1006);
  assert.equal(live.state, "offline");
  assert.match(connectionText(live).text, /^offline since \d\d:\d\d$/);
  pass(40);
  assert.ok(sockets.length > 1);
  assert.equal(live.state, "offline");
});

test("what was refused is not said to wait", () => {
  assert.equal(connectionText({ state: "live", drafts: 3, refused: 1 }).text, "live · 2 waiting · 1 not sent");
  assert.equal(connectionText({ state: "live", drafts: 1, refused: 1 }).text, "live · 1 not sent");
  assert.equal(connectionText({ state: "live" }).text, "live");
});

test("waiting says how long, and is never shown as live", () => {
  last().end(1012);
  assert.equal(live.state, "waiting");
  assert.equal(connectionText({ ...live, state: live.state, retryAt: live.retryAt }).text, "reconnecting in 2 s");
  pass(3);
  assert.equal(sockets.length, 2);
  assert.equal(live.state, "connecting");
});

test("a server that takes us in and drops us is left more and more room; a connection that held starts anew", () => {
  const waits = [];
  for (let n = 0; n < 5; n += 1) {
    const before = sockets.length;
    last().end(1006);
    waits.push(live.retryAt - Date.now());
    for (let second = 0; second < 40 && sockets.length === before; second += 1) pass(1);
    assert.equal(sockets.length, before + 1);
    connected();
  }
  assert.deepEqual(waits.map((wait) => Math.round(wait / 1000)), [1, 2, 4, 8, 16]);
  for (let n = 0; n < 3; n += 1) {
    pass(15);
    last().tell({ op: "heads", heads: { g: 5 } });
  }
  last().end(1006);
  assert.ok(live.retryAt - Date.now() <= 1000);
});

test("too slow: back at once by the cursor; signed out: not at all", () => {
  last().tell({ op: "event", group: "g", seq: 6, event: { type: "message" } });
  last().end(4408);
  pass(1);
  last().open();
  assert.deepEqual(last().said[0], { op: "follow", groups: { g: { epoch: "e", after: 6 } } });
  let told = 0;
  live.addEventListener("signedout", () => (told += 1));
  last().end(4401);
  assert.equal(live.state, "signedout");
  pass(120);
  assert.equal(told, 1);
  assert.equal(sockets.length, 2);
});

test("what the old socket still says after it was given up counts no more", () => {
  const [old] = sockets;
  sleep(600);
  pass(6);
  const heard = [];
  live.addEventListener("event", ({ detail }) => heard.push(detail.seq));
  old.tell({ op: "event", group: "g", seq: 6, event: {} });
  old.end(1006);
  assert.deepEqual(heard, []);
  assert.equal(live.socket, last());
});

test("to follow is refused for a moment: asked again; for good: it ends", () => {
  last().end(1006);
  pass(2);
  last().open();
  last().tell({ op: "refused", id: null, group: "g", problem: { status: 503, retry_after: 5 } });
  assert.equal(live.state, "waiting");
  assert.ok(live.retryAt - Date.now() >= 5000);
  pass(10);
  last().open();
  last().tell({ op: "refused", id: null, group: "g", problem: { status: 404 } });
  assert.equal(live.state, "refused");
});

test("a post whose socket goes away is told to go again; its answer over a new one is not awaited", async () => {
  const posting = live.post({ id: "m" });
  last().end(1006);
  await assert.rejects(posting, (failure) => failure.retry === true && !failure.problem);
});

for (const [what, told] of [["the network is back", "online"], ["the page was taken back", "pageshow"], ["the page was thawed", "resume"],
  ["somebody looks again", "visibilitychange"]]) {
  test(`no more waiting when ${what}`, (t) => {
    const page = Object.assign(new EventTarget(), { hidden: false });
    globalThis.addEventListener = page.addEventListener.bind(page);
    globalThis.document = page;
    t.after(() => delete globalThis.addEventListener);
    t.after(() => delete globalThis.document);
    const one = new Live({ group: "g", url: "ws://there", epoch: "e", after: 5, WebSocketClass: Wire, online: () => true });
    one.start();
    for (let n = 0; n < 6; n += 1) {
      last().end(1006);
      one.retryAt = Math.max(one.retryAt, Date.now() + 20_000);
    }
    const tried = sockets.length;
    pass(2);
    assert.deepEqual([one.state, sockets.length], ["waiting", tried]);
    page.dispatchEvent(new Event(told));
    assert.equal(sockets.length, tried + 1);
    one.stop();
  });
}
