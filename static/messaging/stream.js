// The middle pane: which rows stand in the page, and that nothing one reads ever moves.
//
// Far rows are dropped from the page (a slice of the feed stands in it), far messages from memory (a slice of the group
// stands in the feed: "older" and "newer" ask for more); new messages wait behind "3 new" unless one looks at the newest
// end; the row under the eye keeps its place when rows above it come, go or change.
import { attended, onReturn } from "../cencomm/attendance.js";
import { format, gettext, ngettext } from "../cencomm/text.js";
import { filesSignature } from "./attach_view.js";
import { rowId, sliceAround, toEntries } from "./feed.js";
import { foldRow, messageRow } from "./rows.js";
import { dayOf, dueState } from "./time.js";

const SLICE = 120; // rows in the page
const EDGE = 600; // pixels from an edge at which more is fetched

export class Stream extends EventTarget {
  /** elements: {scroller, rows, top, pill}; settings: {labels, language, lastSeen} */
  constructor(elements, settings) {
    super();
    Object.assign(this, elements);
    this.settings = settings;
    this.threaded = true;
    this.unfolded = new Set();
    this.selected = null;
    this.following = true;
    this.shownUpTo = Infinity;
    this.anchor = Infinity;
    this.slice = { from: 0, to: 0 };
    this.entries = [];
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.rows.addEventListener("click", (event) => {
      const row = event.target.closest("[data-id]");
      if (row && !event.target.closest("button, a")) this.select(row.dataset.id, { open: true });
    });
    this.pill.addEventListener("click", () => this.toNewest());
    // Pictures of the page change height too: the composer grows, the window is turned.
    new ResizeObserver(() => this.resized()).observe(this.scroller);
    setInterval(() => this.refreshDue(), 20000);
    onReturn(() => this.markSeen());
  }

  setFeed(feed) {
    this.feed = feed;
    this.following = true;
    this.shownUpTo = Infinity;
    this.anchor = Infinity;
    this.rows.replaceChildren();
    this.update();
  }

  /** Shows a feed that stands elsewhere in history now; what follows `seq` comes to the top. */
  standAt(seq) {
    this.following = false;
    this.shownUpTo = Infinity;
    this.rows.replaceChildren();
    this.entries = toEntries(this.feed.ordered(), this);
    const found = this.entries.findIndex((entry) => entry.at > seq);
    this.anchor = found < 0 ? this.entries.length : found;
    this.update();
    const entry = this.entries[this.anchor];
    const row = entry && document.getElementById(rowId(entry));
    if (row) row.scrollIntoView({ block: "start" });
    else this.stick();
    this.scrolled();
  }

  /** Draws what has changed. `arrived`: a new message came; it is shown only at the newest end. */
  update() {
    const all = this.feed.ordered();
    if (this.following) this.shownUpTo = Infinity;
    const shown = all.filter((message) => message.seq <= this.shownUpTo);
    this.waiting = all.length - shown.length + this.feed.missed;
    const eye = this.following ? null : this.firstVisible()?.id;
    this.entries = toEntries(shown, this);
    const found = eye ? this.entries.findIndex((entry) => rowId(entry) === eye) : -1;
    if (found >= 0) this.anchor = found;
    if (this.following) this.anchor = this.entries.length;
    this.slice = sliceAround(this.entries.length, Math.min(this.anchor, this.entries.length), SLICE);
    const newest = all.at(-1)?.seq ?? 0;
    this.look(newest);
    this.keepPlace(() => this.draw());
    this.look(newest);
    this.showPill();
    this.showTop();
    this.markSeen();
  }

  /** What comes in while one looks is not unread; the line marks what came while one did not. */
  look(newest) {
    const looking = this.following && !document.hidden && this.drawn;
    if (looking && !this.unreadShown) this.settings.lastSeen = Math.max(this.settings.lastSeen, newest);
  }

  /** New messages wait from now on: called before they are put into the feed. */
  freeze() {
    if (this.following || this.shownUpTo !== Infinity) return;
    const newest = this.feed.ordered().at(-1);
    this.shownUpTo = newest ? newest.seq : 0;
  }

  draw() {
    const wanted = [];
    const now = Date.now();
    let day = null;
    this.unreadShown = false;
    for (const { message, depth, fold, hidden } of this.entries.slice(this.slice.from, this.slice.to)) {
      if (fold) {
        wanted.push(this.foldFor(fold, hidden));
        continue;
      }
      const entry = { message, depth };
      // Threads stand at the place of their last answer: their days do not follow each other.
      if (!this.threaded && dayOf(message.sent_at) !== day) {
        entry.day = true;
        day = dayOf(message.sent_at);
      }
      if (!this.unreadShown && message.seq > this.settings.lastSeen && message.sender.id !== this.settings.me) {
        this.unreadShown = true;
        if (wanted.length) entry.unread = gettext("unread from here");
      }
      wanted.push(this.rowFor(entry, now));
    }
    this.reconcile(wanted);
    this.drawn = this.drawn || wanted.length > 0;
    this.rows.setAttribute("aria-busy", "false");
  }

  rowFor(entry, now) {
    const { message } = entry;
    const selected = message.id === this.selected;
    const due = dueState(message, now);
    const signature = JSON.stringify([entry.depth, entry.day, entry.unread, selected, message.shown, message.acks, due.text,
      message.subject, message.forUs, filesSignature(message)]);
    const known = document.getElementById(`row-${message.id}`);
    if (known && known.signature === signature) return known;
    const row = messageRow(entry, { ...this.settings, selected, now });
    row.signature = signature;
    if (known && known.contains(document.activeElement)) requestAnimationFrame(() => row.focus({ preventScroll: true }));
    return row;
  }

