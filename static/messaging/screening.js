// What the server asks before a message is sent: passages that may point at a person, values that are odd. It asks and
// forbids nothing; a server that does not answer in time holds nothing up, and the finding is shown on the message then.
import { format, gettext } from "../cencomm/text.js";
import { call } from "./api.js";
import { toast } from "./connection.js";
import { el } from "./rows.js";

const PAUSE = 900; // ms without a key before the server is asked
const PATIENCE = { immediate: 1000, priority: 2000, routine: 3000 }; // ms that sending waits for the answer

/** What a question or a finding is known by, as long as it says the same. Pure. */
export function keyOf({ field, kind, code, passage = "" }) {
  return JSON.stringify([field, kind ?? code, passage]);
}

/** Everything that was asked, in one shape: {key, field, code, passage, text, question}. Pure. */
export function asked(advice) {
  const findings = (advice?.findings ?? []).map((one) => ({ ...one, code: one.kind, question: false, text: one.label }));
  const questions = (advice?.questions ?? []).map((one) => ({ ...one, passage: "", question: true, text: one.message }));
  return [...findings, ...questions].map((one) => ({ ...one, key: keyOf(one) }));
}

/** What goes with the message: the answers to what is asked now. `answers`: key -> reason. Pure. */
export function confirmedOf(items, answers) {
  return items.filter(({ key }) => answers.has(key)).map(({ key, field, code, passage }) => ({ field, code, passage, reason: answers.get(key) }));
}

/** A text without a passage, and without the gap that it leaves. Pure. */
export function without(text, passage) {
  const at = text.indexOf(passage);
  if (at < 0) return text;
  const [before, after] = [text.slice(0, at), text.slice(at + passage.length)];
  if (/\s$/.test(before) && /^[\s,.;:!?)]/.test(after)) return before.trimEnd() + after;
  return before + after;
}

/** The same question twice is one request: what is asked about, as text. Pure. */
export function payloadOf(message, files = []) {
  return { kind: message.kind, subject: message.subject ?? "", body: message.body, files: files.map(({ name = "", caption = "" }) => ({ name, caption })) };
}

export class Screening {
  /**
   * settings: {group, current(): {message, files}, places(): elements with the fields, labelOf(name): a field's label,
   * onChange(): what was answered changed}
   */
  constructor(settings) {
    Object.assign(this, settings);
    this.answers = new Map(); // key -> reason
    this.items = [];
    this.known = null; // what was asked about last, as text
    this.held = false; // sending was stopped for it
    this.changed = false; // sending was stopped because the writer wrote on
    this.element = el("section", "screening", undefined, { "aria-label": gettext("Before you send"), tabindex: "-1" });
    this.element.hidden = true;
  }

  /** Something was written: asks when the writer pauses. */
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  /** What stands in the fields, as text. */
  now() {
    const { message, files } = this.current();
    return JSON.stringify(payloadOf(message, files));
  }

  /** Asks unless it knows; answers whether it knows now. */
  async ask(patience = 10000) {
    const text = this.now();
    const payload = JSON.parse(text);
    if (text === this.known) return true;
    if (!navigator.onLine) return false;
    if (!Object.keys(payload.body).length && !payload.subject && !payload.files.length) {
      this.show(text, []);
      return true;
    }
    if (this.asking?.text !== text) this.asking = { text, answer: this.answerTo(text, payload) };
    return Promise.race([this.asking.answer, new Promise((resolve) => setTimeout(resolve, patience, false))]);
  }

  /** Shows what the server asks, however late, while the same stands in the fields; answers whether it answered. */
  async answerTo(text, payload) {
    const advice = await call("POST", `/groups/${this.group}/screening`, payload).catch(() => null);
    if (!advice) return this.giveUp(text);
    if (this.asking?.text === text && this.now() === text) this.show(text, asked(advice));
    return true;
  }

  /** No answer came: the next question is a new one. */
  giveUp(text) {
    if (this.asking?.text === text) this.asking = null;
    return false;
  }

  /**
   * Whether the message can go as it stands: nothing is open, or the server could not be asked in time. What was
   * written on meanwhile nobody has looked at, and may be half a sentence: then it cannot.
   */
  async mayGo(priority = "routine") {
    clearTimeout(this.timer);
    const turn = (this.turn = {});
    const text = this.now();
    const knows = await this.ask(PATIENCE[priority] ?? PATIENCE.routine);
    if (this.turn !== turn) return false; // given up meanwhile
    this.changed = false;
    if (this.now() !== text) return this.hold();
    if (!knows) {
      toast(gettext("Sent without a look for names: the server did not answer. What may point at a person is shown on the message."));
      return true;
    }
    const open = this.open();
    this.held = open.length > 0;
    this.draw();
    if (!open.length) return true;
    this.element.scrollIntoView({ block: "nearest" });
    this.element.focus();
    return false;
  }

  /** It does not go: something was written on since it was sent. */
  hold() {
    this.changed = true;
    this.draw();
    return false;
  }

