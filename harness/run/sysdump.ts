import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/run-program.ts';
import type { Progress } from '../progress/progress.ts';
import type { Environment } from '../scenario/environment.ts';

/** What is collected of each cluster when a run did not pass: file → kubectl arguments. */
const items: Readonly<Record<string, readonly string[]>> = {
  'pods.txt': ['get', 'pods', '--all-namespaces', '-o', 'wide'],
  'services.txt': ['get', 'services', '--all-namespaces', '-o', 'wide'],
  'events.txt': ['get', 'events', '--all-namespaces', '--sort-by=.lastTimestamp'],
  'istio-objects.yaml': [
    'get',
    'gateways.networking.istio.io,serviceentries,destinationrules,virtualservices,peerauthentications',
    '--all-namespaces',
    '-o',
    'yaml',
  ],
  'istiod.log': ['logs', '-n', 'istio-system', 'deploy/istiod', '--tail=2000'],
  'ingress-gateway.log': ['logs', '-n', 'istio-system', 'deploy/istio-ingressgateway', '--tail=2000'],
  'egress-gateway.log': ['logs', '-n', 'istio-system', 'deploy/istio-egressgateway', '--tail=2000'],
  'metallb.log': ['logs', '-n', 'metallb-system', '-l', 'app=metallb', '--tail=500', '--prefix'],
};

/**
 * Collects evidence of all clusters, before anything is cleaned up. Each item stands alone: one that cannot be had leaves a line that
 * says so, and the others are still collected.
 */
export async function collectClusterEvidence(
  environment: Environment,
  runFolder: string,
  progress: Progress,
): Promise<void> {
  await progress.group(
    'evidence',
    environment.clusters.map((cluster) => ({
      title: cluster.name,
      run: async () => {
        const folder = join(runFolder, 'evidence', 'clusters', cluster.name);
        await mkdir(folder, { recursive: true });
        await Promise.all(
          Object.entries(items).map(async ([file, args]) => {
            const text = await runProgram({
              program: environment.programs.kubectl,
              args: ['--kubeconfig', cluster.kubeconfig, '--context', cluster.context, ...args],
              purpose: `collect ${file}`,
              code: 'MP702',
              timeout: 20_000,
            }).then(
              ({ stdout }) => stdout,
              (error: unknown) => `not collected: ${error instanceof Error ? error.message : String(error)}`,
            );
            await writeFile(join(folder, file), `${text}\n`);
          }),
        );
      },
    })),
  );
}
