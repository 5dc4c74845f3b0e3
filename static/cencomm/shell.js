// What every page needs: clocks, the theme buttons, htmx with Django's CSRF token, the plain connection state.
import { startClocks } from "./clock.js";
import { csrfToken } from "./csrf.js";
import { gettext } from "./text.js";

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

/** Pages without the live stream only know whether there is a network; the console replaces this by more. */
function startConnection() {
  const element = document.getElementById("connection");
  if (!element || document.body.dataset.live === "yes") return;
  const show = () => {
    const state = navigator.onLine ? "online" : "offline";
    element.dataset.state = state;
    element.querySelector("[data-connection-text]").textContent =
      state === "online" ? gettext("online") : gettext("offline");
  };
  window.addEventListener("online", show);
  window.addEventListener("offline", show);
  show();
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
