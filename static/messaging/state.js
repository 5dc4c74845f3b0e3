// What one member holds of a group, and what each event of its stream does to it. Pure; the console and tests use it.
//
// Applying every event to what was once fetched gives what a fresh reading gives. An event may be older than what was
// fetched, so nothing is counted up or down: each event says who or what is so from now on.
import { Feed } from "./feed.js";
import { applyEvent, fromServer } from "./model.js";

export class GroupState {
  /** group: {phase, role, roles: rights by role, members: [{officer, role, country}], countries: [code]} */
  constructor({ group, me }) {
    this.me = me;
    this.group = group;
    this.phase = group.phase;
    this.roles = group.roles;
    this.members = new Map(group.members.map(({ officer, role, country }) => [officer, { role, country }]));
    this.countries = new Set(group.countries.map((country) => country.code ?? country));
    this.contactPoints = new Map(group.countries.map(({ code, contact_point: member }) => [code, member ?? null]));
    this.stale = false; // forms or settings changed: fetch them again
    this.ended = false; // nothing of the group is read any more
    this.everything = new Feed({});
    this.current = this.everything;
  }

  rights() {
    return this.ended ? [] : (this.roles[this.me.role] ?? []);
  }

  /** Shows what fits a filter; without one, everything. */
  show(filter = null) {
    this.current = filter ? new Feed(filter) : this.everything;
    return this.current;
  }

  feeds() {
    return this.current === this.everything ? [this.everything] : [this.everything, this.current];
  }

  /** Takes messages of a fetched page in. */
  take(feed, messages) {
    for (const json of messages) feed.put(fromServer(json, this.me));
  }

  /** Applies one event. Answers the ids of the messages that it changed. */
  apply(event) {
    if (event.type === "member") return this.applyMember(event);
    if (event.type === "phase") this.applyPhase(event);
    if (event.type === "country") this.applyCountry(event);
    if (event.type === "settings") this.stale = true;
    const changed = new Set();
    for (const feed of this.feeds()) for (const id of applyEvent(feed, event, this.me)) changed.add(id);
    // What was elsewhere may belong into this view from now on.
    if (this.current !== this.everything) for (const id of changed) this.everything.get(id) && this.current.put(this.everything.get(id));
    return [...changed];
  }

  applyPhase(event) {
    this.phase = event.to;
    this.stale = true;
    if (event.to === "archived") this.end();
  }

  applyCountry(event) {
    if (event.change === "removed") {
      this.countries.delete(event.country);
      this.contactPoints.delete(event.country);
      return;
    }
    this.countries.add(event.country);
    this.contactPoints.set(event.country, event.membership ?? null);
  }

  applyMember(event) {
    if (event.change === "removed") this.members.delete(event.officer);
    else this.members.set(event.officer, { role: event.role, country: event.country });
    if (event.officer === this.me.id) {
      if (event.change === "removed" || !this.roles[event.role]?.includes("read")) return this.end();
      this.stale = this.stale || this.ended || this.me.role !== event.role;
      this.ended = false; // taken in again: what was forgotten can be fetched
      this.me.role = event.role;
    }
    return this.rejudge();
  }

  /** Receipts are expected of who is a member now; what a message asks of us depends on our role. */
  rejudge() {
    for (const feed of this.feeds()) {
      for (const message of feed.messages.values()) {
        const receipts = message.acknowledgements && { ...message.acknowledgements, expected: this.expected(message) };
        feed.put(fromServer({ ...message, acknowledgements: receipts }, this.me));
      }
    }
    return [...this.everything.messages.keys()];
  }

  expected({ addressed_to: to, sender }) {
    const counts = {};
    for (const [officer, { role, country }] of this.members) {
      if (officer === sender.id || !this.roles[role]?.includes("acknowledge")) continue;
      const addressed = to.all || to.countries?.includes(country) || to.roles?.includes(role) || to.officers?.includes(officer);
      if (addressed) counts[country] = (counts[country] ?? 0) + 1;
    }
    return counts;
  }

  /** Forgets what must not be read any more. */
  end() {
    this.ended = true;
    for (const feed of this.feeds()) feed.empty();
    return [];
  }
}
