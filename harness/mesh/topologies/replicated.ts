import { istioOperator } from '../operator.ts';
import { clientAnnotations, modernProfile } from '../profile.ts';
import { pathThroughGateways } from './path.ts';
import type { Topology } from './topology.ts';

/**
 * Replicated control planes: each knows its own cluster only, and calls others by `.global` hosts that somebody
 * declared (the page).
 */
export const replicated: Topology = {
  gateways: ['istio-ingressgateway', 'istio-egressgateway'],
  ingressGateway: 'istio-ingressgateway',
  egressGateway: 'istio-egressgateway',
  clientAnnotations,
  operator: istioOperator,
  systemLabels: () => ({}),
  objects: modernProfile,
  // Nobody tells a control plane of another one: what is called is declared service by service.
  connect: () => Promise.resolve(),
  ready: () => Promise.resolve(),
  path: pathThroughGateways,
};
