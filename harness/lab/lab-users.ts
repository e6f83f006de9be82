import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { isAlive, processIdentitySchema, thisProcess } from '../process/process-identity.ts';

/**
 * Who a process works in the lab for: an environment, by its name and by the folder that remembers it (two people may
 * choose one name).
 */
export interface LabUser {
  readonly name: string;
  readonly state: string;
}

const entrySchema = z.object({
  name: z.string(),
  state: z.string(),
  /** The process that works with the lab; none for an environment that is kept. */
  process: processIdentitySchema.optional(),
});
type Entry = z.infer<typeof entrySchema>;

/**
 * The list of those who use the lab: processes, which count while they live, and kept environments, which count until
 * `down` removes them. What a killed process leaves stays on the list, so that its clusters are known, and keeps nobody
 * from stopping the daemon. Whoever reads or changes the list holds the lab's lock.
 */
export class LabUsers {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds this process, working for an environment. */
  async join({ name, state }: LabUser): Promise<void> {
    const self = await thisProcess();
    const others = (await this.#read()).filter((entry) => !isOf(entry, self.pid, state));
    await this.#write([...others, { name, state, process: self }]);
  }

  /**
   * Takes this process off, and what killed ones left for the same environment; with `keep` the environment itself
   * stays on.
   */
  async leave({ name, state }: LabUser, { keep }: { readonly keep: boolean }): Promise<void> {
    const { pid } = await thisProcess();
    const entries = await this.#read();
    const living = await this.#living(entries);
    const stays = entries.filter(
      (entry) =>
        entry.state !== state || (entry.process !== undefined && entry.process.pid !== pid && living.includes(entry)),
    );
    await this.#write([...stays, ...(keep ? [{ name, state }] : [])]);
  }

  /** Those who use the lab now, other than for this environment: as "run of a (process 12)" or "kept environment b". */
  async others({ state }: LabUser): Promise<string[]> {
    const { pid } = await thisProcess();
    return (await this.#living(await this.#read()))
      .filter((entry) => entry.state !== state || (entry.process !== undefined && entry.process.pid !== pid))
      .map(({ name, process: at }) => (at === undefined ? `kept environment ${name}` : `${name} (process ${at.pid})`));
  }

  /** True when the list has the environment: in use, kept, or left by a killed process. */
  async has({ state }: LabUser): Promise<boolean> {
    return (await this.#read()).some((entry) => entry.state === state);
  }

  /** Names of all environments that may have something in the lab. */
  async names(): Promise<string[]> {
    return [...new Set((await this.#living(await this.#read())).map(({ name }) => name))];
  }

  /** After everything in the lab was lost: only living processes are left on the list. */
  async forgetTheRest(): Promise<void> {
    const entries = await this.#read();
    const living = await this.#living(entries);
    await this.#write(living.filter(({ process: at }) => at !== undefined));
  }

  async #living(entries: readonly Entry[]): Promise<Entry[]> {
    const alive = await Promise.all(
      // A process that cannot be seen from here may well live.
      entries.map(async ({ process: at }) => at === undefined || (await isAlive(at)) !== false),
    );
    return entries.filter((_, index) => alive[index] === true);
  }

  async #read(): Promise<Entry[]> {
    const text = await readFile(this.#file, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    return text === undefined ? [] : z.array(entrySchema).parse(JSON.parse(text));
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    await writeFile(`${this.#file}.new`, `${JSON.stringify(entries)}\n`, { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
  }
}

const isOf = (entry: Entry, pid: number, state: string): boolean => entry.state === state && entry.process?.pid === pid;
