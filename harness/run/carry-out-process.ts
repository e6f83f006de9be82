import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { commandLine } from '../assets/package-files.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { labNamespacePath } from '../lab/network-namespace.ts';
import type { Plan } from './plan.ts';
import type { Stage } from './request.ts';

/**
 * What the process that carried a plan out says at its end: also where the disk was too full for the record to say it.
 */
export const lastWordsSchema = z.object({
  verdict: z.enum(['running', 'passed', 'failed', 'error']),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type LastWords = z.infer<typeof lastWordsSchema>;

/**
 * Carries a plan out in a process of its own: inside of the lab's network namespace where the clusters live there, and
 * everywhere in a process group of its own, so that a Ctrl-C reaches it once, from here, and none of the programs that
 * it runs. That process owns the record until it ends; then the record is here again, as it was left.
 *
 * @throws MeshproofError MP902 when the process was killed, MP999 when it ended by itself without a verdict.
 */
export async function carryOutInProcess(plan: Plan, { record, signal }: Stage): Promise<void> {
  const file = join(record.folder, 'plan.json');
  await writeFile(file, `${JSON.stringify(plan, undefined, 2)}\n`);
  const [program, ...args]: [string, ...string[]] =
    plan.lab === undefined
      ? [process.execPath, commandLine, 'carry-out', file]
      : ['nsenter', `--net=${labNamespacePath}`, process.execPath, commandLine, 'carry-out', file];
  await record.handOver();
  const child = execa(program, args, {
    // The channel tells it when this process is gone.
    detached: true,
    cleanup: true,
    ipc: true,
    stdin: 'ignore',
    // Results are this process's to print; whatever a library says over there is progress.
    stdout: process.stderr,
    stderr: 'inherit',
    reject: false,
    env: plan.lab === undefined ? {} : { DOCKER_HOST: plan.lab.dockerHost },
  });
  let words: LastWords | undefined;
  child.on('message', (message: unknown) => {
    words = lastWordsSchema.safeParse(message).data ?? words;
  });
  const forward = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', forward);
  if (signal.aborted) forward();
  const { exitCode, signal: killedBy } = await child;
  signal.removeEventListener('abort', forward);
  await record.takeBack(words);
  // Killed while it took the environment down, it had its verdict already; what it left is for this process.
  if (record.data.verdict !== 'running' && killedBy === undefined) return;
  throw new MeshproofError(killedBy === undefined ? 'MP999' : 'MP902', {
    what: 'the process that carried the run out ended without a verdict',
    seen: killedBy === undefined ? `exit code ${exitCode ?? 'unknown'}` : `killed by ${killedBy}`,
    remedy:
      killedBy === undefined
        ? undefined
        : 'What it made is taken down now, unless it was to be kept. If nobody killed it, see whether the ' +
          'machine ran ' +
          'out of memory (`dmesg`).',
  });
}
