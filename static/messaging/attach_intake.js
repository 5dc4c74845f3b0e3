// Ways for files into a page: file picker, camera, paste, drop. What becomes of them is the tray's matter.
import { icon } from "../cencomm/icons.js";
import { gettext } from "../cencomm/text.js";
import { pastedName } from "./attach_words.js";
import { el } from "./rows.js";

/** Buttons for files and, on a phone or tablet, the camera. onFiles([{file, name}]). Answers {element, disable(yes)}. */
export function intakeButtons({ accept, onFiles }) {
  const element = el("div", "attach-buttons");
  const buttons = [];
  const add = (name, text, attributes) => {
    const input = el("input", "", undefined, { type: "file", hidden: "", "aria-label": text, "data-attach": name, ...attributes });
    input.addEventListener("change", () => {
      onFiles([...input.files].map((file) => ({ file, name: file.name })));
      input.value = ""; // the same file may be chosen again
    });
    const button = el("button", "btn btn-sm attach-button", undefined, { type: "button", "data-attach-button": name });
    button.append(icon(name === "camera" ? "camera" : "paperclip"), text);
    button.addEventListener("click", () => input.click());
    buttons.push(button);
    element.append(button, input);
  };
  add("files", gettext("Attach"), { accept: accept.join(","), multiple: "" });
  if (matchMedia("(pointer: coarse)").matches) add("camera", gettext("Camera"), { accept: "image/*", capture: "environment" });
  return { element, disable: (yes) => buttons.forEach((button) => (button.disabled = yes)) };
}

/** Files that are pasted or dropped anywhere on the page. `open()`: whether they are wanted now; `zone`: shows where they go. */
export function listenForFiles({ zone, open, onFiles }) {
  const resting = () => !open() || document.querySelector("dialog[open]");
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // Office programs put a picture of the text beside it: in a field, the text is meant.
    const typing = event.target.closest?.("input, textarea") && event.clipboardData.types.includes("text/plain");
    if (!files.length || typing || resting()) return;
    event.preventDefault();
    onFiles(files.map((file) => ({ file, name: pastedName(file) })));
  });
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  let inside = 0;
  const show = (yes) => zone.toggleAttribute("data-drop", yes);
  document.addEventListener("dragenter", (event) => {
    if (!carries(event) || resting()) return;
    inside += 1;
    show(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (carries(event) && inside && (inside -= 1) === 0) show(false);
  });
  // Also where nothing is wanted: a browser that opens the dropped file would leave the page.
  document.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    inside = 0;
    show(false);
    if (!resting()) onFiles([...event.dataTransfer.files].map((file) => ({ file, name: file.name })));
  });
}
