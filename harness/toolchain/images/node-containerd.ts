import { holds, notYet, waitFor } from '../../wait/wait-for.ts';
import type { Docker } from '../docker.ts';

/** A container of a node image in which images are put together. */
export interface Bakery {
  readonly docker: Docker;
  readonly container: string;
  readonly signal: AbortSignal;
}

/** Runs a program in it, and gives what it printed. */
export async function runInBakery({ docker, container, signal }: Bakery, ...args: readonly string[]): Promise<string> {
  return (await docker.run(['exec', container, ...args], { purpose: 'bake the node image', signal })).stdout;
}

/**
 * Starts the node's containerd, and waits until it answers.
 *
 * @param options of containerd
 * @throws MeshproofError MP304 when it does not.
 */
export async function startContainerd(bakery: Bakery, ...options: readonly string[]): Promise<void> {
  const { docker, container, signal } = bakery;
  const start = ['exec', '--detach', container, 'containerd', ...options];
  await docker.run(start, { purpose: 'start containerd for baking', signal });
  await waitFor({
    name: 'containerd of the node image answers',
    within: 30_000,
    code: 'MP304',
    signal,
    look: async () =>
      await runInBakery(bakery, 'ctr', 'version').then(
        () => holds(undefined),
        (error: unknown) => notYet(error instanceof Error ? error.message : String(error)),
      ),
  });
}

/** Ends it, and comes when it has written all that it had to. */
export async function stopContainerd(bakery: Bakery): Promise<void> {
  await runInBakery(
    bakery,
    'sh',
    '-c',
    'pkill -x containerd; while pgrep -x containerd >/dev/null; do sleep 0.1; done; rm -rf /run/containerd',
  );
}
