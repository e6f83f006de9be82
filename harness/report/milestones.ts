import { z } from 'zod';

/** What a cluster gets while it is brought up, in the order in which it needs it. */
export const milestones = [
  'node',
  'API server',
  'custom resources',
  'istiod',
  'injection',
  'gateways',
  'MetalLB',
  'load balancer address',
] as const;
export type Milestone = (typeof milestones)[number];

/** When something of a cluster was asked for, and when it was there: seconds since the run started, whole ones. */
export const milestoneSchema = z.object({
  cluster: z.string().max(1_000),
  what: z.enum(milestones),
  from: z.number(),
  to: z.number(),
});
export type ClusterMilestone = z.infer<typeof milestoneSchema>;

/**
 * Seconds from the beginning of the clusters until all of them had something, by its name.
 *
 * @param begun seconds at which the first cluster was begun
 */
export function reachedAfter(reached: readonly ClusterMilestone[], begun: number): Record<string, number> {
  return Object.fromEntries(
    milestones.flatMap((what) => {
      const ends = reached.filter((one) => one.what === what).map(({ to }) => to);
      return ends.length === 0 ? [] : [[what, Math.round((Math.max(...ends) - begun) * 10) / 10]];
    }),
  );
}
