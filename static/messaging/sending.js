// The outbox as the pages use it: through the live socket where there is one, else by HTTP, under the same id.
import { postMessage } from "./api.js";
import { Outbox } from "./outbox.js";

/** group and live: of the page that has a live stream; onSent(message, answer): what the server said. */
export function makeOutbox({ kept, locks, group = null, live = null, onSent = () => {} }) {
  return new Outbox({
    kept,
    locks,
    onSignedOut: () => (live ? live.end("signedout") : location.reload()),
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
}
