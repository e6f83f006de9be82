import { z } from 'zod';
import { providerNames } from '../cluster/providers/registry.ts';
import { defaultTopology, topologyNames } from '../mesh/topologies/names.ts';
import { stepResultSchema } from './claims.ts';

/**
 * Everything a scenario needs to reach two meshed clusters, as plain JSON: it crosses processes, and a kept environment
 * is this file.
 */
export const environmentSchema = z.object({
  name: z.string(),
  provider: z.enum(providerNames),
  /** How its control planes relate; older environments are the page's. */
  topology: z.enum(topologyNames).default(defaultTopology),
  /** `creating` until all is up: a killed run leaves this, and `down` knows what to remove. */
  status: z.enum(['creating', 'ready']),
  createdAt: z.string(),
  /** Folder of the run that made it; its reports are not pruned while the environment is kept. */
  runFolder: z.string().optional(),
  /** Network namespace the clusters live in, when they live in the lab. */
  networkNamespace: z.string().optional(),
  dockerHost: z.string().optional(),
  programs: z.object({ kubectl: z.string(), istioctl: z.string(), kind: z.string(), docker: z.string() }),
  versions: z.object({ kubernetes: z.string(), istio: z.string(), edition: z.enum(['source', 'release']) }),
  images: z.object({
    httpbin: z.string(),
    httpbinPort: z.number(),
    curl: z.string(),
    /** The nodes' image, of which clients outside of the mesh are made; "" where the nodes are somebody else's. */
    node: z.string().default(''),
    coredns: z.record(z.string(), z.string()).default({}),
  }),
  /** Every cluster that was asked for, also while it is still being made. */
  clusterNames: z.array(z.string()),
  /** What bringing it up did, step by step. */
  setUp: z.array(stepResultSchema).default([]),
  clusters: z.array(
    z.object({
      name: z.string(),
      kubeconfig: z.string(),
      context: z.string(),
      /** A cluster that the user owns: what is not meshproof's is left alone there. */
      foreign: z.boolean().optional(),
      /** Id that what is made there carries. */
      owner: z.string().optional(),
      /** Somebody agreed that it is written to; never kept on disk. */
      agreed: z.boolean().optional(),
      /**
       * The objects that installed the mesh, as JSON: what the page calls `$HOME/istio.yaml`. Absent where meshproof
       * did not install it.
       */
      manifest: z.string().optional(),
      /**
       * What the cluster was like when its mesh was proven ready, as JSON; absent on clusters that meshproof did not
       * make.
       */
      baseline: z.string().optional(),
      gateway: z
        .object({
          address: z.string(),
          kind: z.enum(['ip', 'hostname']),
          /** Where nobody gives its Service an address of its own: the node ports at the address of a node. */
          nodePorts: z.object({ tls: z.number(), health: z.number().optional() }).optional(),
        })
        .optional(),
    }),
  ),
});

export type Environment = z.infer<typeof environmentSchema>;
export type EnvironmentCluster = Environment['clusters'][number];
