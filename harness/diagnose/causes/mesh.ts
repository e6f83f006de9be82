import { contains } from '../../mesh/collisions.ts';
import { ofKind, seenName, type ClusterSituation, type SeenObject } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { addressesOf, concerns, hostMatches, hostsOf } from './change.ts';
import { meaningOf } from './meaning.ts';
import { listIn, recordIn, textIn, valueAt } from './reading.ts';

/** Fields of mesh objects that keep a call from coming through, whoever wrote them. */
const harmful: Readonly<Record<string, (object: SeenObject) => boolean>> = {
  VirtualService: ({ body }) =>
    listIn(body, 'spec.http')
      .map(recordIn)
      .some((rule) => ['fault', 'directResponse', 'redirect', 'rewrite'].some((field) => rule[field] !== undefined)),
  DestinationRule: ({ body }) => !['ISTIO_MUTUAL'].includes(textIn(body, 'spec.trafficPolicy.tls.mode')),
  PeerAuthentication: ({ body }) =>
    textIn(body, 'spec.mtls.mode') === 'DISABLE' || valueAt(body, 'spec.portLevelMtls') !== undefined,
  AuthorizationPolicy: () => true,
  RequestAuthentication: () => true,
  Sidecar: ({ body }) => listIn(body, 'spec.egress').length > 0,
  EnvoyFilter: () => true,
  WorkloadEntry: () => true,
  NetworkPolicy: () => true,
  ServiceEntry: ({ body }) =>
    textIn(body, 'spec.location') === 'MESH_EXTERNAL' || listIn(body, 'spec.exportTo').length > 0,
};

/**
 * Mesh objects that concern the call and could refuse, redirect or hide it, on clusters whose former state nobody
 * knows.
 */
export const meshObjects: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster) =>
    Object.entries(harmful).flatMap(([kind, isHarmful]) =>
      ofKind(cluster, kind)
        .filter((object) => isHarmful(object) && concerns({ object }, concern) && aboutTheCall(object, concern.hosts))
        .filter((object) => !isOwnOf(concern.applied.get(cluster.cluster) ?? [], object))
        .map((object) => suspect(cluster, object)),
    ),
  );

/** Two ServiceEntries for one host: the older one counts, and its endpoints are the ones that are called. */
export const twoEntries: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster) => {
    const entries = ofKind(cluster, 'ServiceEntry').filter((object) =>
      hostsOf(object).some((host) => concern.hosts.includes(host)),
    );
    if (entries.length < 2) return [];
    const applied = concern.applied.get(cluster.cluster) ?? [];
    return entries
      .filter((object) => !isOwnOf(applied, object))
      .map((object) => ({
        ...suspect(cluster, object),
        certainty: 2 as const,
        does: `declares ${hostsOf(object).join(', ')} a second time: proxies get only the older one`,
      }));
  });

/**
 * A ServiceEntry of other hosts for the very address and port that is called, or for a TCP port at any address:
 * sidecars have one listener for both, and that of a TCP port takes the calls of an HTTP one.
 */
export const sharedAddresses: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster) => {
    const own = (concern.applied.get(cluster.cluster) ?? []).filter(({ kind }) => kind === 'ServiceEntry');
    const called = own.flatMap((entry) => addressesOf(entry).map((address) => ({ address, ports: portsOf(entry) })));
    return ofKind(cluster, 'ServiceEntry')
      .filter((entry) => !isOwnOf(own, entry) && !hostsOf(entry).some((host) => concern.hosts.includes(host)))
      .flatMap((entry) => {
        const addresses = addressesOf(entry);
        const ports = portsOf(entry).filter(({ protocol }) => addresses.length > 0 || !/^(HTTP|GRPC)/i.test(protocol));
        const shared = called.find(
          (one) =>
            (addresses.length === 0 || addresses.some((range) => contains(range, one.address))) &&
            ports.some(({ number }) => one.ports.some((port) => port.number === number)),
        );
        if (shared === undefined) return [];
        const at = addresses.length === 0 ? 'is for every address' : `has the address ${shared.address} of the service`;
        const told = ports.map(({ number, protocol }) => `${number} (${protocol})`).join(', ');
        return [
          {
            ...suspect(cluster, entry),
            certainty: 2 as const,
            field: 'spec.addresses',
            does: `${at}, with port ${told}: sidecars send calls to the service to ${hostsOf(entry).join(', ')}`,
          },
        ];
      });
  });

const portsOf = ({ body }: SeenObject): { readonly number: string; readonly protocol: string }[] =>
  listIn(body, 'spec.ports').map((port) => ({ number: textIn(port, 'number'), protocol: textIn(port, 'protocol') }));

/** Whether the scenario applied this very object. */
const isOwnOf = (applied: readonly SeenObject[], object: SeenObject): boolean =>
  applied.some(
    ({ kind, namespace, name }) => kind === object.kind && namespace === object.namespace && name === object.name,
  );

/**
 * An object that is for hosts concerns a call to one of them; one without hosts concerns every call of its namespace.
 */
const aboutTheCall = (object: SeenObject, hosts: readonly string[]): boolean => {
  const own = hostsOf(object);
  return own.length === 0 || own.some((pattern) => hosts.some((host) => hostMatches(pattern, host)));
};

function suspect({ cluster }: ClusterSituation, object: SeenObject): Suspect {
  const { layer, does, field } = meaningOf(object);
  return {
    certainty: 1,
    layer,
    cluster,
    object: seenName(object),
    ...(field === undefined ? {} : { field }),
    does,
    try:
      `Check whether it is meant for this call: kubectl get -n ${object.namespace ?? ''} ` +
      `${object.kind.toLowerCase()} ${object.name} -o yaml`,
    seen: [],
  };
}
