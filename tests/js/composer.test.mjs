// Sending takes seconds on a bad line: what is pressed meanwhile neither loses a message nor makes another of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Composer } from "../../static/messaging/composer.js";

/** A composer without a page: one note is being written, and screening answers when the test says so. */
function writing({ instead = null } = {}) {
  let answer;
  const answered = new Promise((resolve) => (answer = resolve));
  const told = { sent: [], aside: [], errors: [], draft: null };
  const composer = Object.assign(Object.create(Composer.prototype), {
    state: { kind: "note", answer: null, supersedes: null, instead, rule: {} },
    text: "seen at the quay",
    touched: true,
    sendButton: {},
    tray: { settle: async () => {}, take() {}, ids: () => [] },
    options: { values: () => ({}) },
    screening: { mayGo: () => answered, now: () => composer.text, clear() {}, soon() {} },
    drafts: { settle: async () => {}, save: async (value) => (told.draft = value?.message.body.text ?? null) },
    note: {
      get value() {
        return composer.text;
      },
      set value(text) {
        composer.text = text;
      },
    },
    values() {
      return this.text ? { text: this.text } : {};
    },
    message(id) {
      return { id, kind: this.state.kind, body: this.values() };
    },
    start(kind) {
      Object.assign(this, { state: { kind, answer: null, supersedes: null, instead: null, rule: {} }, text: "" });
    },
    can: () => true,
    send: async (message, replaced) => told.sent.push([message.kind, message.body.text, replaced]),
    putAside: async (message) => told.aside.push(message.body.text),
    onError: (text) => told.errors.push(text),
  });
  return { composer, told, answer };
}

test("a message that is given up while it waits to be sent is not sent, and takes no other's place", async () => {
  const { composer, told, answer } = writing({ instead: "refused before" });
  const sending = composer.hand("refused before");
  composer.reset(); // as the button "Cancel" does
  answer(true);
  await sending;
  assert.deepEqual(told, { sent: [], aside: [], errors: [], draft: null });
});

test("something else that is begun waits until the message before it has gone", async () => {
  const { composer, told, answer } = writing();
  const sending = composer.hand(null);
  const opening = composer.open("warning", {});
  await new Promise((resolve) => setTimeout(resolve));
  answer(true);
  await Promise.all([sending, opening]);
  assert.deepEqual(told, { sent: [["note", "seen at the quay", null]], aside: [], errors: [], draft: null });
  assert.equal(composer.state.kind, "warning");
});

test("something else that is begun puts a message aside that is held back", async () => {
  const { composer, told, answer } = writing();
  const sending = composer.hand(null);
  const opening = composer.open("warning", {});
  answer(false);
  await Promise.all([sending, opening]);
  assert.deepEqual(told, { sent: [], aside: ["seen at the quay"], errors: [], draft: null });
  assert.equal(composer.state.kind, "warning");
});

test("two presses are one message", async () => {
  const { composer, told, answer } = writing();
  const both = [composer.hand(null), composer.hand(null)];
  answer(true);
  await Promise.all(both);
  assert.equal(told.sent.length, 1);
});

test("what is typed while a message is written to the disk is no part of it, and stays", async () => {
  const { composer, told, answer } = writing();
  const { send } = composer;
  composer.send = async (message, instead) => {
    composer.text += " and seized";
    await send(message, instead);
  };
  answer(true);
  await composer.hand(null);
  assert.deepEqual(told.sent, [["note", "seen at the quay", null]]);
  assert.equal(composer.text, "and seized");
  assert.equal(told.draft, "and seized", "it survives a reload");
});

test("what is changed while a message is written to the disk stays whole, and is told", async () => {
  const { composer, told, answer } = writing({ instead: "refused before" });
  const { send } = composer;
  composer.send = async (message, instead) => {
    composer.text = "seen at the pier";
    await send(message, instead);
  };
  answer(true);
  await composer.hand("refused before");
  assert.deepEqual([composer.text, composer.state.instead, told.errors.length], ["seen at the pier", null, 1]);
});

test("a message that a full disk does not take is written to its draft again", async () => {
  const { composer, told, answer } = writing();
  composer.send = async () => {
    throw new Error("full");
  };
  answer(true);
  await composer.hand(null);
  assert.deepEqual([told.sent, told.errors.length, told.draft], [[], 1, "seen at the quay"]);
});
