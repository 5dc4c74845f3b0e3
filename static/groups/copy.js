// A button that copies the field it names: <button data-copy="#id" hidden>. Shown only where copying works.
import { gettext } from "../cencomm/text.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.querySelector(button.dataset.copy);
  if (!field || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.textContent = gettext("Copied");
  });
}
