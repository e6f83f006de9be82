import { ClusterApi, type ClusterAddress } from '../cluster/cluster-api.ts';

/** Changes come in bursts, a rollout say; this many milliseconds of quiet end one. */
const quiet = 300;

/**
 * Does work each time services of any of the clusters have changed, one time after the other, until the signal aborts.
 *
 * @throws MeshproofError MP504 when a cluster no longer tells of its services; whatever the work throws.
 */
export async function onServiceChanges(
  clusters: readonly ClusterAddress[],
  work: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const end = new AbortController();
  const until = AbortSignal.any([signal, end.signal]);
  let [timer, working]: [NodeJS.Timeout | undefined, Promise<void>] = [undefined, Promise.resolve()];
  const failed = new Promise<never>((_, reject) => {
    const changed = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        working = working.then(work);
        working.catch(reject);
      }, quiet);
    };
    Promise.all(clusters.map((cluster) => new ClusterApi(cluster).watchServices(changed, until))).catch(reject);
  });
  const stopped = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  try {
    await Promise.race([failed, stopped]);
  } finally {
    clearTimeout(timer);
    end.abort();
    await working.catch(() => undefined);
  }
}
