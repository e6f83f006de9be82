import type { Fault } from './fault.ts';
import { cleanupFaults } from './faults/cleanup.ts';
import { clientFaults } from './faults/client-objects.ts';
import { dnsFaults } from './faults/dns.ts';
import { egressFaults } from './faults/egress.ts';
import { failoverFaults } from './faults/failover.ts';
import { groundFaults } from './faults/ground.ts';
import { multiPrimaryFaults } from './faults/multi-primary.ts';
import { networkFaults } from './faults/network.ts';
import { prerequisiteFaults } from './faults/prerequisites.ts';
import { grpcFaults } from './faults/grpc.ts';
import { protocolFaults } from './faults/protocols.ts';
import { remoteServiceFaults } from './faults/remote-services.ts';
import { reverseFaults } from './faults/reverse.ts';
import { securityFaults } from './faults/security.ts';
import { serverFaults } from './faults/server-objects.ts';
import { routingFaults, versionFaults } from './faults/versions.ts';
import { workloadFaults } from './faults/workloads.ts';

/**
 * Every fault that is known, each by its id: the mesh's own objects, the workloads, what both stand on, and the network
 * below; then those that are made for single claims of single scenarios.
 */
export const faults: readonly Fault[] = [
  ...clientFaults,
  ...serverFaults,
  ...workloadFaults,
  ...groundFaults,
  ...networkFaults,
  ...prerequisiteFaults,
  ...dnsFaults,
  ...remoteServiceFaults,
  ...reverseFaults,
  ...egressFaults,
  ...versionFaults,
  ...routingFaults,
  ...securityFaults,
  ...protocolFaults,
  ...grpcFaults,
  ...failoverFaults,
  ...multiPrimaryFaults,
  ...cleanupFaults,
];

/** Claims that no fault of a mesh breaks, "scenario: key", with the reason. */
export const unkillable: Readonly<Record<string, string>> = {
  'tcp-service: refused-declarations':
    'meshproof itself refuses these declarations before anything reaches a cluster; nothing in a cluster changes that',
  'dns-older-forms: form-kube-dns':
    'no cluster of today runs KubeDNS: the text of its ConfigMap is read by KubeDNS’s rule, and no cluster takes part',
  'multi-primary/one-service: no-loop':
    'a loop between two gateways takes every processor of the machine, and the harness with it',
};
