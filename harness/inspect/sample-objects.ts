import { groupSuffix, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { policyKinds } from '../cluster/scenario-kinds.ts';
import { hostnameFor, httpbin, injectedNamespace, sleep } from '../cluster/workloads.ts';
import { forOwnSidecars } from '../mesh/own-sidecars.ts';
import { clientAnnotations } from '../mesh/profile.ts';
import { exposedService, remoteService, subsets, versionRoutes } from '../mesh/services.ts';
import type { Needs } from '../scenario/scenario.ts';

export interface SampleImages {
  readonly curl: string;
  readonly httpbin: string;
  readonly httpbinPort: number;
}

/**
 * What scenarios apply to clusters that the user owns: the sample workloads as they are, and for each host the objects
 * that lead to it. Endpoints are only known once the gateways are, so an address stands in for them.
 */
export function sampleObjects(
  { namespaces, hosts = [], policies = [] }: Pick<Needs, 'namespaces' | 'hosts' | 'policies'>,
  { curl, httpbin: image, httpbinPort: port }: SampleImages,
): KubernetesObject[] {
  const [gateway, version] = [{ address: '192.0.2.1', labels: { cluster: 'peer' } }, 'v2'];
  const objects = namespaces.flatMap((namespace) => [
    injectedNamespace(namespace),
    ...sleep({ namespace, image: curl, annotations: clientAnnotations }),
    ...httpbin({ namespace, image, port }),
    ...httpbin({ namespace, image, port, version }),
    // Without a spec a policy changes nothing, and may be applied like any other.
    ...policies.map((kind): KubernetesObject => {
      const { apiVersion } = policyKinds[kind];
      return { apiVersion, kind, metadata: { name: 'meshproof', namespace }, spec: {} };
    }),
    ...hostnameFor({ name: 'peer-gateway', namespace, address: gateway.address, port: 15443 }),
    ...hosts.flatMap(({ host, address = '240.0.0.1', port: { number, protocol } }) => {
      const place = { host, namespace, name: host.replaceAll('.', '-') };
      const named = { name: protocol.toLowerCase(), number, protocol };
      return [
        remoteService({ ...place, address, port: named, resolution: 'STATIC', endpoints: [gateway] }),
        exposedService({ ...place, name: `${place.name}-exposed`, port: named, selector: { app: 'httpbin' } }),
        subsets({ ...place, subsets: { v1: { version: 'v1' }, v2: { version } } }),
        versionRoutes({ ...place, header: 'x-version', weights: { v1: 80, v2: 20 } }),
      ];
    }),
  ]);
  return objects.map(forOwnSidecars);
}

/** "serviceentries.networking.istio.io": the resource of an object, as access is granted to it. */
export function resourceOf({ apiVersion, kind }: KubernetesObject): {
  readonly group: string;
  readonly resource: string;
} {
  const word = kind.toLowerCase();
  const resource = /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
  return { group: groupSuffix(apiVersion).slice(1), resource };
}
