// The live stream of one group: WebSocket, subprotocol cencomm.v1. Reconnects by itself and continues at its cursor.
//
// Events of a Live object (EventTarget): "event" (detail: event, seq), "caughtup", "restart", "left", "signedout",
// "refused", "state". post() answers like the HTTP door. `state` is what is true at this moment:
// connecting | catching_up | live | checking (nothing heard for too long) | waiting (until `retryAt`) | offline (no
// network) | signedout | refused | left; `since`: when it last was live.
import { afterClose, Cursor } from "./cursor.js";

const TICK = 1000;
const GAP = 4000; // a tick that comes this late: the machine slept, or the page was frozen
const ANSWER_TIMEOUT = 12000;
const PROBE = 4000; // how long an answer to a ping may take
const OPENING = 15000; // how long a connection may take to open and to be greeted
const STABLE = 20000; // a connection that held this long was a good one

export class Live extends EventTarget {
  constructor({ group, url, epoch = null, after = null, WebSocketClass = globalThis.WebSocket, online = () => navigator.onLine }) {
    super();
    this.group = group;
    this.url = url;
    this.cursor = new Cursor({ epoch, after });
    this.WebSocketClass = WebSocketClass;
    this.online = online;
    this.socket = null;
    this.attempt = 0;
    this.heartbeat = 20;
    this.waiting = new Map();
    this.unsaid = 0; // how far was read while nothing could be said, or perhaps into a dead line
    this.state = "connecting";
    this.since = null;
    this.retryAt = null;
    this.stopped = false;
  }

  start() {
    const { document } = globalThis;
    const listen = (target, names, act) => names.forEach((name) => target?.addEventListener?.(name, act));
    listen(globalThis, ["online", "pageshow"], () => this.hurry());
    listen(globalThis, ["offline"], () => this.doubt());
    listen(document, ["resume"], () => this.hurry());
    listen(document, ["visibilitychange"], () => !document.hidden && this.hurry());
    this.tickedAt = Date.now();
    this.watch = setInterval(() => this.tick(), TICK);
    this.connect();
  }

  stop() {
    this.stopped = true;
    clearInterval(this.watch);
    this.drop();
  }

  isLive() {
    return this.state === "live";
  }

  connect() {
    if (this.stopped || this.socket) return;
    const socket = new this.WebSocketClass(this.url, ["cencomm.v1"]);
    this.socket = socket;
    this.retryAt = null;
    this.openedAt = Date.now();
    this.lastHeard = Date.now();
    this.following = null;
    this.setState(this.online() ? "connecting" : "offline");
    socket.addEventListener("open", () => {
      if (this.socket !== socket) return;
      this.setState("catching_up");
      this.follow();
    });
    socket.addEventListener("message", (message) => this.socket === socket && this.receive(message.data));
    socket.addEventListener("close", (event) => this.socket === socket && this.closed(event.code));
  }

  /** Lets go of the socket without waiting for its goodbye: a dead one would take minutes to say it. */
  drop() {
    const { socket } = this;
    this.socket = null;
    this.probeUntil = null;
    this.cursor.caughtUp = false;
    for (const { reject } of [...this.waiting.values()]) reject({ retry: true });
    this.waiting.clear();
    socket?.close();
  }

  closed(code) {
    const held = Date.now() - this.openedAt;
    this.drop();
    if (this.stopped) return;
    if (held > STABLE) this.attempt = 0;
    const next = afterClose(code, this.attempt);
    this.attempt += 1;
    if (next.end) this.end(next.end);
    else this.retryIn(next.wait);
  }

  /** For good: nobody is signed in, the page is not the server's own, or the membership has ended. */
  end(state) {
    this.stop();
    this.setState(state);
    this.tell(state);
  }

  retryIn(wait) {
    this.retryAt = Date.now() + wait;
    this.setState(this.online() ? "waiting" : "offline");
  }

  /** Somebody looks again, the network is back, the page was thawed: no more waiting. */
  hurry() {
    if (this.stopped) return;
    if (!this.socket) this.connect();
    else if (Date.now() - this.lastHeard > TICK) this.probe();
  }

  /** The socket may be dead: the machine slept, or says that the network is gone (a server on it still answers). */
  doubt() {
    if (this.stopped || !this.socket) return;
    this.probe();
    if (this.state === "live") this.setState("checking");
  }

  /** Once a second: what the clock says about the socket. */
  tick(now = Date.now()) {
    const slept = now - this.tickedAt > GAP || now < this.tickedAt;
    this.tickedAt = now;
    if (this.stopped) return;
    if (!this.socket) {
      if (now >= this.retryAt || slept) this.connect();
    } else if (slept) {
      this.doubt(); // silence while one slept says nothing: ask
    } else if (this.socket.readyState === 0) {
      if (now - this.openedAt > OPENING) this.giveUp();
    } else if (this.probeUntil) {
      if (now > this.probeUntil) this.giveUp();
      else if (this.state === "live") this.setState("checking"); // no answer within a second
    } else if (now - this.lastHeard > this.heartbeat * 1300) this.doubt();
  }

