// To a place in the group's history: a day, the first unread message, the newest end.
import { gettext } from "../cencomm/text.js";
import { problemText } from "./api.js";
import { toast } from "./connection.js";

/** Answers {to(seq), toUnread(), open()}. */
export function startGoing({ stream, history, fetchPage }) {
  const menu = document.getElementById("go-menu");
  const day = document.getElementById("go-day");

  async function to(seq) {
    stream.following = false;
    await history.moveTo(seq);
    stream.standAt(seq);
    stream.scroller.focus({ preventScroll: true });
  }

  /** The last message before a day, in universal time: the day begins after it. */
  async function toDay(date) {
    try {
      const page = await fetchPage({ to: `${date}T00:00:00Z`, limit: 1 });
      await to(page.messages[0]?.seq ?? 0);
    } catch (failure) {
      toast(problemText(failure.problem), { alert: true });
    }
  }

  async function toUnread() {
    const { lastSeen } = stream.settings;
    if (lastSeen >= history.head()) toast(gettext("Nothing is unread."));
    else await to(lastSeen);
  }

  const close = () => menu.hidePopover();
  // Below its button: a popover stands above the page and knows nothing of it.
  menu.addEventListener("toggle", () => {
    const { left, bottom } = document.getElementById("go-button").getBoundingClientRect();
    menu.style.top = `${bottom + 4}px`;
    menu.style.left = `${Math.max(8, Math.min(left, innerWidth - menu.offsetWidth - 8))}px`;
  });
  document.getElementById("go-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!day.value) return;
    close();
    toDay(day.value);
  });
  document.getElementById("go-unread").addEventListener("click", () => {
    close();
    toUnread();
  });
  document.getElementById("go-newest").addEventListener("click", () => {
    close();
    stream.toNewest();
  });
  return {
    to,
    toUnread,
    open() {
      menu.showPopover();
      day.focus();
    },
  };
}
