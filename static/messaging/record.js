// The right pane: the selected message as a record. The server draws it (htmx); here are its buttons.
import { unasked } from "../cencomm/attendance.js";
import { format, gettext } from "../cencomm/text.js";
import { postStatus, problemText, putAcknowledgement } from "./api.js";

export class Record {
  /** settings: {element, url(id), onAct(name, id), onError(text), acknowledgeFirst(id) -> boolean} */
  constructor(settings) {
    Object.assign(this, settings);
    this.id = null;
    this.dialog = document.getElementById("reason-dialog");
    this.element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      if (button) this.act(button.dataset.action, button.dataset);
    });
    document.getElementById("reason-form").addEventListener("submit", (event) => this.confirm(event));
  }

  /** Shows a message; the previous one stays in sight until the answer is there. */
  async show(id) {
    this.id = id;
    this.element.setAttribute("aria-busy", "true");
    try {
      await window.htmx.ajax("GET", this.url(id), { target: this.element, swap: "innerHTML", headers: unasked() });
    } finally {
      this.element.setAttribute("aria-busy", "false");
    }
  }

  /** Draws it again when something happened in its thread; many happenings, one drawing. */
  refresh() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.id && this.show(this.id), 400);
  }

  async act(name, details) {
    const { id } = this;
    if (name === "acknowledge") return this.acknowledge(id);
    if (name === "open") return this.onAct("open", details.message);
    if (name === "status") {
      if (details.reason === "no") return this.move(id, details.to, "");
      return this.askReason(id, details);
    }
    return this.onAct(name, id);
  }

  async acknowledge(id) {
    try {
      await putAcknowledgement(id);
      if (id === this.id) this.refresh();
    } catch (failure) {
      this.onError(problemText(failure.problem));
    }
  }

  askReason(id, details) {
    this.asked = { id, to: details.to, required: details.reason === "required" };
    document.getElementById("reason-title").textContent = details.title;
    document.getElementById("reason-confirm").textContent = details.label;
    document.getElementById("reason").value = "";
    document.getElementById("reason-error").textContent = "";
    this.dialog.showModal();
    document.getElementById("reason").focus();
  }

  async confirm(event) {
    if (event.submitter?.value !== "confirm") return;
    event.preventDefault();
    const reason = document.getElementById("reason").value.trim();
    const error = document.getElementById("reason-error");
    if (this.asked.required && !reason) {
      error.textContent = gettext("Say why.");
      return;
    }
    const refused = await this.move(this.asked.id, this.asked.to, reason, true);
    if (refused) error.textContent = refused;
    else this.dialog.close();
  }

  async move(id, to, reason, quiet = false) {
    try {
      await postStatus(id, to, reason);
      if (id === this.id) this.refresh();
      return "";
    } catch (failure) {
      const text = format(gettext("Not done: %(reason)s"), { reason: problemText(failure.problem) });
      if (!quiet) this.onError(text);
      return text;
    }
  }
}
