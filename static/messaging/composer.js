// The bottom of the console: choose a kind, fill in the group's form for it, send. Nothing is lost by a reload.
import { gettext } from "../cencomm/text.js";
import { renderForm } from "../simplified_forms/form.js";
import { createOptions } from "./options.js";
import { mintId } from "./outbox.js";
import { el, kindTag } from "./rows.js";
import { Screening } from "./screening.js";

export class Composer {
  /**
   * settings: {element, data, labels, context, drafts, send(message, instead) -> Promise, putAside(message), onError(text),
   * find(id), answerable(kind, offer), openSeizure(warning), prepare(kind), onStart(): something else is being written, tray: a Tray}
   */
  constructor(settings) {
    Object.assign(this, settings);
    this.kinds = this.data.kinds.filter((kind) => kind.allowed);
    this.state = { kind: this.kinds[0]?.code, answer: null, supersedes: null };
    if (!this.kinds.length) return;
    this.element.hidden = false;
    this.element.inert = true; // until it is known what an earlier page has left
    this.build();
    this.reset();
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
    this.screening = new Screening({
      group: this.data.group.id,
      current: () => ({ message: this.message(""), files: this.tray.described() }),
      places: () => [this.place, this.tray.element],
      labelOf: (name, path) => this.labelOf(name, path),
      onChange: () => this.save(),
    });
    // What grows scrolls, as one; how to send it stays in sight.
    const body = el("div", "composer-body");
    body.append(this.answerLine, this.place, this.tray.element, this.screening.element);
    this.element.replaceChildren(this.kindBar, body, this.foot);
    this.foot.prepend(this.tray.buttons);
    this.sendButton.addEventListener("click", () => this.submit());
    this.cancelButton.addEventListener("click", () => {
      this.drafts.save(null);
      this.tray.discard();
      this.reset();
    });
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
    const values = this.can(kind) ? await this.prepare(kind) : {};
    return this.open(kind, { values });
  }

  /** Starts something else; what was being written is not lost by it. */
  async open(kind, options) {
    if (kind === "seizure" && !options.supersedes) return this.start(kind, options);
    await this.makeRoom();
    this.start(kind, options);
    // A correction keeps the files of what it corrects, but for those that did not pass.
    if (options.supersedes) this.tray.take(options.supersedes.attachments?.filter(({ state }) => state !== "refused").map(({ id }) => id));
  }

  /** What is written here already and would be overwritten is put aside, in sight, as a draft. */
  async makeRoom() {
    await this.handed; // what is being sent goes first
    if (!this.touched || this.isEmpty()) return;
    this.touched = false;
    this.nameFiles();
    await this.drafts.settle();
    await this.putAside(this.message(this.state.instead ?? mintId()));
    await this.drafts.save(null);
    this.tray.take();
  }

  /** A note that says nothing itself bears the names of its files. */
  nameFiles() {
    if (this.note && !this.note.value.trim()) this.note.value = this.tray.names();
  }

