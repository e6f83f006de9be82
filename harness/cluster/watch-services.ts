import { CoreV1Api, makeInformer } from '@kubernetes/client-node';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { apiClient } from './api-client.ts';
import { apiMessage } from './api-errors.ts';
import type { ClusterAddress } from './cluster-address.ts';
import { readKubeconfig } from './read-kubeconfig.ts';
import { WriteGuard } from './write-guard.ts';

/**
 * Calls back at every change to the services of a cluster, until the signal aborts. A watch that the server ends after
 * a while, as servers do, is begun anew.
 *
 * @throws MeshproofError MP504 when the server does not answer, refuses the watch, or ends each one at once.
 */
export async function watchServices(address: ClusterAddress, changed: () => void, signal: AbortSignal): Promise<void> {
  const config = readKubeconfig(address);
  const core = apiClient(config, CoreV1Api, address.foreign === true ? [new WriteGuard(address)] : []);
  const informer = makeInformer(config, '/api/v1/services', () => core.listServiceForAllNamespaces());
  for (const event of ['add', 'update', 'delete'] as const) informer.on(event, changed);
  const failed = new Promise<never>((_, reject) => {
    const fail = (seen: string, cause?: unknown): void => {
      const { name, context } = address;
      const what = `cluster ${name} no longer reports changes to its services`;
      reject(new MeshproofError('MP504', { what, where: `context ${context}`, seen, cause }));
    };
    informer.on('error', (error: unknown) => {
      fail(apiMessage(error), error);
    });
    let last = -Infinity;
    informer.on('connect', () => {
      if (performance.now() - last < 1_000) fail('it ends each watch at once');
      last = performance.now();
    });
  });
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  try {
    await Promise.race([informer.start().then(() => failed), failed, stopped]);
  } finally {
    await informer.stop();
  }
}
