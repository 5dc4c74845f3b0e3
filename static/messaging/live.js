// The live stream of one group: WebSocket, subprotocol cencomm.v1. Reconnects by itself and continues at its cursor.
//
// Events of a Live object (EventTarget): "event" (detail: event, seq), "caughtup", "restart", "left", "state"
// (detail: connecting | catching_up | live | offline). post() answers like the HTTP door.
import { backOff, Cursor } from "./cursor.js";

const ANSWER_TIMEOUT = 12000;

export class Live extends EventTarget {
  constructor({ group, url, epoch = null, after = null, WebSocketClass = globalThis.WebSocket }) {
    super();
    this.group = group;
    this.url = url;
    this.cursor = new Cursor({ epoch, after });
    this.WebSocketClass = WebSocketClass;
    this.socket = null;
    this.attempt = 0;
    this.heartbeat = 20;
    this.lastHeard = 0;
    this.waiting = new Map();
    this.state = "connecting";
    this.stopped = false;
  }

  start() {
    this.connect();
    globalThis.addEventListener?.("online", () => this.hurry());
    globalThis.addEventListener?.("offline", () => this.setState("offline"));
    globalThis.document?.addEventListener("visibilitychange", () => !document.hidden && this.hurry());
    this.watch = setInterval(() => this.checkSilence(), 5000);
  }

  stop() {
    this.stopped = true;
    clearInterval(this.watch);
    clearTimeout(this.timer);
    this.socket?.close();
  }

  isLive() {
    return this.state === "live";
  }

  connect() {
    if (this.stopped || this.socket) return;
    const socket = new this.WebSocketClass(this.url, ["cencomm.v1"]);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.lastHeard = Date.now();
      this.setState("catching_up");
      this.follow();
    });
    socket.addEventListener("message", (message) => this.receive(message.data));
    socket.addEventListener("close", (event) => this.closed(socket, event.code));
    socket.addEventListener("error", () => socket.close());
  }

  closed(socket, code) {
    if (this.socket !== socket) return;
    this.socket = null;
    this.cursor.caughtUp = false;
    for (const { reject } of this.waiting.values()) reject({ retry: true });
    this.waiting.clear();
    if (this.stopped) return;
    this.setState("offline");
    if (code === 4401) {
      this.stopped = true;
      this.tell("signedout");
      return;
    }
    // A server that closes after it had let us in starts a new series; one that never answered is left more room.
    this.timer = setTimeout(() => this.connect(), backOff(this.attempt) + (code === 4429 ? 15000 : 0));
    this.attempt += 1;
  }

  /** The network is back, or somebody looks again: no more waiting. */
  hurry() {
    if (this.stopped) return;
    if (this.socket?.readyState === 1) {
      if (this.state !== "offline") return;
      this.setState("catching_up");
      this.follow();
      return;
    }
    if (this.socket) return;
    clearTimeout(this.timer);
    this.attempt = 0;
    this.connect();
  }

  /** A connection that is open but dead shows as silence: heads come every heartbeat. */
  checkSilence() {
    if (!this.socket || this.socket.readyState !== 1) return;
    const silence = Date.now() - this.lastHeard;
    if (silence > this.heartbeat * 2500) this.socket.close();
    else if (silence > this.heartbeat * 1200) this.transmit({ op: "ping" });
  }

  follow() {
    this.transmit({ op: "follow", groups: { [this.group]: this.cursor.position() } });
  }

  transmit(item) {
    if (this.socket?.readyState !== 1) return false;
    this.socket.send(JSON.stringify(item));
    return true;
  }

  receive(data) {
    this.lastHeard = Date.now();
    const items = JSON.parse(data);
    for (const item of Array.isArray(items) ? items : [items]) this.handle(item);
  }

  handle(item) {
    if (item.op === "hello") {
      this.heartbeat = item.heartbeat ?? this.heartbeat;
      this.attempt = 0;
      return;
    }
    if (item.op === "posted" || item.op === "refused") return this.answer(item);
    const mine = item.op === "heads" ? item.heads?.[this.group] !== undefined : item.group === this.group;
    if (!mine) return;
    const told = item.op === "heads" ? { op: "heads", head: item.heads[this.group] } : item;
    switch (this.cursor.take(told)) {
      case "apply":
        this.tell("event", { event: item.event, seq: item.seq });
        break;
      case "follow":
        if (this.following !== this.cursor.after) {
          this.following = this.cursor.after;
          this.setState("catching_up");
          this.follow();
        }
        break;
      case "caught_up":
        this.following = null;
        this.setState("live");
        this.tell("caughtup", { head: item.head });
        break;
      case "restart":
        this.tell("restart", { epoch: item.epoch });
        break;
      case "left":
        this.stop();
        this.tell("left");
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
    if (!waiter) return;
    this.waiting.delete(item.id);
    if (item.op === "posted") waiter.resolve(item);
    else {
      const status = item.problem?.status;
      const retry = status === 429 || status === 503;
      waiter.reject({ retry, after: retry ? (item.problem.retry_after ?? 5) * 1000 : undefined, problem: item.problem });
    }
  }

  acknowledge(message) {
    return this.transmit({ op: "acknowledge", message });
  }

  seen(seq) {
    return this.transmit({ op: "seen", group: this.group, seq });
  }

  setState(state) {
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
