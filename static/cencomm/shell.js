// What every page needs: clocks, the theme buttons, htmx with Django's CSRF token, the plain connection state.
import { startClocks } from "./clock.js";
import { csrfToken } from "./csrf.js";
import { countKept, forgetKept } from "../messaging/kept.js";
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
async function startConnection() {
  const element = document.getElementById("connection");
  if (!element) return;
  const { owner } = element.dataset;
  const show = async () => {
    const count = await countKept(owner, "out/");
    if (document.body.dataset.live === "yes") return;
    const state = navigator.onLine ? "online" : "offline";
    const words = state === "online" ? gettext("online") : gettext("offline");
    const drafts = count ? ` · ${format(ngettext("%(n)s waiting", "%(n)s waiting", count), { n: count })}` : "";
    element.dataset.state = state;
    element.querySelector("[data-connection-text]").textContent = words + drafts;
  };
  for (const name of ["online", "offline", "pageshow"]) window.addEventListener(name, show);
  if (globalThis.BroadcastChannel) new BroadcastChannel(`cencomm/${owner}`).addEventListener("message", show);
  await show();
}

/** Whoever signs out is told what was not sent. It stays, sealed, until the same officer signs in here again. */
function startSignOut() {
  const form = document.querySelector("form[data-sign-out]");
  const dialog = document.getElementById("unsent-dialog");
  if (!form || !dialog) return;
  const { owner } = form.dataset;
  let asked = false;
  form.addEventListener("submit", async (event) => {
    if (asked) return;
    event.preventDefault();
    asked = true;
    const count = (await countKept(owner, "out/")) + (await countKept(owner, "draft/"));
    if (count) {
      document.getElementById("unsent-count").textContent = format(
        ngettext("%(n)s message was written here and not sent.", "%(n)s messages were written here and not sent.", count), { n: count });
      document.getElementById("officer-menu")?.hidePopover();
      dialog.showModal();
      return;
    }
    await forgetKept(owner).catch(() => {});
    form.submit();
  });
  dialog.addEventListener("close", async () => {
    asked = false;
    if (dialog.returnValue === "delete") await forgetKept(owner).catch(() => {});
    if (dialog.returnValue === "delete" || dialog.returnValue === "keep") form.submit();
  });
}

/** On a narrow screen the navigation of a group scrolls, and tabs do: the page being shown comes into view. */
function showCurrentPage() {
  for (const here of document.querySelectorAll(':is(.group-nav, .tabs) [aria-current="page"]')) {
    here.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

/** What scrolls sideways must be reachable by the keyboard; a font that comes late makes a table wider, too. */
function startTables() {
  const widths = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      const box = target.closest(".table-responsive");
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  });
  const watch = (root) => {
    for (const one of root.querySelectorAll(".table-responsive, .table-responsive > table")) widths.observe(one);
  };
  watch(document);
  document.addEventListener("htmx:load", (event) => watch(event.target.parentNode ?? event.target));
}

startTables();
startClocks();
showCurrentPage();
startThemeChoice();
startHtmx();
startConnection();
startSignOut();
