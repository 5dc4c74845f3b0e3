// The connection state in the top bar, as it is at this moment, and short lines that go by themselves.
import { format, gettext, ngettext } from "../cencomm/text.js";

const WORDS = () => ({ live: gettext("live"), catching_up: gettext("catching up"), connecting: gettext("connecting"),
  checking: gettext("checking the connection"), online: gettext("online"), offline: gettext("offline"),
  signedout: gettext("signed out"), refused: gettext("not connected"), left: gettext("not connected") });

const clock = (instant) => new Date(instant).toISOString().slice(11, 16);

/** {text, title}: what the top bar says of a state. retryAt, since: milliseconds or null. drafts: not with the server;
 * refused: those of them that will not be sent by themselves. Pure. */
export function connectionText({ state, retryAt = null, since = null, drafts = 0, refused = 0, now = Date.now() }) {
  let text = WORDS()[state] ?? state;
  if (state === "waiting") {
    const seconds = Math.max(0, Math.ceil(((retryAt ?? now) - now) / 1000));
    text = seconds ? format(gettext("reconnecting in %(n)s s"), { n: seconds }) : gettext("connecting");
  } else if (state === "offline" && since) text = format(gettext("offline since %(time)s"), { time: clock(since) });
  const title = since && state !== "live" && state !== "online" ? format(gettext("Last up to date at %(time)s UTC"), { time: clock(since) }) : "";
  const waiting = drafts - refused;
  if (waiting > 0) text += ` · ${format(ngettext("%(n)s waiting", "%(n)s waiting", waiting), { n: waiting })}`;
  if (refused) text += ` · ${format(ngettext("%(n)s not sent", "%(n)s not sent", refused), { n: refused })}`;
  return { text, title };
}

export function showConnection(told) {
  const element = document.getElementById("connection");
  if (!element) return;
  const { text, title } = connectionText(told);
  element.dataset.state = told.state;
  element.title = title;
  const place = element.querySelector("[data-connection-text]");
  if (place.textContent !== text) place.textContent = text;
  // Seconds that run down are for the eye: whoever listens hears the state once.
  element.setAttribute("aria-live", told.state === "waiting" ? "off" : "polite");
}

/** A line at the bottom of the page that goes by itself. */
export function toast(text, { alert = false } = {}) {
  const line = document.createElement("div");
  line.className = `toast-line${alert ? " toast-line-alert" : ""}`;
  line.textContent = text;
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), alert ? 9000 : 5000);
}
