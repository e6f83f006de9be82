import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What was left out of the evidence because there was no room for it. */
export interface LeftOut {
  readonly answers: number;
  readonly bytes: number;
}

/**
 * How much evidence a run may still write. Config dumps of a large fleet take a hundred megabytes each: what goes
 * beyond the budget is left out and counted, and no verdict depends on it, since every claim is judged by the answer
 * itself.
 */
export class EvidenceBudget {
  #left: number;
  #leftOut: LeftOut = { answers: 0, bytes: 0 };

  /** @param bytes that may be written */
  constructor(bytes: number) {
    this.#left = bytes;
  }

  /**
   * What is left of a run's budget.
   *
   * @param folder of all evidence of the run; what lies there already has used up its part
   * @param bytes for the whole run
   * @param parts that what is left is split into, for those who write at the same time
   */
  static async of(folder: string, bytes: number, parts = 1): Promise<EvidenceBudget> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const sizes = await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async (entry) => (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0),
    );
    return new EvidenceBudget((bytes - sizes.reduce((sum, size) => sum + size, 0)) / parts);
  }

  /** Takes room for an answer; false when there is none, and the answer is left out. */
  take(bytes: number): boolean {
    if (bytes <= this.#left) {
      this.#left -= bytes;
      return true;
    }
    this.#leftOut = { answers: this.#leftOut.answers + 1, bytes: this.#leftOut.bytes + bytes };
    return false;
  }

  /** undefined while everything had room. */
  get leftOut(): LeftOut | undefined {
    return this.#leftOut.answers === 0 ? undefined : this.#leftOut;
  }
}
