import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { scenarioResultSchema } from '../scenario/claims.ts';

export const phases = ['toolchain', 'daemon', 'images', 'clusters', 'metallb', 'mesh', 'scenarios', 'teardown'] as const;
export type Phase = (typeof phases)[number];

/** run.json: everything a report, a diff or a gate needs to know of a run. Written anew after each phase and each scenario. */
export const runRecordSchema = z.object({
  schema: z.literal(1),
  run: z.string(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  verdict: z.enum(['running', 'passed', 'failed', 'error']),
  command: z.array(z.string()),
  provider: z.enum(['kind', 'existing']),
  clusters: z.array(z.string()),
  versions: z.object({ kubernetes: z.string(), istio: z.string(), edition: z.string() }).optional(),
  /** Begin and end of each phase in seconds since the run started; phases may overlap. */
  phases: z.partialRecord(z.enum(phases), z.object({ from: z.number(), to: z.number() })),
  scenarios: z.array(scenarioResultSchema),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  /** Seed of the order in which the scenarios were shuffled. */
  shuffle: z.number().optional(),
  peakMemoryBytes: z.number().optional(),
  cacheBytes: z.number().optional(),
});

export type RunData = z.infer<typeof runRecordSchema>;

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly notSupported: number;
  readonly error: number;
}

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
    const record = new RunRecord(folder, { schema: 1, run, startedAt: startedAt.toISOString(), verdict: 'running', ...start, phases: {}, scenarios: [] });
    await record.save();
    return record;
  }

  /** Opens the record that another process of the same run wrote. */
  static async open(folder: string): Promise<RunRecord> {
    return new RunRecord(folder, runRecordSchema.parse(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'))));
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

/** How many claims have which verdict. */
export function countClaims(data: RunData): Counts {
  const verdicts = data.scenarios.flatMap(({ claims }) => claims.map(({ verdict }) => verdict));
  const count = (wanted: string): number => verdicts.filter((verdict) => verdict === wanted).length;
  return { passed: count('passed'), failed: count('failed'), notSupported: count('notSupported'), error: count('error') };
}

/** Seconds of each phase, and of the whole run. */
export function phaseSeconds(data: RunData): Record<string, number> {
  const round = (seconds: number): number => Math.round(seconds * 10) / 10;
  const spent = Object.entries(data.phases).map(([phase, { from, to }]) => [phase, round(to - from)] as const);
  const total = data.endedAt === undefined ? 0 : (Date.parse(data.endedAt) - Date.parse(data.startedAt)) / 1000;
  return { ...Object.fromEntries(spent), total: round(total) };
}
