// Times as the console shows them: universal time, days by name, what is left until something is due. Pure.
import { format, gettext } from "../cencomm/text.js";

export const dayOf = (instant) => new Date(instant).toISOString().slice(0, 10);

export const timeOf = (instant) => new Date(instant).toISOString().slice(11, 16);

/** "Saturday 21 November", in the language of the page; universal time. */
export function dayName(instant, language) {
  return new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }).format(new Date(instant));
}

/** "20 Nov", universal time. */
export function shortDay(instant, language) {
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(instant));
}

/** "20 min", "3 h 05", "2 d". */
export function duration(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / 60000);
  if (minutes < 60) return format(gettext("%(n)s min"), { n: minutes });
  if (minutes < 10 * 60) return format(gettext("%(n)s h %(m)s"), { n: Math.floor(minutes / 60), m: String(minutes % 60).padStart(2, "0") });
  if (minutes < 48 * 60) return format(gettext("%(n)s h"), { n: Math.floor(minutes / 60) });
  return format(gettext("%(n)s d"), { n: Math.floor(minutes / 1440) });
}

/** How an answer stands against its due time: {state: none | answered | due | soon | overdue, text}. */
export function dueState(message, now = Date.now()) {
  if (!message.due_at || message.withdrawn) return { state: "none", text: "" };
  if (message.answered) return { state: "answered", text: gettext("answered") };
  const left = Date.parse(message.due_at) - now;
  if (left < 0) return { state: "overdue", text: format(gettext("overdue %(time)s"), { time: duration(left) }) };
  return { state: left < 3600000 ? "soon" : "due", text: format(gettext("due in %(time)s"), { time: duration(left) }) };
}
