// The HTTP door, as the pages use it. Failures are {retry, after?, unsent, signedOut, problem}.
//
// retry: the same may work later; unsent: it never left this device; signedOut: only whoever signs in again can send it.
import { csrfToken } from "../cencomm/csrf.js";
import { gettext } from "../cencomm/text.js";

const BASE = "/api/v1";

export async function call(method, path, body = undefined) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  const unsent = !navigator.onLine;
  let answer;
  try {
    answer = await fetch(`${BASE}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(20000),
    });
  } catch {
    throw { retry: true, unsent, problem: { status: 0, title: gettext("No connection to the server.") } };
  }
  const content = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return content;
  const problem = content ?? { status: answer.status, title: gettext("The server could not do this.") };
  const retry = [408, 425, 429].includes(answer.status) || answer.status >= 500;
  const signedOut = answer.status === 401 || problem.code === "csrf"; // signed in anew elsewhere: this page is not
  throw { retry: retry || signedOut, signedOut, after: pauseOf(answer), problem };
}

/** Retry-After in milliseconds: seconds, or a date. */
function pauseOf(answer) {
  const given = answer.headers.get("Retry-After");
  if (!given) return undefined;
  const pause = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now();
  return pause > 0 ? Math.min(pause, 300000) : undefined;
}

export function fetchMessages(group, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") query.append(name, one);
  }
  return call("GET", `/groups/${group}/messages?${query}`);
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
