// The files of a message that is being written, in sight below it: what becomes of each, and what can be done.
import { icon } from "../cencomm/icons.js";
import { format, gettext, labelled } from "../cencomm/text.js";
import { previewUrl } from "./attach_client.js";
import { intakeButtons, listenForFiles } from "./attach_intake.js";
import { canShrink, shrink } from "./attach_scale.js";
import { objectionTo, percentOf, sizeText, uploadText } from "./attach_words.js";
import { el } from "./rows.js";

export class Tray {
  /**
   * settings: {uploads, look(id): what the server says of a file, group, limits: {accept, most, largest}, reasons, language, zone: element, open(): whether files are
   * wanted now, lent(id): whether the file is one of a message in the outbox, onChange(), onError(text)}
   */
  constructor(settings) {
    Object.assign(this, settings);
    this.chosen = []; // ids, in their order
    this.items = new Map();
    this.served = new Map(); // files that are not on this device: of a message that is corrected
    this.element = el("section", "attach-tray", undefined, { "aria-label": gettext("Files of this message") });
    this.list = el("ul", "attach-list");
    this.told = el("p", "visually-hidden", undefined, { role: "status" });
    this.element.append(this.list, this.told);
    this.element.hidden = true;
    this.intake = intakeButtons({ accept: this.limits.accept, onFiles: (files) => this.add(files) });
    this.buttons = this.intake.element;
    listenForFiles({ zone: this.zone, open: this.open, onFiles: (files) => this.add(files) });
    this.uploads.onChange(() => this.draw());
    for (const name of ["online", "offline"]) addEventListener(name, () => this.draw());
    addEventListener("online", () => this.chosen.forEach((id) => this.entry(id).state === "asking" && this.ask(id)));
    setInterval(() => this.uploads.retryAt && this.chosen.length && this.draw(), 1000);
  }

  ids() {
    return [...this.chosen];
  }

  /** The names of its files, for a message that says nothing else. */
  names() {
    return this.chosen.map((id) => this.entry(id).name).filter(Boolean).join(", ");
  }

  /** Their names and captions, as they stand now. */
  described() {
    return this.chosen.map((id) => ({ name: this.entry(id).name ?? "", caption: this.items.get(id)?.caption.value.trim() ?? "" }));
  }

  /** Shows these files. What was shown before stays where it is kept. */
  take(ids = []) {
    this.chosen = [...ids];
    this.draw();
  }

  /** What was being attached is given up. */
  discard() {
    const gone = this.chosen;
    this.take();
    for (const id of gone) this.giveUp(id);
  }

  /** A file of a message in the outbox stays with it: whoever edits the message may cancel. */
  giveUp(id) {
    if (!this.lent(id)) this.uploads.discard(id);
  }

  /** Resolves when every file, as it is described now, is on the disk, or it is known that it cannot be. */
  async settle() {
    await Promise.all(this.chosen.map((id) => this.describe(this.items.get(id))));
    await Promise.all(this.chosen.map((id) => this.uploads.get(id)?.kept));
  }

  describe({ id, caption }) {
    return this.uploads.describe(id, caption.value.trim());
  }

  add(files) {
    for (const { file, name } of files) {
      if (this.chosen.length >= this.limits.most) {
        this.onError(format(gettext("At most %(n)s files in one message."), { n: this.limits.most }));
        break;
      }
      const objection = objectionTo({ name, size: file.size, type: file.type }, this.limits, this.language);
      if (objection) this.onError(objection);
      else this.chosen.push(this.uploads.add(this.group, file, name).id);
    }
    this.draw();
    this.onChange();
  }

  remove(id) {
    const at = this.chosen.indexOf(id);
    this.chosen = this.chosen.filter((one) => one !== id);
    this.draw();
    this.onChange();
    this.giveUp(id);
    const next = this.items.get(this.chosen[Math.min(at, this.chosen.length - 1)]);
    (next?.remove ?? this.buttons.querySelector("button"))?.focus();
  }

  async replaceBySmaller(id) {
    const entry = this.uploads.get(id);
    const item = this.items.get(id);
    item.shrink.disabled = true;
    const blob = await this.uploads.preview(id, Infinity);
    const smaller = blob && (await shrink(blob, entry.name).catch(() => null));
    const at = this.chosen.indexOf(id);
    if (at < 0) return;
    if (!smaller) {
      item.unshrinkable = true;
      this.onError(format(gettext("%(name)s cannot be made much smaller."), { name: entry.name }));
      this.draw();
      return;
    }
    const made = this.uploads.add(this.group, smaller, smaller.name);
    this.chosen[at] = made.id;
    this.draw();
    this.items.get(made.id).unshrinkable = true;
    this.items.get(made.id).remove.focus();
    this.say(format(gettext("%(name)s: %(new)s instead of %(old)s"), {
      name: made.name, new: sizeText(made.size, this.language), old: sizeText(entry.size, this.language) }));
    this.onChange();
    this.giveUp(id);
  }

  /** A file as the queue or the server knows it. */
  entry(id) {
    return this.uploads.get(id) ?? this.served.get(id) ?? { name: "", state: "asking", offset: 0, size: 0, lasting: true };
  }

