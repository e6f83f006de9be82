/** Names of the topologies, in a file that loads nothing: every command knows them. */
export const topologyNames = ['replicated', 'multi-primary'] as const;

export type TopologyName = (typeof topologyNames)[number];

/** What a config and a scenario mean that name none: the page's own. */
export const defaultTopology: TopologyName = 'replicated';
