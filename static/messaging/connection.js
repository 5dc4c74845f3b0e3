// The connection state in the top bar: live, catching up, offline with n drafts. For the console and the seizure page.
import { format, gettext, ngettext } from "../cencomm/text.js";

export function showConnection(state, drafts) {
  const element = document.getElementById("connection");
  if (!element) return;
  const names = { live: gettext("live"), catching_up: gettext("catching up"), connecting: gettext("connecting"),
    online: gettext("online"), offline: gettext("offline") };
  let text = names[state] ?? state;
  if (drafts) text += ` · ${format(ngettext("%(n)s waiting", "%(n)s waiting", drafts), { n: drafts })}`;
  element.dataset.state = state;
  const place = element.querySelector("[data-connection-text]");
  if (place.textContent !== text) place.textContent = text;
}

/** A line at the bottom of the page that goes by itself. */
export function toast(text, { alert = false } = {}) {
  const line = document.createElement("div");
  line.className = `toast-line${alert ? " toast-line-alert" : ""}`;
  line.textContent = text;
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), alert ? 9000 : 5000);
}