  /** What is not on this device may be with the server. */
  async ask(id) {
    try {
      const told = await this.look(id);
      this.served.set(id, { ...told, told, offset: told.size, lasting: true, served: true });
    } catch (failure) {
      if (failure?.problem?.status !== 404) return;
      this.served.set(id, { id, name: "", state: "lost", offset: 0, size: 0, lasting: true, served: true });
    }
    const item = this.items.get(id);
    if (!item) return;
    this.draw();
    this.showPicture(item);
  }

  // ---------- drawing ----------

  draw() {
    for (const [id, item] of this.items) {
      if (this.chosen.includes(id)) continue;
      if (item.url) URL.revokeObjectURL(item.url);
      this.items.delete(id);
    }
    const wanted = this.chosen.map((id) => this.itemOf(id));
    wanted.forEach((item) => this.update(item));
    const elements = wanted.map((item) => item.element);
    if (elements.some((one, at) => this.list.children[at] !== one) || this.list.children.length !== elements.length) this.list.replaceChildren(...elements);
    this.element.hidden = !elements.length;
    this.intake.disable(this.chosen.length >= this.limits.most);
  }

  itemOf(id) {
    if (this.items.has(id)) return this.items.get(id);
    const item = { id, element: el("li", "attach-item", undefined, { "data-file": id }) };
    item.picture = el("span", "attach-picture", undefined, { "aria-hidden": "true" });
    item.picture.append(icon("file"));
    const words = el("div", "attach-words");
    item.name = el("div", "attach-name", "", { dir: "auto" });
    item.text = el("div", "attach-text");
    item.bar = el("progress", "attach-bar", undefined, { max: "100" });
    item.caption = el("input", "form-control form-control-sm", undefined, { maxlength: "500", dir: "auto", autocomplete: "off",
      placeholder: gettext("What it shows") });
    item.caption.value = this.uploads.get(id)?.caption ?? "";
    item.caption.addEventListener("input", () => this.onChange());
    item.caption.addEventListener("change", () => this.describe(item));
    item.shrink = el("button", "btn btn-sm", gettext("Make smaller"), { type: "button", "data-file-act": "shrink" });
    item.shrink.addEventListener("click", () => this.replaceBySmaller(id));
    item.again = el("button", "btn btn-sm", gettext("Try again"), { type: "button", "data-file-act": "again" });
    item.again.addEventListener("click", () => this.uploads.retry([id]));
    item.remove = el("button", "btn btn-sm btn-icon", undefined, { type: "button", "data-file-act": "remove" });
    item.remove.append(icon("x"));
    item.remove.addEventListener("click", () => this.remove(id));
    words.append(item.name, item.text, item.bar, item.caption, item.shrink, item.again);
    item.element.append(item.picture, words, item.remove);
    this.items.set(id, item);
    if (this.uploads.get(id)) this.showPicture(item);
    else this.ask(id);
    return item;
  }

  update(item) {
    const entry = this.entry(item.id);
    const online = navigator.onLine;
    let text = uploadText(entry, { online, retryAt: this.uploads.retryAt, language: this.language, reasons: this.reasons });
    if (!entry.lasting && ["waiting", "uploading"].includes(entry.state)) {
      text += `. ${gettext("This browser cannot keep the file: leave the page open until it is uploaded.")}`;
    }
    if (item.text.textContent !== text) item.text.textContent = text;
    const name = entry.name || gettext("A file");
    if (item.name.textContent !== name) item.name.textContent = name;
    item.element.dataset.state = entry.state;
    item.bar.hidden = !["waiting", "uploading", "keeping"].includes(entry.state);
    item.bar.value = percentOf(entry);
    item.bar.setAttribute("aria-label", format(gettext("Upload of %(name)s"), { name }));
    item.caption.setAttribute("aria-label", format(gettext("What %(name)s shows"), { name }));
    item.caption.hidden = entry.served || ["refused", "lost", "asking"].includes(entry.state);
    item.remove.setAttribute("aria-label", format(gettext("Remove %(name)s"), { name }));
    item.remove.title = gettext("Remove");
    item.shrink.hidden = item.unshrinkable || entry.served || !canShrink({ media_type: "", ...entry });
    item.again.hidden = entry.state !== "refused" || entry.told?.state === "refused";
    // Heard once, when it matters; the percents are for the eye.
    if (item.said && item.said !== entry.state && ["ready", "refused", "lost"].includes(entry.state)) this.say(labelled(name, text));
    item.said = entry.state;
  }

  say(text) {
    this.told.textContent = text;
  }

  async showPicture(item) {
    const blob = await this.uploads.preview(item.id);
    if (this.items.get(item.id) !== item) return;
    const entry = this.entry(item.id);
    if (blob) item.url = URL.createObjectURL(blob);
    const source = item.url ?? (entry.told?.preview ? previewUrl(item.id) : null);
    if (!source) return;
    const picture = el("img", "", undefined, { alt: "", width: "48", height: "48", src: source });
    picture.addEventListener("error", () => item.picture.replaceChildren(icon("photo")));
    item.picture.replaceChildren(picture);
  }
}