  foldFor(root, hidden) {
    const known = document.getElementById(`fold-${root.id}`);
    if (known?.hiddenCount === hidden) return known;
    const row = foldRow(root, hidden, () => {
      this.unfolded.add(root.id);
      this.update();
    });
    row.hiddenCount = hidden;
    return row;
  }

  reconcile(wanted) {
    const keep = new Set(wanted);
    for (const child of [...this.rows.children]) if (!keep.has(child)) child.remove();
    let next = this.rows.firstElementChild;
    for (const row of wanted) {
      if (row === next) next = next.nextElementSibling;
      else this.rows.insertBefore(row, next);
    }
  }

  /** Runs `change` so that the first row in sight stays where it is; at the newest end, that end stays in sight. */
  keepPlace(change) {
    const before = this.following ? null : this.firstVisible();
    const top = before?.getBoundingClientRect().top;
    const id = before?.id;
    change();
    if (this.following) this.stick();
    else if (id) {
      const after = document.getElementById(id);
      if (after) this.scroller.scrollTop += after.getBoundingClientRect().top - top;
    }
  }

  firstVisible() {
    const edge = this.scroller.getBoundingClientRect().top;
    for (const row of this.rows.children) if (row.getBoundingClientRect().bottom > edge + 1) return row;
    return null;
  }

  /** The composer grew or shrank: the newest end, or else the selected row, stays in sight. */
  resized() {
    this.height = this.scroller.clientHeight;
    const row = this.selected && document.getElementById(`row-${this.selected}`);
    if (row) row.scrollIntoView({ block: "nearest" });
    else if (this.following) this.stick();
    this.scrolled();
  }

  stick() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    if (!clientHeight || clientHeight !== this.height) return; // out of sight, or the composer grew: `resized` comes next
    const below = scrollHeight - scrollTop - clientHeight;
    const atEnd = below < 40 && this.slice.to >= this.entries.length && this.feed.atNewest;
    if (atEnd && this.waiting) {
      this.shownUpTo = Infinity;
      this.anchor = this.entries.length;
      this.following = false;
      this.update();
      return;
    }
    if (atEnd !== this.following) {
      this.following = atEnd;
      if (!atEnd) this.anchor = this.visibleEntry();
      if (!atEnd) this.freeze();
    }
    if (scrollTop < EDGE) {
      if (this.slice.from > 0) this.shift();
      else if (!this.feed.complete) this.dispatchEvent(new Event("older"));
    }
    if (below < EDGE) {
      if (this.slice.to < this.entries.length) this.shift();
      else if (!this.feed.atNewest) this.dispatchEvent(new Event("newer"));
    }
    this.markSeen();
  }

  /** Moves the slice so that what is in sight stands in its middle. */
  shift() {
    const visible = this.visibleEntry();
    const next = sliceAround(this.entries.length, visible, SLICE);
    if (next.from === this.slice.from && next.to === this.slice.to) return;
    this.anchor = visible;
    this.following = false;
    this.update();
  }

  visibleEntry() {
    const id = this.firstVisible()?.id;
    const found = this.entries.findIndex((entry) => rowId(entry) === id);
    return found < 0 ? this.slice.from : found;
  }

  /** The newest end; where it is not at hand, "newest" asks for it. */
  toNewest() {
    if (!this.feed.atNewest) {
      this.dispatchEvent(new Event("newest"));
      return;
    }
    this.following = true;
    this.update();
    this.scroller.focus({ preventScroll: true });
  }

  showPill() {
    this.pill.hidden = !this.waiting && this.feed.atNewest;
    if (!this.waiting) this.pill.textContent = gettext("To the newest");
    else this.pill.textContent = format(ngettext("%(n)s new", "%(n)s new", this.waiting), { n: this.waiting });
  }

  showTop() {
    const empty = !this.feed.messages.size;
    if (this.feed.loading) this.top.textContent = gettext("Loading…");
    else if (empty) this.top.textContent = gettext("No messages here.");
    else this.top.textContent = this.feed.complete && this.slice.from === 0 ? gettext("This is where it begins.") : "";
  }

  markSeen() {
    if (!this.following || document.hidden || !this.feed || this.feed.filtered || !attended()) return;
    let newest = 0;
    for (const { seq } of this.feed.messages.values()) newest = Math.max(newest, seq);
    if (newest > (this.sentSeen ?? 0)) {
      this.sentSeen = newest;
      this.dispatchEvent(new CustomEvent("seen", { detail: { seq: newest } }));
    }
  }

  refreshDue() {
    if (this.rows.querySelector("[data-due]")) this.update();
  }

  select(id, { open = false, focus = false } = {}) {
    const before = this.selected;
    this.selected = id;
    for (const one of [before, id]) {
      const row = one && document.getElementById(`row-${one}`);
      if (!row) continue;
      row.signature = "";
      const now = one === id;
      row.toggleAttribute("aria-current", now);
      if (now) row.setAttribute("aria-current", "true");
      row.tabIndex = now ? 0 : -1;
      if (now) {
        row.scrollIntoView({ block: "nearest" });
        if (focus) row.focus({ preventScroll: true });
      }
    }
    this.dispatchEvent(new CustomEvent("select", { detail: { id, open } }));
  }

  /** The next or previous row of what is shown. */
  move(step) {
    const rows = [...this.rows.querySelectorAll("[data-id]")];
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.dataset.id === this.selected);
    const next = at < 0 ? (step > 0 ? rows.indexOf(this.firstVisible()) : rows.length - 1) : at + step;
    const row = rows[Math.max(0, Math.min(rows.length - 1, next))];
    if (row) this.select(row.dataset.id, { focus: true });
  }
}
