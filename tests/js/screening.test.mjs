// What is asked before sending: answers belong to what was asked, and end with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, confirmedOf, keyOf, payloadOf, Screening, without } from "../../static/messaging/screening.js";
import { asPage } from "./page.mjs";

const advice = {
  findings: [{ field: "text", kind: "name", label: "name of a person", start: 0, end: 11, passage: "Kofi Mensah" }],
  questions: [{ field: "quantity", code: "unusual_quantity", message: "Is it right?" }],
};

test("findings and questions are asked in one shape", () => {
  assert.deepEqual(
    asked(advice).map(({ field, code, passage, text, question }) => [field, code, passage, text, question]),
    [
      ["text", "name", "Kofi Mensah", "name of a person", false],
      ["quantity", "unusual_quantity", "", "Is it right?", true],
    ],
  );
  assert.deepEqual(asked(null), []);
});

test("an answer goes with the message as long as the same is asked", () => {
  const items = asked(advice);
  const answers = new Map([[items[0].key, "official"], ["of something that was removed", "thing"]]);
  assert.deepEqual(confirmedOf(items, answers), [{ field: "text", code: "name", passage: "Kofi Mensah", reason: "official" }]);
  assert.deepEqual(confirmedOf(asked({ findings: [], questions: [] }), answers), []);
});

test("what was confirmed is recognised when a draft is taken up again", () => {
  const [name, quantity] = asked(advice);
  assert.equal(keyOf({ field: "text", code: "name", passage: "Kofi Mensah", reason: "official" }), name.key);
  assert.equal(keyOf({ field: "quantity", code: "unusual_quantity", passage: "" }), quantity.key);
});

test("a passage is taken out without a gap", () => {
  assert.equal(without("driver Kofi Mensah, released", "Kofi Mensah"), "driver, released");
  assert.equal(without("for Kofi Mensah today", "Kofi Mensah"), "for today");
  assert.equal(without("nobody", "Kofi"), "nobody");
});

test("the server is told what is written and the words of the files, nothing else", () => {
  const message = { id: "x", kind: "note", body: { text: "a" }, priority: "immediate", attachments: ["1"] };
  const files = [{ id: "1", name: "a.jpg", caption: "b", size: 3 }, {}];
  assert.deepEqual(payloadOf(message, files), {
    kind: "note", subject: "", body: { text: "a" }, files: [{ name: "a.jpg", caption: "b" }, { name: "", caption: "" }],
  });
});

/** A screening without a page; `answer()` stands for the server. */
function screeningOf(t, answer) {
  const made = Object.assign(Object.create(Screening.prototype), {
    group: "g", known: null, asking: null, items: [], answers: new Map(), text: "a",
    current: () => ({ message: { kind: "note", body: { text: made.text } }, files: [] }),
    show(text, items) {
      Object.assign(this, { known: text, items });
    },
    draw() {},
    element: { scrollIntoView() {}, focus() {} },
  });
  asPage(t, answer);
  return made;
}

const found = async (findings = []) => Response.json({ findings, questions: [] });

test("what is written on while the server looks does not go unseen", async (t) => {
  const made = screeningOf(t, () => found());
  const going = made.mayGo();
  made.text = "a, driver Kofi Mensah";
  assert.deepEqual([await going, made.changed], [false, true]);
  assert.deepEqual([await made.mayGo(), made.changed], [true, false]);
});

test("neither does it go where the server did not answer in time", async (t) => {
  const made = screeningOf(t, async () => {
    throw new TypeError("no line");
  });
  const going = made.mayGo("immediate");
  made.text = "a, driver Kofi Mensah";
  assert.deepEqual([await going, made.changed], [false, true]);
});

test("what was given up while the server looked does not go, and nothing is said of it", async (t) => {
  const made = screeningOf(t, () => found());
  const going = made.mayGo();
  made.text = "";
  made.clear();
  assert.deepEqual([await going, made.changed], [false, false]);
});

test("a question that the server did not answer is asked again", async (t) => {
  const answers = [() => Promise.reject(new TypeError("no line")), () => found(advice.findings)];
  const made = screeningOf(t, () => answers.shift()());
  assert.equal(await made.ask(), false);
  assert.equal(await made.ask(), true);
  assert.equal(made.items.length, 1);
});

/** The server answers after patience has ended and `meanwhile` has been done; returns what is shown then. */
async function shownLate(t, meanwhile) {
  let answer;
  const made = screeningOf(t, () => new Promise((resolve) => (answer = () => resolve(found(advice.findings)))));
  assert.equal(await made.ask(0), false);
  const { answer: late } = made.asking;
  meanwhile(made);
  answer();
  await late;
  return made.items;
}

test("an answer that comes too late for somebody's patience is shown all the same", async (t) => {
  assert.equal((await shownLate(t, () => {})).length, 1);
});

test("an answer to what does not stand in the fields any more is not shown", async (t) => {
  assert.equal((await shownLate(t, (made) => (made.text = ""))).length, 0);
});
