import { mkdir, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isErrorCode } from '../../errors/catalogue.ts';
import { asMeshproofError, describeError, MeshproofError } from '../../errors/meshproof-error.ts';
import { thisProcess } from '../../process/process-identity.ts';
import { redact } from '../../tape/redact/value.ts';
import { largest, readInside, writeInside } from '../../tape/run-folder.ts';
import { runRecordSchema, type Phase, type RunData } from '../../report/run-data.ts';

/** Milliseconds between two signs of life of a run that is at work. */
export const signOfLife = 5_000;

/**
 * The record of a run in its folder. Each change is on disk at once, by a rename, so that a killed run leaves a
 * readable file. One process owns it at a time: whoever began it, or whoever it was handed over to.
 */
export class RunRecord {
  readonly folder: string;
  data: RunData;
  /** Why the record on disk is not what it should be: a full disk, say. The first reason counts. */
  lost: MeshproofError | undefined;
  #written: Promise<void> = Promise.resolve();
  #handedOver = false;

  private constructor(folder: string, data: RunData) {
    this.folder = folder;
    this.data = data;
  }

  /**
   * Begins a run: makes `reports/<run>/` and the first run.json.
   *
   * @throws MeshproofError MP220, MP221 when it cannot be written; nothing was started then.
   */
  static async begin(
    reports: string,
    start: Pick<RunData, 'command' | 'provider' | 'clusters' | 'shard'>,
  ): Promise<RunRecord> {
    const startedAt = new Date();
    const run = `${startedAt.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15)}-${process.pid}`;
    const folder = resolve(reports, run);
    await mkdir(folder, { recursive: true });
    const record = new RunRecord(folder, {
      schema: 2,
      run,
      startedAt: startedAt.toISOString(),
      verdict: 'running',
      ...redact(start),
      process: await thisProcess(),
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

  /** Hands the record over to another process. Until it is taken back nothing can be written here. */
  async handOver(): Promise<void> {
    await this.#written;
    this.#handedOver = true;
  }

  /**
   * Takes the record back once the process that it was handed over to has ended.
   *
   * @param words what that process said at its end, where the disk was too full for the record to say it
   */
  async takeBack(words?: Pick<RunData, 'verdict' | 'error'>): Promise<void> {
    // One that cannot be read is as it was when it was handed over.
    const left = await RunRecord.open(this.folder).catch(() => undefined);
    this.#handedOver = false;
    if (left !== undefined) this.data = left.data;
    if (this.data.verdict === 'running' && words !== undefined && words.verdict !== 'running')
      this.data = { ...this.data, ...words };
  }

  get file(): string {
    return join(this.folder, 'run.json');
  }

  /**
   * Changes the record, and writes it.
   *
   * @throws MeshproofError MP220, MP221 when it cannot be written. In memory it is changed all the same.
   */
  async save(changes: Partial<RunData> = {}): Promise<void> {
    if (this.#handedOver)
      throw new MeshproofError('MP999', { what: 'another process owns the record of the run', where: this.file });
    this.data = { ...this.data, ...redact(changes) };
    // One write after the other: phases overlap, and the last one to be written must be the newest.
    const writing = this.#written.then(async () => {
      try {
        await writeInside(this.file, `${JSON.stringify(this.data, undefined, 2)}\n`);
      } catch (error) {
        const known = asMeshproofError(error);
        this.lost ??= known;
        throw known;
      }
    });
    this.#written = writing.catch(() => undefined);
    await writing;
  }

  /**
   * Changes the record, and writes it if that can be done; what is on the way out must not stop at a full disk. `lost`
   * says when it could not.
   */
  async note(changes: Partial<RunData> = {}): Promise<void> {
    // `save` has set `lost`, which whoever ends the run looks at.
    await this.save(changes).catch(() => undefined);
  }

  /**
   * Notes what kept the run from a verdict. The first failure is the one that matters; a later one, while cleaning up,
   * changes nothing.
   */
  async noteError(error: MeshproofError): Promise<void> {
    if (this.data.error !== undefined) return;
    await this.note({ verdict: 'error', error: { code: error.code, message: describeError(error) } });
  }

  /**
   * Gives a sign of life now and then until the returned function is called, so that one can see when a killed run
   * was last alive.
   */
  live(): () => void {
    const beat = setInterval(() => {
      const now = new Date();
      // Where it cannot be given there is none.
      utimes(this.file, now, now).catch(() => undefined);
    }, signOfLife);
    beat.unref();
    return () => {
      clearInterval(beat);
    };
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
      // A phase may come in parts: side by side for each cluster, or one after the other (clusters are torn down first,
      // then the lab).
      const begun = Math.min(from, this.data.phases[phase]?.from ?? from);
      await this.note({ phases: { ...this.data.phases, [phase]: { from: begun, to: this.elapsed() } } });
    }
  }

  /**
   * Adds or replaces the result of one scenario.
   *
   * @param order ids in the order in which they are listed, whichever ends first
   */
  async addScenario(result: RunData['scenarios'][number], order: readonly string[] = []): Promise<void> {
    const all = [...this.data.scenarios.filter(({ id }) => id !== result.id), result];
    await this.save({ scenarios: all.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id)) });
  }
}

/**
 * For commands that need what a run found, and not only its record.
 *
 * @param subject the run as the message names it
 * @throws MeshproofError what kept the run from a verdict, with its own code
 */
export function throwErrorOf({ data: { error }, folder }: RunRecord, subject: string): void {
  if (error !== undefined && isErrorCode(error.code))
    throw new MeshproofError(error.code, {
      what: `${subject} came to no verdict`,
      where: folder,
      seen: error.message,
    });
}
