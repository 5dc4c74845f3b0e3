// Shortcuts of the console. They rest while one types, and while a dialog is open.

const TYPING = "input, textarea, select, [contenteditable]";

/** keys: {key: action}. Escape leaves a field first. */
export function startKeyboard(keys) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest?.(TYPING)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    // A focused button keeps its own Enter.
    if (event.key === "Enter" && event.target.closest?.("button, a, summary")) return;
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
