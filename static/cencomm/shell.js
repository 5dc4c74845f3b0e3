// What every page needs: clocks, the theme buttons, htmx with Django's CSRF token, the plain connection state.
import { startClocks } from "./clock.js";
import { csrfToken } from "./csrf.js";
import { format, gettext, ngettext } from "./text.js";

function startThemeChoice() {
  for (const choice of document.querySelectorAll("[data-theme-choice]")) {
    const buttons = [...choice.querySelectorAll("[data-choose]")];
    const show = () => {
      for (const button of buttons) {
        button.setAttribute("aria-pressed", String(button.dataset.choose === window.cencommTheme.chosen()));
      }
    };
    for (const button of buttons) {
      button.addEventListener("click", () => {
        window.cencommTheme.choose(button.dataset.choose);
        show();
      });
    }
    show();
  }
}

function startHtmx() {
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrfToken();
  });
}

/** Pages without the live stream know whether there is a network, and what waits for it; the console knows more. */
function startConnection() {
  const element = document.getElementById("connection");
  if (!element || document.body.dataset.live === "yes") return;
  const show = () => {
    const state = navigator.onLine ? "online" : "offline";
    const words = state === "online" ? gettext("online") : gettext("offline");
    const count = waitingDrafts(element.dataset.owner);
    const drafts = count ? ` · ${format(ngettext("%(n)s waiting", "%(n)s waiting", count), { n: count })}` : "";
    element.dataset.state = state;
    element.querySelector("[data-connection-text]").textContent = words + drafts;
  };
  for (const name of ["online", "offline", "storage"]) window.addEventListener(name, show);
  show();
}

/** How many messages lie in this officer's outbox (static/messaging/outbox.js writes it). */
function waitingDrafts(owner) {
  try {
    return JSON.parse(localStorage.getItem(`cencomm-outbox:${owner}`))?.length ?? 0;
  } catch {
    return 0;
  }
}

/** On a narrow screen the navigation of a group scrolls: the page being shown comes into view. */
function showCurrentPage() {
  document.querySelector('.group-nav [aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });
}

/** What scrolls sideways must be reachable by the keyboard. */
function startTables() {
  const mark = () => {
    for (const box of document.querySelectorAll(".table-responsive")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", mark);
  mark();
}

startTables();
startClocks();
showCurrentPage();
startThemeChoice();
startHtmx();
startConnection();
