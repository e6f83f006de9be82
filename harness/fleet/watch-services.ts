import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { watchServices } from '../cluster/watch-services.ts';

/**
 * Milliseconds: how long it must be quiet after a change (changes come in bursts, a rollout say), and the pauses after
 * failures.
 */
export interface WatchTimes {
  readonly quiet: number;
  readonly firstRetry: number;
  readonly lastRetry: number;
}
const times: WatchTimes = { quiet: 300, firstRetry: 1_000, lastRetry: 60_000 };

/**
 * Does work each time services of any of the clusters have changed, until the signal aborts. However many changes come
 * while the work is done, it is done once more for all of them. A cluster that stops answering, or work that fails, is
 * told and tried again, after longer and longer pauses: an API server restarts, and the watch goes on.
 *
 * @param tell is called with each failure
 */
export async function onServiceChanges(
  clusters: readonly ClusterAddress[],
  work: () => Promise<void>,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (error: unknown) => void },
): Promise<void> {
  const worker = new Coalesced(work, signal, tell);
  const watches = clusters.map((cluster) =>
    again(
      () =>
        watchServices(
          cluster,
          () => {
            worker.ask();
          },
          signal,
        ),
      signal,
      tell,
      // What changed while nobody watched is seen by looking once more.
      () => {
        worker.ask();
      },
    ),
  );
  await Promise.all(watches);
  await worker.settled();
}

/**
 * Work that is asked for more often than it can be done: one piece is done, one waits, and the rest is the same as the
 * one that waits.
 */
export class Coalesced {
  readonly #work: () => Promise<void>;
  readonly #signal: AbortSignal;
  readonly #tell: (error: unknown) => void;
  readonly #times: WatchTimes;
  #asked = false;
  #running: Promise<void> | undefined;

  constructor(work: () => Promise<void>, signal: AbortSignal, tell: (error: unknown) => void, how: WatchTimes = times) {
    this.#work = work;
    this.#signal = signal;
    this.#tell = tell;
    this.#times = how;
  }

  ask(): void {
    this.#asked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    let retry = this.#times.firstRetry;
    while (this.#asked && !this.#stopped()) {
      await pauseUnless(this.#times.quiet, this.#signal);
      this.#asked = false;
      try {
        if (!this.#stopped()) await this.#work();
        retry = this.#times.firstRetry;
      } catch (error) {
        if (this.#stopped()) return;
        this.#tell(error);
        this.#asked = true;
        await pauseUnless(retry, this.#signal);
        retry = Math.min(retry * 2, this.#times.lastRetry);
      }
    }
  }

  #stopped(): boolean {
    return this.#signal.aborted;
  }
}

/** Keeps something going that ends or fails by itself, with longer and longer pauses as long as it fails. */
export async function again(
  begin: () => Promise<void>,
  signal: AbortSignal,
  tell: (error: unknown) => void,
  resumed: () => void,
  how: WatchTimes = times,
): Promise<void> {
  for (let retry = how.firstRetry; !signal.aborted; retry = Math.min(retry * 2, how.lastRetry)) {
    const begun = performance.now();
    try {
      await begin();
    } catch (error) {
      if (isAborted(signal)) return;
      tell(error);
    }
    // One that held for a while was well; its next failure is a first one.
    if (performance.now() - begun > how.lastRetry) retry = how.firstRetry;
    await pauseUnless(retry, signal);
    if (!isAborted(signal)) resumed();
  }
}

/** Read anew: it changes while something is awaited. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

async function pauseUnless(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
