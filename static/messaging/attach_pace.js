// How large the next piece of an upload is: small on one bar of signal, larger where the line carries it. Pure.

const LEAST = 64 * 1024; // the server takes no smaller ones, but for the last of a file
const MOST = 4 * 1024 * 1024;
const QUICK = 1500; // milliseconds: a piece that took less was small for this line
const SLOW = 6000; // a piece that took more loses much when the line breaks

export class Pace {
  constructor({ least = LEAST, most = MOST } = {}) {
    Object.assign(this, { least, most, size: least });
  }

  /** A piece of `bytes` arrived after so many milliseconds. */
  took(milliseconds, bytes) {
    if (milliseconds > SLOW) this.failed();
    else if (milliseconds < QUICK && bytes >= this.size) this.size = Math.min(this.most, this.size * 2);
  }

  failed() {
    this.size = Math.max(this.least, this.size / 2);
  }
}
