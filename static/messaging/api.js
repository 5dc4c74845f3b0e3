// The HTTP door, as the pages use it. Failures are {retry, after?, unsent, signedOut, offset?, problem}.
//
// retry: the same may work later; unsent: it never left this device; signedOut: only whoever signs in again can send it.
import { csrfToken } from "../cencomm/csrf.js";
import { gettext } from "../cencomm/text.js";

const BASE = "/api/v1";
const REPEATED = new Set(["kind", "country", "status", "priority"]); // filters that are lists

/** A request with JSON, and its answer's. */
export async function call(method, path, body = undefined) {
  const content = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await ask(method, path, content);
  return answer.status === 204 ? null : answer.json().catch(() => null);
}

/** A request; answers the Response. `signal`: of whoever may give it up. */
export async function ask(method, path, { headers = {}, body = undefined, timeout = 20000, signal = null } = {}) {
  const all = { Accept: "application/json", ...headers };
  if (method !== "GET") all["X-CSRFToken"] = csrfToken();
  const unsent = !navigator.onLine;
  const ends = [AbortSignal.timeout(timeout), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(`${BASE}${path}`, { method, headers: all, body, credentials: "same-origin", signal: firstOf(ends) });
  } catch {
    throw { retry: true, unsent, problem: { status: 0, title: gettext("No connection to the server.") } };
  }
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => null);
  const problem = content ?? { status: answer.status, title: gettext("The server could not do this.") };
  const retry = [408, 425, 429].includes(answer.status) || answer.status >= 500;
  const signedOut = answer.status === 401 || problem.code === "csrf"; // signed in anew elsewhere: this page is not
  throw { retry: retry || signedOut, signedOut, after: pauseOf(answer), offset: offsetOf(answer), problem };
}

/** AbortSignal.any, which browsers of 2023 do not have. */
function firstOf(signals) {
  if (signals.length === 1) return signals[0];
  if (AbortSignal.any) return AbortSignal.any(signals);
  const either = new AbortController();
  for (const signal of signals) signal.addEventListener("abort", () => either.abort(signal.reason), { once: true });
  return either.signal;
}

/** Where an upload stands, when the answer says so. */
function offsetOf(answer) {
  const given = answer.headers.get("Upload-Offset");
  return given === null ? undefined : Number(given);
}

/** Retry-After in milliseconds: seconds, or a date. */
function pauseOf(answer) {
  const given = answer.headers.get("Retry-After");
  if (!given) return undefined;
  const pause = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now();
  return pause > 0 ? Math.min(pause, 300000) : undefined;
}

/** Messages by filters. Words that are looked for go in the body: addresses are kept by browsers and by proxies. */
export function fetchMessages(group, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (parameters.text) {
    const body = given.map(([name, value]) => [name, REPEATED.has(name) ? [value].flat() : value]);
    return call("POST", `/groups/${group}/search`, Object.fromEntries(body));
  }
  const query = given.flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return call("GET", `/groups/${group}/messages?${new URLSearchParams(query)}`);
}

export const fetchMessage = (id) => call("GET", `/messages/${id}`);
export const postMessage = (group, message) => call("POST", `/groups/${group}/messages`, message);
export const putAcknowledgement = (id) => call("PUT", `/messages/${id}/acknowledgement`);
export const postStatus = (id, to, reason) => call("POST", `/messages/${id}/status`, { status: to, reason });

/** What a refusal says, for people. */
export function problemText(problem) {
  if (!problem) return gettext("This did not work.");
  return problem.detail || problem.title || gettext("This did not work.");
}
