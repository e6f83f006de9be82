/** What does not mend itself in this time, in milliseconds, does not do so while somebody waits. */
export const patience = 5_000;

/** How long one and the same thing has kept a condition from holding. */
export class Stuck {
  on: string | undefined;
  #since = performance.now();

  see(what: string | undefined): void {
    if (what === this.on) return;
    this.on = what;
    this.#since = performance.now();
  }

  /** Milliseconds; 0 while nothing keeps it. */
  get for(): number {
    return this.on === undefined ? 0 : performance.now() - this.#since;
  }
}
