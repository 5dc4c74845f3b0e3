// Pictures at full size over the page: arrows go from one to the next, Escape closes, the small picture stands until the
// large one has come. Any element with [data-picture] in a [data-gallery] opens it.
import { icon } from "../cencomm/icons.js";
import { format, gettext } from "../cencomm/text.js";
import { attachmentUrl, previewUrl } from "./attach_client.js";
import { el } from "./rows.js";

const SWIPE = 48; // pixels

/** Which picture stands after a step, first to last and no further. Pure. */
export const stepTo = (at, step, count) => Math.max(0, Math.min(count - 1, at + step));

export class Gallery {
  constructor() {
    this.pictures = [];
    this.at = 0;
    this.build();
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-picture], [data-picture-more]");
      if (!button) return;
      const found = [...button.closest("[data-gallery]").querySelectorAll("[data-picture]")];
      const id = button.dataset.picture ?? button.dataset.pictureMore;
      this.open(found.map(({ dataset }) => ({ id: dataset.picture, name: dataset.name, caption: dataset.caption })), id);
    });
  }

  build() {
    this.dialog = el("dialog", "gallery", undefined, { "aria-label": gettext("Pictures") });
    this.image = el("img", "gallery-image", undefined, { alt: "" });
    this.caption = el("p", "gallery-caption", "", { dir: "auto" });
    this.count = el("p", "gallery-count");
    this.told = el("p", "gallery-told", "", { role: "status" });
    this.previous = this.button("chevron-left", gettext("Previous picture"), () => this.step(-1), "gallery-previous");
    this.next = this.button("chevron-right", gettext("Next picture"), () => this.step(1), "gallery-next");
    this.download = el("a", "btn btn-sm gallery-download", undefined, { download: "" });
    this.download.append(icon("download"), gettext("Download"));
    const close = this.button("x", gettext("Close"), () => this.dialog.close(), "gallery-close");
    close.autofocus = true;
    const head = el("div", "gallery-head");
    head.append(this.caption, this.count, this.download, close);
    const stage = el("div", "gallery-stage");
    stage.append(this.image);
    this.dialog.append(head, this.previous, stage, this.next, this.told);
    document.body.append(this.dialog);
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => (event.target === this.dialog || event.target === stage) && this.dialog.close());
    let from = 0;
    stage.addEventListener("touchstart", (event) => (from = event.touches[0].clientX), { passive: true });
    stage.addEventListener("touchend", (event) => {
      const way = event.changedTouches[0].clientX - from;
      if (Math.abs(way) > SWIPE) this.step(way < 0 === this.forward() ? 1 : -1);
    });
    this.dialog.addEventListener("close", () => this.image.removeAttribute("src"));
  }

  button(name, label, act, className) {
    const button = el("button", `btn btn-icon ${className}`, undefined, { type: "button", "aria-label": label, title: label });
    button.append(icon(name, "icon-turns"));
    button.addEventListener("click", act);
    return button;
  }

  forward() {
    return document.documentElement.dir !== "rtl";
  }

  key(event) {
    const right = this.forward() ? 1 : -1;
    const step = { ArrowRight: right, ArrowLeft: -right, Home: -this.pictures.length, End: this.pictures.length }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.step(step);
  }

  /** pictures: [{id, name, caption}]; the one of that id stands first. */
  open(pictures, id = pictures[0]?.id) {
    if (!pictures.length) return;
    this.pictures = pictures;
    this.at = Math.max(0, pictures.findIndex((one) => one.id === id));
    this.show();
    if (!this.dialog.open) this.dialog.showModal();
  }

  step(step) {
    const at = stepTo(this.at, step, this.pictures.length);
    if (at === this.at) return;
    this.at = at;
    this.show();
  }

  show() {
    const { id, name, caption } = this.pictures[this.at];
    const many = this.pictures.length > 1;
    this.caption.textContent = caption ? `${caption} (${name})` : name;
    this.count.textContent = many ? format(gettext("%(n)s of %(all)s"), { n: this.at + 1, all: this.pictures.length }) : "";
    this.previous.hidden = this.next.hidden = !many;
    // Not disabled: a button that loses the focus takes the arrows with it.
    this.previous.setAttribute("aria-disabled", String(this.at === 0));
    this.next.setAttribute("aria-disabled", String(this.at === this.pictures.length - 1));
    this.download.href = attachmentUrl(id);
    this.download.download = name;
    this.image.alt = caption || format(gettext("Picture %(name)s"), { name });
    this.image.src = previewUrl(id);
    this.told.textContent = gettext("The picture is being loaded.");
    const whole = new Image();
    whole.addEventListener("load", () => this.loaded(id, whole.src));
    whole.addEventListener("error", () => this.loaded(id, null));
    whole.src = attachmentUrl(id);
  }

  /** The picture in full, or that it did not come; whichever stands by now is not disturbed. */
  loaded(id, source) {
    if (this.pictures[this.at]?.id !== id || !this.dialog.open) return;
    if (source) this.image.src = source;
    this.told.textContent = source ? "" : gettext("The picture could not be loaded in full: this is its small copy.");
  }
}
