// The addresses of attachments, as the queue of uploads uses them: begin or resume, append a piece, look, take away.
import { ask, call } from "./api.js";

const PIECE_TIMEOUT = 180000; // milliseconds: 64 KiB on a line that hardly is one

export const attachmentUrl = (id) => `/api/v1/attachments/${id}`;
export const previewUrl = (id) => `/api/v1/attachments/${id}/preview`;

/** Begins an upload, or asks how far it is: the same id goes on where it stands. Answers its state, offset and piece. */
export function beginUpload(group, { id, name, size, media_type, caption }) {
  return call("POST", `/groups/${group}/attachments`, { id, name, size, media_type, caption });
}

/** Appends a piece at an offset; answers the offset after it. */
export async function appendPiece(id, offset, bytes, signal) {
  const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
  const answer = await ask("PATCH", `/attachments/${id}`, { headers, body: bytes, timeout: PIECE_TIMEOUT, signal });
  return Number(answer.headers.get("Upload-Offset"));
}

export const lookAt = (id) => call("GET", `/attachments/${id}/state`);
export const writeCaption = (id, caption) => call("PUT", `/attachments/${id}/caption`, { caption });
export const takeAway = (id) => call("DELETE", `/attachments/${id}`);
