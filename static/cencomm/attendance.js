// Whether somebody sits here. Requests that the page makes by itself while nobody does must not keep the session alive:
// the server ends it when it lies idle, and only what a person does counts.
const AWAY = 60000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

let last = Date.now();
const listeners = new Set();

for (const sign of SIGNS) {
  globalThis.addEventListener?.(sign, () => {
    const back = !attended();
    last = Date.now();
    if (back) for (const listener of listeners) listener();
  }, { passive: true, capture: true });
}

export function attended(now = Date.now()) {
  return now - last < AWAY;
}

/** Calls `listener` when somebody comes back. */
export function onReturn(listener) {
  listeners.add(listener);
}

/** Headers of a request that the page makes by itself. */
export function unasked() {
  return attended() ? {} : { "X-Unattended": "yes" };
}