  /** Asks for a sign of life. Silence until the deadline ends the socket, 2 heartbeats after it last spoke. */
  probe() {
    if (this.probeUntil) return;
    this.probeUntil = Date.now() + Math.min(PROBE, this.heartbeat * 700);
    this.transmit({ op: "ping" });
  }

  /** The socket is dead: a new one at once, the next after a while. */
  giveUp() {
    this.drop();
    if (this.attempt === 0) {
      this.attempt = 1;
      this.connect();
    } else {
      this.retryIn(afterClose(1006, this.attempt).wait);
      this.attempt += 1;
    }
  }

  follow() {
    this.cursor.caughtUp = false;
    this.transmit({ op: "follow", groups: { [this.group]: this.cursor.position() } });
  }

  transmit(item) {
    if (this.socket?.readyState !== 1) return false;
    this.socket.send(JSON.stringify(item));
    return true;
  }

  receive(data) {
    this.lastHeard = Date.now();
    this.probeUntil = null;
    if (this.state === "checking") this.setState("live");
    const items = JSON.parse(data);
    for (const item of Array.isArray(items) ? items : [items]) this.handle(item);
  }

  handle(item) {
    if (item.op === "hello") this.heartbeat = item.heartbeat ?? this.heartbeat;
    if (item.op === "posted" || item.op === "refused") this.answer(item);
    const mine = item.op === "heads" ? item.heads?.[this.group] !== undefined : item.group === this.group;
    if (!mine || this.stopped) return;
    const told = item.op === "heads" ? { op: "heads", head: item.heads[this.group] } : item;
    switch (this.cursor.take(told)) {
      case "apply":
        this.following = null;
        this.tell("event", { event: item.event, seq: item.seq });
        break;
      case "follow":
        // Asked once per position: what was asked for may still be on its way.
        if (this.following === this.cursor.after) break;
        this.following = this.cursor.after;
        this.setState("catching_up");
        this.follow();
        break;
      case "caught_up":
        this.following = null;
        this.since = Date.now();
        this.setState("live");
        if (this.unsaid) this.seen(this.unsaid);
        this.tell("caughtup", { head: item.head });
        break;
      case "restart":
        this.unsaid = 0; // of another history
        this.setState("catching_up");
        this.tell("restart", { epoch: item.epoch });
        break;
      case "left":
        this.end("left");
        break;
      default:
    }
  }

  /** Sends a message through the socket; resolves with the "posted" item. */
  post(message) {
    return new Promise((resolve, reject) => {
      if (!this.transmit({ op: "post", group: this.group, message })) return reject({ retry: true });
      const timer = setTimeout(() => {
        this.waiting.delete(message.id);
        reject({ retry: true });
        if (this.socket) this.probe();
      }, ANSWER_TIMEOUT);
      const settle = (act) => (value) => {
        clearTimeout(timer);
        act(value);
      };
      this.waiting.set(message.id, { resolve: settle(resolve), reject: settle(reject) });
    });
  }

  answer(item) {
    const waiter = this.waiting.get(item.id);
    if (waiter) {
      this.waiting.delete(item.id);
      if (item.op === "posted") waiter.resolve(item);
      else {
        const status = item.problem?.status ?? 0;
        const retry = status === 429 || status >= 500;
        waiter.reject({ retry, after: item.problem?.retry_after * 1000 || undefined, problem: item.problem });
      }
    } else if (item.op === "refused" && item.group === this.group && !item.id && !this.cursor.caughtUp) {
      // To follow was refused: for a moment (the database, the keys), or for good, which a page of HTTP tells better.
      if (item.problem?.status >= 500 || item.problem?.status === 429) this.later(item.problem.retry_after ?? 3);
      else this.end("refused");
    }
  }

  /** The connection stands, but the group cannot be read now: ask again over a new one. */
  later(seconds) {
    this.drop();
    this.attempt += 1;
    this.retryIn(seconds * 1000 + afterClose(1006, this.attempt).wait);
  }

  acknowledge(message) {
    return this.transmit({ op: "acknowledge", group: this.group, message });
  }

  /** How far the officer has read: said now, and where nobody knows whether that arrives, when the stream stands again. */
  seen(seq) {
    const said = this.transmit({ op: "seen", group: this.group, seq }) && this.state !== "checking";
    this.unsaid = said ? 0 : Math.max(this.unsaid, seq);
  }

  setState(state) {
    if (state !== "live" && this.state === "live") this.since = Date.now();
    if (this.state === state) return;
    this.state = state;
    this.tell("state", { state });
  }

  tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

export function socketUrl(path = "/ws/v1") {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}
