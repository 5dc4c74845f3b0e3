// Type to shorten a long list of tick boxes: [data-field="countries"]. Without JavaScript the list is whole.
import { gettext } from "../cencomm/text.js";

const field = document.querySelector('[data-field="countries"]');
const choices = field ? field.querySelector(".choices") : null;

if (choices) {
  const input = document.createElement("input");
  input.type = "search";
  input.className = "choices-filter";
  input.placeholder = gettext("Find a country");
  input.setAttribute("aria-label", gettext("Find a country"));
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const rows = [...choices.querySelectorAll("label")].map((label) => ({
    row: label.parentElement,
    text: fold(label.textContent),
    box: label.querySelector("input"),
  }));
  input.addEventListener("input", () => {
    const wanted = fold(input.value.trim());
    for (const { row, text, box } of rows) row.hidden = !(text.includes(wanted) || box.checked);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it filters; it does not send the form
  });
  choices.before(input);
}
