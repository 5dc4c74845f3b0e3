// A picture made smaller on the device, when the officer wants it: still sharp enough to read a plate or a seal.

const LONGEST = 2560; // pixels of the longer side: about what a page of evidence prints
const QUALITY = 0.85;
export const WORTH_IT = 1.2e6; // bytes: below this nothing is offered

/** The size to which a picture is drawn: the longer side at most `longest`, never larger than it is. Pure. */
export function scaledSize({ width, height }, longest = LONGEST) {
  const share = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * share)), height: Math.max(1, Math.round(height * share)) };
}

/** Whether an upload is a picture that browsers can draw, and large enough to be worth it. */
export function canShrink({ media_type: type, size, state }) {
  return size >= WORTH_IT && /^image\/(jpeg|png|webp)$/.test(type) && ["keeping", "waiting", "uploading"].includes(state);
}

/** Answers a smaller JPEG, or null where it would not be much smaller. */
export async function shrink(blob, name) {
  const picture = await createImageBitmap(blob, { imageOrientation: "from-image" });
  const { width, height } = scaledSize(picture);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
  picture.close();
  const made = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!made || made.size > blob.size * 0.8) return null;
  return new File([made], `${name.replace(/\.\w+$/, "")}.jpg`, { type: "image/jpeg" });
}
