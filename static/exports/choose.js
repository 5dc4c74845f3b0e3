// Choosing rows of the transfer page: counts them, and enables the button that takes only these.

for (const form of document.querySelectorAll("[data-choose]")) {
  const boxes = [...form.querySelectorAll('input[name="message"]')];
  const all = form.querySelector("[data-choose-all]");
  const button = form.querySelector("[data-chosen]");
  const count = form.querySelector("[data-chosen-count]");
  const update = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    if (button) button.disabled = chosen === 0;
    if (count) count.textContent = chosen ? `(${chosen})` : "";
    if (all) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  };
  all?.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    update();
  });
  form.addEventListener("change", update);
  update();
}
