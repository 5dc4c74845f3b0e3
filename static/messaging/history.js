// Fetches the group's history into a feed, from where one stands to both sides, and forgets what lies far behind.
//
// What happens while a page is on its way is applied to it again when it has come: it may have been read before.

const PAGE = 100; // messages per fetch towards the older end
const KEPT = 600; // messages held of a view
const SPAN = 200; // sequence numbers per fetch towards the newer end, at first
const WIDEST = 20000;
const MOST = 500; // messages of one answer

export class History {
  /** settings: {state, fetchPage(parameters), head(), reading(), onChange(feed), onError(failure), schedule?} */
  constructor(settings) {
    this.schedule = (work, pause) => setTimeout(work, pause);
    Object.assign(this, settings);
    this.during = new Set();
  }

  /** Every event of the stream comes by here. */
  saw(event) {
    for (const events of this.during) events.push(event);
  }

  /** The page before the oldest that is held; called again by itself while a search has found nothing yet. */
  async older() {
    const feed = this.state.current;
    if (feed.loading || feed.complete) return;
    await this.work(feed, async () => {
      const page = await this.page(feed, { after: feed.next, limit: PAGE });
      feed.next = page.next ?? undefined;
      feed.complete = page.next === null;
      this.take(feed, page);
      if (this.reading()) feed.trimNewest(KEPT);
      if (!page.complete && page.next !== null) this.schedule(() => feed === this.state.current && this.older(), 50);
    });
  }

  /**
   * What follows the newest that is held. The server lists the newest first, so a stretch of numbers is asked for
   * from its upper end; the stretch widens while little is found, and a full answer is read on to its lower end.
   */
  async newer() {
    const feed = this.state.current;
    if (feed.loading || feed.atNewest) return;
    await this.work(feed, async () => {
      feed.span ??= SPAN;
      const bottom = feed.ceiling;
      const top = Math.min(bottom + feed.span, Math.max(this.head(), bottom));
      const found = [];
      let after = top + 1;
      let whole = [];
      while (after !== null && after > bottom + 1) {
        const page = await this.page(feed, { after, limit: Math.min(MOST, top - bottom + 1) });
        const fresh = page.messages.filter((message) => message.seq > bottom);
        found.push(...fresh);
        whole = [...whole, ...page.during];
        after = fresh.length < page.messages.length ? null : page.next;
      }
      feed.ceiling = top;
      this.take(feed, { messages: found, during: whole });
      if (found.length < PAGE / 4) feed.span = Math.min(feed.span * 4, WIDEST);
      if (found.length > PAGE * 2) feed.span = Math.max(Math.floor(feed.span / 2), SPAN);
      feed.trim(KEPT);
      // Everything up to here was read; if nothing has come since, what comes is told by the stream.
      if (top >= this.head()) Object.assign(feed, { ceiling: Infinity, missed: 0 });
      else if (!found.length) this.schedule(() => feed === this.state.current && this.newer(), 0);
    });
  }

  /** Stands between `seq` and what follows it, with something on both sides. */
  async moveTo(seq) {
    const feed = this.state.current;
    feed.moveTo(seq);
    feed.loading = false;
    await this.newer();
    await this.older();
  }

  /** Afresh from the newest end. */
  async newest() {
    const feed = this.state.current;
    feed.empty();
    feed.loading = false;
    await this.older();
  }

  /** What is held stays small through a long watch: called after events. */
  bound() {
    for (const feed of this.state.feeds()) {
      if (feed === this.state.current && this.reading()) feed.messages.size > KEPT * 2 && feed.trimNewest(KEPT * 2);
      else if (feed.messages.size > KEPT * 1.2) feed.trim(KEPT);
    }
  }

  async work(feed, act) {
    const asked = (feed.loading = {});
    this.onChange(feed, { loading: true });
    try {
      await act();
    } catch (failure) {
      this.onError(failure);
    } finally {
      if (feed.loading === asked) feed.loading = false;
      this.onChange(feed, { loading: false });
    }
  }

  async page(feed, parameters) {
    const during = [];
    this.during.add(during);
    try {
      const { kinds, statuses, ...rest } = feed.filter;
      return { ...(await this.fetchPage({ ...rest, kind: kinds, status: statuses, ...parameters })), during };
    } finally {
      this.during.delete(during);
    }
  }

  take(feed, { messages, during }) {
    this.state.take(feed, messages);
    for (const event of during) if (event.type !== "message" && event.type !== "member") this.state.apply(event);
  }
}
