import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import { httpbin, injectedNamespace, sleep } from '../../cluster/workloads.ts';
import { topologyNamed } from '../../mesh/topologies/registry.ts';
import type { Environment } from '../../scenario/environment.ts';

/**
 * The walkthrough's sample services, which stand in every environment: sleep in the first cluster, httpbin in the
 * second.
 *
 * @param index of the cluster
 */
export function sampleWorkloads(
  { images, topology }: Pick<Environment, 'images' | 'topology'>,
  index: number,
): KubernetesObject[] {
  const annotations = { ...topologyNamed(topology).clientAnnotations };
  if (index === 0) return [injectedNamespace('foo'), ...sleep({ namespace: 'foo', image: images.curl, annotations })];
  if (index === 1)
    return [
      injectedNamespace('bar'),
      ...httpbin({ namespace: 'bar', image: images.httpbin, port: images.httpbinPort }),
    ];
  return [];
}
