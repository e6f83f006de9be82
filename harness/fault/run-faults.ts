import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runRecordSchema } from '../report/run-data.ts';
import type { Environment } from '../scenario/environment.ts';
import type { Fault } from './fault.ts';
import { inject } from './inject.ts';
import { judge, type FaultOutcome } from './judge.ts';

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url));

export interface FaultRunOptions {
  readonly environment: Environment;
  readonly faults: readonly Fault[];
  /** The config file that the kept environment belongs to. */
  readonly config: string | undefined;
  /** Told of each fault as it ends. */
  readonly ended: (outcome: FaultOutcome) => void;
  readonly signal: AbortSignal;
}

/**
 * Puts each fault into a kept environment, plays what must notice it, and takes it out again, one after the other. The environment is as it
 * was after each, also when something goes wrong on the way.
 *
 * @throws MeshproofError MP903 for a fault that cannot be put in or taken out.
 */
export async function runFaults(options: FaultRunOptions): Promise<FaultOutcome[]> {
  const { environment, faults, ended, signal } = options;
  const outcomes: FaultOutcome[] = [];
  for (const fault of faults) {
    signal.throwIfAborted();
    const undo = await inject(fault, environment);
    try {
      for (const id of fault.noticedBy ?? ['direct-sidecar']) {
        const record = runRecordSchema.parse(
          JSON.parse(await readFile(join(await play(id, options), 'run.json'), 'utf8')),
        );
        const scenario = record.scenarios.find((one) => one.id === id);
        if (scenario === undefined)
          throw new MeshproofError('MP903', {
            what: `${id} was not played under the fault ${fault.id}`,
            seen: record.error?.message ?? record.verdict,
          });
        const outcome = judge(fault, environment.clusterNames, scenario);
        outcomes.push(outcome);
        ended(outcome);
      }
    } finally {
      await undo();
    }
  }
  return outcomes;
}

/** Plays one scenario on the kept environment, as a user would, and returns the folder of the run. */
async function play(id: string, { config, signal }: FaultRunOptions): Promise<string> {
  const flags = config === undefined ? [] : ['--config', config];
  const { stdout, exitCode, stderr } = await execa(
    process.execPath,
    [bin, ...flags, 'run', '--reuse', '--only', id, '--json'],
    { reject: false, stdin: 'ignore', timeout: 300_000, cancelSignal: signal },
  );
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{'))
    throw new MeshproofError('MP903', {
      what: `${id} could not be played`,
      seen: `exit code ${exitCode ?? 'unknown'}: ${stderr.slice(-600)}`,
    });
  const { report } = JSON.parse(line) as { readonly report: string };
  return report;
}
