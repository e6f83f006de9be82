import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { largest, readInside } from '../tape/run-folder.ts';
import { runRecordSchema, type Phase, type RunData } from '../report/run-data.ts';

/** The record of a run in its folder. Each change is on disk at once, by a rename, so that a killed run leaves a readable file. */
export class RunRecord {
  readonly folder: string;
  data: RunData;
  #written: Promise<void> = Promise.resolve();

  private constructor(folder: string, data: RunData) {
    this.folder = folder;
    this.data = data;
  }

  /** Begins a run: makes `reports/<run>/` and the first run.json. */
  static async begin(reports: string, start: Pick<RunData, 'command' | 'provider' | 'clusters'>): Promise<RunRecord> {
    const startedAt = new Date();
    const run = `${startedAt.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15)}-${process.pid}`;
    const folder = resolve(reports, run);
    await mkdir(folder, { recursive: true });
    const record = new RunRecord(folder, {
      schema: 1,
      run,
      startedAt: startedAt.toISOString(),
      verdict: 'running',
      ...start,
      phases: {},
      setUp: [],
      scenarios: [],
    });
    await record.save();
    return record;
  }

  /** Opens the record that another process of the same run wrote. */
  static async open(folder: string): Promise<RunRecord> {
    return new RunRecord(
      folder,
      runRecordSchema.parse(JSON.parse(await readInside(folder, 'run.json', largest.record))),
    );
  }

  get file(): string {
    return join(this.folder, 'run.json');
  }

  async save(changes: Partial<RunData> = {}): Promise<void> {
    this.data = { ...this.data, ...changes };
    // One write after the other: phases overlap, and the last one to be written must be the newest.
    const writing = this.#written.then(async () => {
      const unfinished = `${this.file}.${process.pid}`;
      await writeFile(unfinished, `${JSON.stringify(this.data, undefined, 2)}\n`);
      await rename(unfinished, this.file);
    });
    this.#written = writing.catch(() => undefined);
    await writing;
  }

  /** Seconds since the run started, whichever process asks. */
  elapsed(): number {
    return Math.round(Date.now() - Date.parse(this.data.startedAt)) / 1000;
  }

  /** Runs a phase and records when it began and ended, also when it failed. */
  async phase<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const from = this.elapsed();
    try {
      return await work();
    } finally {
      // A phase may come in parts: side by side for each cluster, or one after the other (clusters are torn down first, then the lab).
      const begun = Math.min(from, this.data.phases[phase]?.from ?? from);
      await this.save({ phases: { ...this.data.phases, [phase]: { from: begun, to: this.elapsed() } } });
    }
  }

  /** Adds or replaces the result of one scenario. */
  async addScenario(result: RunData['scenarios'][number]): Promise<void> {
    await this.save({ scenarios: [...this.data.scenarios.filter(({ id }) => id !== result.id), result] });
  }
}
