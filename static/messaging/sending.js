// Outbox and uploads as the pages use them: through the live socket where there is one, else by HTTP, under the same id.
import { postMessage } from "./api.js";
import * as client from "./attach_client.js";
import { Uploads } from "./attach_queue.js";
import { FileStore } from "./attach_store.js";
import { Outbox } from "./outbox.js";

/** Files on their way, and the rule that a message goes when all of its files have arrived. */
export function makeUploads({ kept, locks, reasons, live = null }) {
  const store = new FileStore({ kept, locks });
  return new Uploads({ store, client, locks, reasons, onSignedOut: () => signedOut(live) });
}

const signedOut = (live) => (live ? live.end("signedout") : location.reload());

/** group and live: of the page that has a live stream; onSent(message, answer): what the server said. */
export function makeOutbox({ kept, locks, uploads, group = null, live = null, onSent = () => {} }) {
  const filesOf = (message) => message?.attachments ?? [];
  /** Its files are given up, but for those that a message in the outbox speaks of. */
  const giveUp = (message) => filesOf(message).filter((id) => !outbox.speaksOf(id)).forEach((id) => uploads.discard(id));
  const outbox = new Outbox({
    kept,
    locks,
    onSignedOut: () => signedOut(live),
    hold: async (message) => {
      if (!filesOf(message).length) return "";
      await uploads.refresh(); // another tab may have taken the files in
      return uploads.verdict(filesOf(message));
    },
    onGone: (message, { sent }) => (sent ? uploads.forget(filesOf(message)) : giveUp(message)),
    onReplaced: (message) => giveUp(message),
    deliver: async (groupId, message) => {
      let tried = false;
      if (groupId === group && live?.isLive()) {
        try {
          return onSent(message, await live.post(message));
        } catch (failure) {
          // The socket went away in between: the same message, by its id, through the other door.
          if (!failure.retry || failure.problem) throw failure;
          tried = true;
        }
      }
      try {
        return onSent(message, await postMessage(groupId, message));
      } catch (failure) {
        throw { ...failure, unsent: failure.unsent && !tried };
      }
    },
  });
  uploads.onChange(({ settled }) => settled && outbox.flush());
  return outbox;
}

/** What this browser keeps at the start: files that no message and no draft speaks of any more go. */
export async function startUploads({ kept, uploads }) {
  await uploads.refresh();
  const written = [...(await kept.all("out/")), ...(await kept.all("draft/"))].map(([, value]) => value).filter(Boolean);
  const spokenOf = written.flatMap(({ message, value }) => (message ?? value?.message ?? value)?.attachments ?? []);
  await uploads.sweep(new Set(spokenOf));
  addEventListener("online", () => uploads.hurry());
  return uploads.flush();
}