  isEmpty() {
    return !Object.keys(this.values()).length && !this.tray.ids().length;
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
    this.cancelButton.hidden = kind === "note" && !answer && !supersedes && !instead;
    if (problems) this.form?.setErrors(problems);
    else if (focus) this.focus();
    if (!this.element.inert) this.onStart();
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
    const candidates = new Map();
    const offer = (messages) => {
      for (const message of messages) {
        if (candidates.has(message.id)) continue;
        candidates.set(message.id, message);
        select.append(el("option", "", `${message.reference} ${message.subject}`, { value: message.id }));
      }
    };
    this.answerable(rule.answers, offer);
    select.addEventListener("change", () => {
      const answer = candidates.get(select.value);
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

  async submit() {
    const { kind, answer, supersedes, instead, rule } = this.state;
    this.nameFiles();
    if (kind === "note" && !this.values().text) return this.focus();
    if (rule.answers && !answer && !supersedes) {
      this.answerLine.querySelector("select")?.focus();
      return;
    }
    const problems = this.form?.problems() ?? [];
    if (problems.length) {
      this.form.setErrors(problems);
      return;
    }
    await this.hand(instead);
  }

  /** What a field is called, of which something is asked. */
  labelOf(name, path) {
    if (name === "subject") return gettext("Subject");
    if (name === "files") return path.endsWith(".caption") ? gettext("Caption of a file") : gettext("Name of a file");
    return this.data.forms[this.state.kind]?.fields.find((field) => field.name === name)?.label ?? "";
  }

  /** Once: a second press while the first is being kept is none. */
  hand(instead) {
    this.handed ??= this.handOver(instead).finally(() => (this.handed = null));
    return this.handed;
  }

  async handOver(instead) {
    const { state } = this;
    this.sendButton.disabled = true;
    try {
      await this.tray.settle();
      if (!(await this.screening.mayGo(this.options.values().priority))) return;
      if (this.state !== state) return this.touched && this.screening.hold(); // made something else, or given up meanwhile
      this.handing = true; // what is written from now on is no part of it
      const message = this.message(mintId());
      const looked = this.screening.now();
      await this.drafts.settle();
      await this.send(message, instead); // takes the draft away with the same stroke
      if (this.screening.now() === looked) this.reset();
      else this.goOn(message);
    } catch {
      this.onError(gettext("This browser could not keep the message, so it was not sent. What you have written is still here."));
    } finally {
      this.handing = false;
      this.sendButton.disabled = false;
      if (this.touched) this.save();
    }
  }

  /** A message has gone, and its writer wrote on while it was being kept: what was added stays. */
  goOn({ body, attachments = [] }) {
    this.state = { ...this.state, instead: null };
    this.tray.take(this.tray.ids().filter((id) => !attachments.includes(id)));
    const text = this.note?.value.trimStart();
    if (text?.startsWith(body.text)) this.note.value = text.slice(body.text.length).trimStart();
    else this.onError(gettext("It was sent without what you changed at the last moment. That is still here."));
  }

  message(id) {
    const { kind, answer, supersedes } = this.state;
    const message = { id, kind, language: this.data.me.language, body: this.values(), ...this.options.values() };
    const template = this.data.forms[kind]?.template;
    if (template) message.template = template;
    const subject = this.subject?.value.trim();
    if (subject) message.subject = subject;
    if (answer) message.in_reply_to = answer.id;
    if (supersedes) message.supersedes = supersedes.id;
    const attachments = this.tray.ids();
    if (attachments.length) message.attachments = attachments;
    const confirmed = this.screening.confirmed();
    if (confirmed.length) message.confirmed = confirmed;
    return message;
  }

  /** Takes back what was refused or put aside, with the reasons at their fields. */
  async edit(entry) {
    await this.makeRoom();
    this.take(entry.message, { instead: entry.id, problems: entry.problem?.errors ?? null });
    this.save();
  }

  take(message, { instead = null, problems = null, focus = true } = {}) {
    const rule = this.kinds.find((kind) => kind.code === message.kind);
    const named = (id, kind) => (id ? (this.find(id) ?? { id, kind, reference: "" }) : null);
    this.start(message.kind, {
      answer: named(message.in_reply_to, rule?.answers ?? message.kind),
      supersedes: named(message.supersedes, message.kind),
      instead,
      values: message.body,
      subject: message.subject ?? "",
      options: message,
      problems,
      focus,
    });
    this.tray.take(message.attachments);
    this.screening.recall(message.confirmed);
    this.touched = true;
  }

  reset() {
    this.touched = false;
    this.tray.take();
    this.screening.clear();
    this.start("note", { focus: false });
    if (!this.can("note")) this.start(this.kinds[0].code, { focus: false });
  }

  save() {
    if (this.handing) return;
    this.touched = true;
    this.screening.soon();
    const value = this.isEmpty() ? null : { message: this.message(mintId()), instead: this.state.instead ?? null };
    this.drafts.save(value).catch(() => this.onError(gettext("This browser cannot keep what you write: send it before you leave.")));
  }

  /** Goes on with what an earlier page of this officer has left; what other tabs left is put aside, in sight. */
  async restore() {
    if (!this.kinds.length) return;
    const [newest, ...others] = await this.drafts.claim();
    for (const { id, value } of others) {
      await this.putAside(value.message);
      await this.drafts.drop(id);
    }
    this.element.inert = false;
    if (newest && this.can(newest.value.message.kind)) this.take(newest.value.message, { instead: newest.value.instead, focus: false });
  }
}
