import { clusterFlags } from '../process/cluster-flags.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** Where a probe runs: one container of one pod. */
export interface PodContainer {
  readonly cluster: string;
  readonly kubeconfig: string;
  readonly context: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Its cluster is one that people own. */
  readonly foreign?: boolean | undefined;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * What `kubectl` is given to run a program in a container.
 *
 * @param options `input` carries what kubectl reads to the program
 */
export const execArguments = (
  where: PodContainer,
  command: readonly string[],
  { input = false }: { readonly input?: boolean } = {},
): string[] => [
  ...clusterFlags(where),
  '--namespace',
  where.namespace,
  'exec',
  ...(input ? ['--stdin'] : []),
  where.pod,
  '-c',
  where.container,
  '--',
  ...command,
];

/**
 * Runs a program in a container through `kubectl exec` and returns its output and exit code; a non-zero exit code is an
 * answer, not an error.
 *
 * @param kubectl path of the program
 * @param timeout milliseconds
 * @throws MeshproofError MP702 when the program could not be started, or did not end in time.
 */
export async function execInPod(
  kubectl: string,
  where: PodContainer,
  command: readonly string[],
  options: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
): Promise<ExecResult> {
  const { timeout = 30_000, signal } = options;
  // Loaded when something runs: commands that only read start the sooner.
  const { execa } = await import('execa');
  const result = await execa(kubectl, execArguments(where, command), {
    reject: false,
    timeout,
    maxBuffer: 512 * 1024 * 1024,
    stdin: 'ignore',
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (
    result.timedOut ||
    result.exitCode === undefined ||
    /^(error: |Error from server|The connection to the server)/m.test(result.stderr)
  ) {
    throw new MeshproofError('MP702', {
      what: `could not run ${command[0] ?? ''} in ${where.namespace}/${where.pod} (${where.container})`,
      where: `cluster ${where.cluster}`,
      seen: result.timedOut ? `no end within ${timeout / 1000} s` : result.stderr,
    });
  }
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
}