  open() {
    return this.items.filter(({ key }) => !this.answers.has(key));
  }

  confirmed() {
    return confirmedOf(this.items, this.answers);
  }

  /** Takes back what was answered before, with a draft. */
  recall(confirmed = []) {
    this.clear();
    for (const one of confirmed ?? []) this.answers.set(keyOf(one), one.reason);
    if (confirmed?.length) this.soon();
  }

  clear() {
    clearTimeout(this.timer);
    this.answers.clear();
    this.held = false;
    this.changed = false;
    this.turn = null;
    this.asking = null;
    this.show(null, []);
  }

  show(text, items) {
    this.known = text;
    const same = JSON.stringify(items) === JSON.stringify(this.items);
    this.items = items;
    if (!items.length) this.held = false;
    if (!same || !items.length) this.draw();
  }

  draw() {
    this.element.hidden = !this.items.length && !this.changed;
    const open = this.open().length;
    this.element.replaceChildren();
    if (this.items.length) {
      const title = open ? gettext("Before you send") : gettext("Looked at: it can be sent");
      const list = el("ul");
      list.append(...this.items.map((item) => this.line(item)));
      this.element.append(el("p", "screening-title", title, { role: "status" }), list);
    }
    if (this.items.some(({ question }) => !question)) {
      this.element.append(el("p", "screening-rule", gettext("This group takes no data about persons. Remove what points at somebody, or say what it is.")));
    }
    if (this.held && open) this.element.append(el("p", "screening-held", gettext("Not sent yet: say of each what it is, or remove it."), { role: "alert" }));
    if (this.changed) this.element.append(el("p", "screening-held", gettext("Not sent yet: you wrote on after you had sent it. Send it again."), { role: "alert" }));
    this.element.dataset.open = open + Number(this.changed);
    this.mark();
  }

  /** The fields that are asked about, where they stand. */
  mark() {
    const fields = this.open().map(({ field }) => field.split("."));
    const names = new Set(fields.map(([name]) => name));
    const files = new Set(fields.filter(([name]) => name === "files").map(([, at]) => Number(at)));
    for (const place of this.places()) {
      for (const one of place.querySelectorAll(":scope [data-field]")) one.classList.toggle("field-asked", names.has(one.dataset.field));
      place.querySelectorAll(":scope [data-file]").forEach((one, at) => one.classList.toggle("field-asked", files.has(at)));
    }
  }

  line(item) {
    const line = el("li", this.answers.has(item.key) ? "screening-settled" : "");
    const words = el("span", "screening-words");
    if (item.question) words.append(el("span", "", item.text));
    else words.append(el("q", "", item.passage, { dir: "auto" }), " ", el("span", "muted", format(gettext("may be: %(what)s"), { what: item.text })));
    const label = this.labelOf(item.field.split(".")[0], item.field);
    if (label) words.append(" ", el("span", "muted", `· ${label}`));
    line.append(words, this.acts(item));
    return line;
  }

  acts(item) {
    const acts = el("span", "screening-acts");
    if (item.question) {
      const said = this.answers.has(item.key);
      const yes = el("button", "btn btn-sm", gettext("Yes, it is right"), { type: "button", "aria-pressed": String(said) });
      yes.addEventListener("click", () => this.answer(item, said ? "" : "right"));
      acts.append(yes);
      return acts;
    }
    if (!item.field.endsWith(".name")) {
      const remove = el("button", "btn btn-sm", gettext("Remove it"), { type: "button" });
      remove.addEventListener("click", () => this.remove(item));
      acts.append(remove);
    }
    const label = format(gettext("What “%(passage)s” is"), { passage: item.passage });
    const why = el("select", "form-select form-select-sm", undefined, { "aria-label": label });
    for (const [value, text] of reasons()) why.append(el("option", "", text, { value }));
    why.value = this.answers.get(item.key) ?? "";
    why.addEventListener("change", () => this.answer(item, why.value));
    acts.append(why);
    return acts;
  }

  answer(item, reason) {
    if (reason) this.answers.set(item.key, reason);
    else this.answers.delete(item.key);
    this.draw();
    this.onChange();
    this.element.querySelector("li:not(.screening-settled) select, li:not(.screening-settled) button")?.focus();
  }

  /** Takes the passage out of the field in which it stands. */
  remove({ passage }) {
    const fields = this.places().flatMap((place) => [...place.querySelectorAll("textarea, input:not([type]), input[type=text], input[type=search]")]);
    const field = fields.find(({ value }) => value.includes(passage));
    if (!field) return;
    field.value = without(field.value, passage);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
    this.ask();
  }
}

function reasons() {
  return [
    ["", gettext("Not personal: what is it?")],
    ["thing", gettext("A thing, a ship, a company")],
    ["place", gettext("A place")],
    ["number", gettext("The number of a thing")],
    ["official", gettext("An official in office")],
  ];
}
