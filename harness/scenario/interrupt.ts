import { requestWithin } from '../cluster/request-deadline.ts';

/** How long an interrupted scenario has to undo what it did, in milliseconds: a control plane is back by then. */
const undoWithin = 120_000;

/** How long an interrupted scenario is waited for, in milliseconds: what it asked an API server last comes first. */
export const interruptedWithin = requestWithin + undoWithin;

/**
 * What the waits of one scenario heed. While it plays, an interrupt of the run ends them at once. What it does to undo
 * its work is not ended by that, or it would leave half of it; it then has a deadline.
 */
export class Interrupt {
  readonly #run: AbortSignal;
  #signal: AbortSignal;

  constructor(run: AbortSignal) {
    this.#run = run;
    this.#signal = run;
  }

  /** The signal for a wait that begins now. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** From now on the scenario undoes what it did. */
  beginToUndo(): void {
    const late = new AbortController();
    const begin = (): void => {
      setTimeout(() => {
        late.abort(this.#run.reason);
      }, undoWithin).unref();
    };
    if (this.#run.aborted) begin();
    else this.#run.addEventListener('abort', begin, { once: true });
    this.#signal = late.signal;
  }
}
