// The bottom of the console: choose a kind, fill in the group's form for it, send. Nothing is lost by a reload.
import { gettext } from "../cencomm/text.js";
import { renderForm } from "../simplified_forms/form.js";
import { createOptions } from "./options.js";
import { mintId } from "./outbox.js";
import { el, kindTag } from "./rows.js";

export class Composer {
  /** settings: {element, data, labels, context, storage, send(message, instead), answerable(kind), openSeizure(warning), prepare(kind)} */
  constructor(settings) {
    Object.assign(this, settings);
    this.key = `cencomm-writing:${this.data.me.id}:${this.data.group.id}`;
    this.kinds = this.data.kinds.filter((kind) => kind.allowed);
    this.state = { kind: this.kinds[0]?.code, answer: null, supersedes: null };
    if (!this.kinds.length) return;
    this.element.hidden = false;
    this.build();
    this.restore();
  }

  build() {
    this.kindBar = el("div", "composer-kinds", undefined, { role: "group", "aria-label": gettext("Kind of message") });
    for (const kind of this.kinds) this.kindBar.append(this.kindButton(kind));
    this.answerLine = el("div", "composer-answer");
    this.place = el("div", "composer-form");
    this.foot = el("div", "composer-foot");
    this.sendButton = el("button", "btn btn-primary", gettext("Send"), { type: "button", title: "Ctrl Enter" });
    this.cancelButton = el("button", "btn", gettext("Cancel"), { type: "button" });
    this.foot.append(this.cancelButton, this.sendButton);
    this.element.replaceChildren(this.kindBar, this.answerLine, this.place, this.foot);
    this.sendButton.addEventListener("click", () => this.submit());
    this.cancelButton.addEventListener("click", () => this.reset());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.submit();
      }
    });
  }

  kindButton(kind) {
    const button = el("button", "composer-kind", kind.label, { type: "button", "data-kind": kind.code, "aria-pressed": "false" });
    const shortcut = { note: "n", warning: "w", seizure: "s" }[kind.code];
    if (shortcut) button.append(" ", el("kbd", "", shortcut, { "aria-hidden": "true" }));
    button.addEventListener("click", () => this.begin(kind.code));
    return button;
  }

  /** A new message of a kind, with what the system knows filled in (the figures of a sitrep). */
  async begin(kind) {
    this.start(kind, { values: this.can(kind) ? await this.prepare(kind) : {} });
  }

  can(kind) {
    return this.kinds.some((candidate) => candidate.code === kind);
  }

  /** Opens the composer for a kind; `answer`: the message answered; `supersedes`: the one corrected; values: body. */
  start(kind, { answer = null, supersedes = null, instead = null, values = {}, subject = "", options = {}, problems = null, focus = true } = {}) {
    if (!this.can(kind)) return;
    if (kind === "seizure" && !supersedes) {
      this.openSeizure(answer?.kind === "warning" ? answer : null);
      return;
    }
    const rule = this.data.kinds.find((candidate) => candidate.code === kind);
    this.state = { kind, answer, supersedes, instead, rule };
    for (const button of this.kindBar.children) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    this.drawAnswer();
    this.drawForm(values, subject, options);
    this.cancelButton.hidden = kind === "note" && !answer;
    if (problems) this.form?.setErrors(problems);
    else if (focus) this.focus();
  }

  focus() {
    this.place.querySelector("textarea, input, select")?.focus();
  }

  drawAnswer() {
    const { answer, supersedes, rule } = this.state;
    this.answerLine.replaceChildren();
    const about = supersedes ?? answer;
    this.answerLine.hidden = !about && !rule.answers;
    if (about) {
      const text = el("span", "", undefined, { dir: "auto" });
      text.append(`${supersedes ? gettext("Corrects") : gettext("Answers")} `, kindTag(about.kind, this.labels), ` ${about.reference} ${about.subject ?? ""}`);
      this.answerLine.append(text);
      if (!rule.answers && !supersedes) {
        const drop = el("button", "link-button", gettext("not an answer"), { type: "button" });
        drop.addEventListener("click", () => this.start(this.state.kind, { values: this.values(), instead: this.state.instead }));
        this.answerLine.append(drop);
      }
    } else if (rule.answers) this.answerLine.append(this.answerChoice(rule));
  }

  /** Feedback needs its warning, a reply its request: choose among those that are open. */
  answerChoice(rule) {
    const select = el("select", "form-select form-select-sm", undefined, { "aria-label": gettext("Answers") });
    select.append(el("option", "", `${gettext("Answers which message?")}`, { value: "" }));
    const candidates = this.answerable(rule.answers);
    for (const message of candidates) select.append(el("option", "", `${message.reference} ${message.subject}`, { value: message.id }));
    select.addEventListener("change", () => {
      const answer = candidates.find((message) => message.id === select.value);
      if (answer) this.start(this.state.kind, { answer, values: this.values(), instead: this.state.instead });
    });
    return select;
  }

  drawForm(values, subject, options) {
    const { kind, rule, answer } = this.state;
    this.place.replaceChildren();
    this.options?.element.remove();
    this.options = createOptions({ data: this.data, labels: this.labels, rule, answer, given: options, onChange: () => this.save() });
    if (kind === "note") {
      this.form = null;
      this.subject = null;
      this.note = el("textarea", "form-control note", undefined, { rows: "2", dir: "auto", maxlength: "10000",
        "aria-label": gettext("Text"), placeholder: this.labels.notePlaceholder });
      this.note.value = values.text ?? "";
      this.note.addEventListener("input", () => this.save());
      this.place.append(this.note);
      this.foot.prepend(this.options.element);
      return;
    }
    this.note = null;
    const field = el("div", "field");
    this.subject = el("input", "form-control", undefined, { id: "composer-subject", maxlength: "160", dir: "auto", autocomplete: "off",
      placeholder: gettext("Made from the form if left empty") });
    this.subject.value = subject;
    this.subject.addEventListener("input", () => this.save());
    field.append(el("label", "form-label", gettext("Subject"), { for: "composer-subject" }), this.subject);
    const into = el("div");
    this.place.append(field, into);
    if (this.options.folded) this.foot.prepend(this.options.element);
    else this.place.append(this.options.element);
    this.form = renderForm(into, this.data.forms[kind], { values, language: this.data.me.language, context: this.context, onChange: () => this.save() });
  }

  values() {
    if (this.note) return this.note.value.trim() ? { text: this.note.value.trim() } : {};
    return this.form?.values() ?? {};
  }

  submit() {
    const { kind, answer, supersedes, instead, rule } = this.state;
    const body = this.values();
    if (kind === "note" && !body.text) return this.focus();
    if (rule.answers && !answer && !supersedes) {
      this.answerLine.querySelector("select")?.focus();
      return;
    }
    const problems = this.form?.problems() ?? [];
    if (problems.length) {
      this.form.setErrors(problems);
      return;
    }
    const message = { id: mintId(), kind, language: this.data.me.language, body, ...this.options.values() };
    const template = this.data.forms[kind]?.template;
    if (template) message.template = template;
    const subject = this.subject?.value.trim();
    if (subject) message.subject = subject;
    if (answer) message.in_reply_to = answer.id;
    if (supersedes) message.supersedes = supersedes.id;
    this.send(message, instead); // a storage that is full throws here: what was written still stands
    this.reset();
  }

  /** Takes back what was refused, with the reasons at their fields; find(id): a message that is at hand. */
  edit(entry, find) {
    const { message, problem } = entry;
    const rule = this.kinds.find((kind) => kind.code === message.kind);
    const named = (id, kind) => (id ? (find(id) ?? { id, kind, reference: "" }) : null);
    this.start(message.kind, {
      answer: named(message.in_reply_to, rule?.answers ?? message.kind),
      supersedes: named(message.supersedes, message.kind),
      instead: entry.id,
      values: message.body,
      subject: message.subject ?? "",
      options: message,
      problems: problem?.errors ?? null,
    });
    this.save();
  }

  reset() {
    this.storage.removeItem(this.key);
    this.start("note", { focus: false });
    if (!this.can("note")) this.start(this.kinds[0].code, { focus: false });
  }

  save() {
    const values = this.values();
    const { kind, answer, supersedes, instead } = this.state;
    if (!Object.keys(values).length) this.storage.removeItem(this.key);
    else this.storage.setItem(this.key, JSON.stringify({ kind, answer, supersedes, instead, values, subject: this.subject?.value ?? "" }));
  }

  restore() {
    let kept = null;
    try {
      kept = JSON.parse(this.storage.getItem(this.key));
    } catch {
      this.storage.removeItem(this.key);
    }
    if (kept && this.can(kept.kind) && kept.kind !== "seizure") this.start(kept.kind, { ...kept, focus: false });
    else this.reset();
  }
}
