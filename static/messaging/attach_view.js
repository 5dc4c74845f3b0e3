// The files of a message as those see them who read it: small pictures in the stream, of one size, so that no row ever
// changes its height when one arrives. The record draws the same marks on the server (templates/messaging/files.html).
import { icon } from "../cencomm/icons.js";
import { format, gettext, labelled, ngettext } from "../cencomm/text.js";
import { attachmentUrl, previewUrl } from "./attach_client.js";
import { fileText, sizeText } from "./attach_words.js";
import { el } from "./rows.js";

const SHOWN = 4; // pictures of a row; the others are one touch away

export const isPicture = ({ kind, state, preview }) => kind === "image" && state === "ready" && preview;

/** What a row must be drawn again for. */
export const filesSignature = (message) => (message.attachments ?? []).map(({ id, state }) => `${id}${state}`).join();

/** The line of files below a row's subject, or null. Not reached by Tab: the record shows them again. */
export function rowFiles(message, labels) {
  const files = message.attachments ?? [];
  if (!files.length) return null;
  const list = el("ul", "row-files", undefined, { "data-gallery": "", "aria-label": gettext("Pictures and files") });
  const pictures = files.filter(isPicture);
  pictures.forEach((file, at) => {
    const item = el("li");
    if (at >= SHOWN) item.hidden = true;
    item.append(pictureButton(file));
    list.append(item);
  });
  if (pictures.length > SHOWN) list.append(moreItem(pictures));
  for (const file of files) if (!isPicture(file)) list.append(fileItem(file, labels));
  return list;
}

function pictureButton(file) {
  const button = el("button", "thumb", undefined, { type: "button", tabindex: "-1", "data-picture": file.id, "data-name": file.name, "data-caption": file.caption || undefined });
  button.append(el("img", "", undefined, {
    src: previewUrl(file.id), alt: file.caption || format(gettext("Picture %(name)s"), { name: file.name }), width: "88", height: "66", loading: "lazy", decoding: "async" }));
  return button;
}

function moreItem(pictures) {
  const more = pictures.length - SHOWN;
  const item = el("li");
  const text = format(ngettext("%(n)s more", "%(n)s more", more), { n: more });
  item.append(el("button", "thumb thumb-more", text, { type: "button", tabindex: "-1", "data-picture-more": pictures[SHOWN].id }));
  return item;
}

function fileItem(file, labels) {
  const item = el("li", "file-mark", undefined, { "data-state": file.state });
  const told = fileText(file, labels.attachmentReasons);
  const size = sizeText(file.size, labels.language);
  if (file.state === "ready") {
    const link = el("a", "", undefined, { href: attachmentUrl(file.id), download: file.name, tabindex: "-1" });
    link.append(icon(file.kind === "image" ? "photo" : "file"), el("span", "file-name", file.name, { dir: "auto" }));
    item.append(link, el("span", "muted", size));
    return item;
  }
  item.append(icon(file.kind === "image" ? "photo" : "file"), el("span", "file-name", file.name, { dir: "auto" }), el("span", "file-state", told));
  item.title = labelled(file.name, told);
  return item;
}
