// Choices as chips: radio buttons, or check boxes where several are allowed.
import { gettext } from "../cencomm/text.js";
import { make } from "./elements.js";
import { fittingOptions } from "./values.js";

const MANY_CHIPS = 7;

/** A chip row; long lists fold behind "More…". Radio buttons underneath, or check boxes where several are allowed. */
export function chips(field, form, several) {
  const element = make("div", "chips", { role: several ? "group" : "radiogroup" });
  const name = `chips-${Math.random().toString(36).slice(2)}`;
  let chosen = [];
  let unfolded = false;

  function toggle(code, on) {
    if (several) chosen = on ? [...chosen, code] : chosen.filter((other) => other !== code);
    else chosen = on ? [code] : [];
    form.changed();
  }

  function chip(option) {
    const label = make("label", "chip");
    const input = make("input", "", { type: several ? "checkbox" : "radio", name, value: option.code });
    input.checked = chosen.includes(option.code);
    input.addEventListener("change", () => toggle(option.code, input.checked));
    // A radio button cannot be let go by itself; an optional answer must be.
    if (!several && !field.required) {
      input.addEventListener("click", () => {
        if (label.dataset.on === "yes") {
          input.checked = false;
          toggle(option.code, false);
        }
        for (const other of element.querySelectorAll("label.chip")) {
          other.dataset.on = other.querySelector("input").checked ? "yes" : "no";
        }
      });
      label.dataset.on = input.checked ? "yes" : "no";
    }
    label.append(input, make("span", "", { text: option.label }));
    return label;
  }

  function refresh() {
    const options = fittingOptions(field, form.values(), form.outer());
    const folded = !unfolded && options.length > MANY_CHIPS + 1;
    const visible = folded
      ? options.filter((option, index) => index < MANY_CHIPS || chosen.includes(option.code))
      : options;
    const signature = visible.map((option) => option.code).join() + chosen.join();
    if (signature === element.dataset.signature) return;
    element.dataset.signature = signature;
    const focused = element.contains(document.activeElement) ? document.activeElement.value : null;
    element.replaceChildren(...visible.map(chip));
    if (folded) {
      const more = make("button", "chip chip-more", { type: "button", text: gettext("More…") });
      more.addEventListener("click", () => {
        unfolded = true;
        element.dataset.signature = "";
        refresh();
        element.querySelectorAll("input")[visible.length]?.focus();
      });
      element.append(more);
    }
    if (focused) element.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  }

  refresh();
  return {
    element,
    grouped: true,
    get: () => (several ? (chosen.length ? chosen : null) : (chosen[0] ?? null)),
    set(value) {
      chosen = value === null || value === undefined ? [] : [value].flat();
      element.dataset.signature = "";
      refresh();
    },
    refresh,
  };
}
