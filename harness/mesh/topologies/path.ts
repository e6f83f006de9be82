import { outboundCluster, outboundSni } from '../services.ts';
import type { Call, PathStage } from './topology.ts';

/**
 * Client's sidecar → (egress gateway) → the peer's gateway, which knows the service by its SNI: the path of every mesh
 * on several networks.
 */
export function pathThroughGateways({ service, endpoint, beside, gateway, via, workload }: Call): PathStage[] {
  const { host, address, port } = service;
  const sni = outboundSni(host, port.number);
  const cluster = outboundCluster(host, port.number);
  return [
    { at: 'client', question: { host, port: port.number, address, endpoint, beside, sni, cluster } },
    ...(via === undefined
      ? []
      : [{ at: 'egress gateway' as const, question: { port: via.port, sni, endpoint: via.endpoint } }]),
    { at: 'gateway', question: { port: gateway.port, sni, endpoint: workload } },
  ];
}
