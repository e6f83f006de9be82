import { withLabels, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import type { AddressBook } from './address-book.ts';
import type { ServicePort } from './service-port.ts';
import { exposedService, remoteService } from './services.ts';

/** A Kubernetes Service that is to be called from other clusters. */
export interface FleetService {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly (ServicePort & { readonly targetPort: number })[];
  readonly selector: Readonly<Record<string, string>>;
}

/** One cluster of a fleet: its services, and where its peers reach them. */
export interface FleetCluster {
  readonly name: string;
  readonly gateway: { readonly address: string; readonly kind: 'ip' | 'hostname' };
  readonly services: readonly FleetService[];
}

/**
 * Label of every ServiceEntry that an export makes, with the export's name: by it the stale ones of this very export
 * are found.
 */
export const exportLabel = 'meshproof/export';

/** The `.global` name of a service (walkthrough: "Configure the example services"). */
export const globalHost = ({ name, namespace }: Pick<FleetService, 'name' | 'namespace'>): string =>
  `${name}.${namespace}.global`;

/** Every `.global` host of a fleet, sorted. */
export const hostsOf = (fleet: readonly FleetCluster[]): string[] =>
  [...new Set(fleet.flatMap(({ services }) => services.map(globalHost)))].sort();

/**
 * The ServiceEntries of a whole fleet (walkthrough: "this can be automated"): in each cluster one for each service of
 * other clusters, with their gateways as its endpoints, and one for each of its own services, so that its gateway knows
 * the `.global` name. What a cluster has itself is served there by its own pods, also under the `.global` name.
 *
 * @param addresses of every host
 * @param namespace where the entries for remote services go; all namespaces see them
 * @param name of the export, which its entries carry
 * @returns cluster → objects, in a stable order
 */
export function exportServices(
  fleet: readonly FleetCluster[],
  addresses: AddressBook,
  namespace: string,
  name: string,
): Record<string, KubernetesObject[]> {
  const labelled = (object: KubernetesObject): KubernetesObject => withLabels(object, { [exportLabel]: name });
  return Object.fromEntries(
    fleet.map((cluster) => {
      const own = [...cluster.services].sort(byHost).map((service) =>
        labelled(
          exposedService({
            host: globalHost(service),
            address: addresses[globalHost(service)] ?? '',
            namespace: service.namespace,
            name: `${service.name}-global`,
            port: service.ports,
            selector: service.selector,
          }),
        ),
      );
      const elsewhere = fleet.filter((other) => other.name !== cluster.name);
      const here = new Set(hostsOf([cluster]));
      const remote = hostsOf(elsewhere)
        .filter((host) => !here.has(host))
        .map((host) => {
          const homes = elsewhere.filter(({ services }) => services.some((service) => globalHost(service) === host));
          const [ports = []] = homes.flatMap(({ services }) =>
            services.filter((service) => globalHost(service) === host).map((service) => service.ports),
          );
          return labelled(
            remoteService({
              host,
              namespace,
              name: host.replaceAll('.', '-'),
              address: addresses[host] ?? '',
              // What the pods listen on is the receiving cluster's business.
              port: ports.map(({ targetPort: _targetPort, ...port }) => port),
              // An address is looked up by nobody, a host name by the proxies.
              resolution: homes.some(({ gateway }) => gateway.kind === 'hostname') ? 'DNS' : 'STATIC',
              endpoints: homes.map(({ gateway }) => ({ address: gateway.address })),
            }),
          );
        });
      return [cluster.name, [...own, ...remote]];
    }),
  );
}

const byHost = (left: FleetService, right: FleetService): number => globalHost(left).localeCompare(globalHost(right));
