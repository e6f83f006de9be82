import type { TopologyName } from './names.ts';
import { multiPrimary } from './multi-primary.ts';
import { replicated } from './replicated.ts';
import type { Topology } from './topology.ts';

/**
 * Every topology, by the name that a config gives it. A new one is a file beside these, and a line here and in
 * `names.ts`.
 */
const topologies: Readonly<Record<TopologyName, Topology>> = { replicated, 'multi-primary': multiPrimary };

export const topologyNamed = (name: TopologyName): Topology => topologies[name];
