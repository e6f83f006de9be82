import { z } from 'zod';
import { providerNames } from '../cluster/providers/registry.ts';
import { processIdentitySchema } from '../process/process-identity.ts';
import { milestoneSchema } from './milestones.ts';
import { scenarioResultSchema, stepResultSchema, type ClaimResult } from '../scenario/claims.ts';

export const phases = [
  'toolchain',
  'daemon',
  'images',
  'clusters',
  'metallb',
  'mesh',
  'scenarios',
  'teardown',
] as const;
export type Phase = (typeof phases)[number];

const word = z.string().max(10_000);
const moment = z.iso.datetime();

/**
 * run.json: everything a report, a diff or a gate needs to know of a run. Written anew after each phase and each
 * scenario.
 */
export const runRecordSchema = z.object({
  /** 1 before claims and steps had keys: what is made of such a record has keys made of its sentences. */
  schema: z.union([z.literal(1), z.literal(2)]),
  run: word,
  startedAt: moment,
  endedAt: moment.optional(),
  verdict: z.enum(['running', 'passed', 'failed', 'error']),
  /** The process that is at work on it; by this one can see whether a run that says “running” still is. */
  process: processIdentitySchema.optional(),
  command: z.array(word).max(1_000),
  provider: z.enum(providerNames),
  clusters: z.array(word).max(1_000),
  versions: z.object({ kubernetes: word, istio: word, edition: word }).optional(),
  /**
   * Files and images that were checked against hashes of the configuration (`mirror.pins`), not of the list of what is
   * published.
   */
  pinnedByUser: z.array(word).max(1_000).optional(),
  /** Begin and end of each phase in seconds since the run started; phases may overlap. */
  phases: z.partialRecord(z.enum(phases), z.object({ from: z.number(), to: z.number() })),
  /** What bringing the environment up did. */
  setUp: z.array(stepResultSchema).max(10_000).default([]),
  /**
   * How a kept environment compared, before anything played in it, with what it was like when its mesh was proven
   * ready: how many objects and config dumps were compared, and what was not as it was.
   */
  before: z
    .object({ objects: z.number(), dumps: z.number(), departures: z.array(z.string().max(100_000)).max(10_000) })
    .optional(),
  scenarios: z.array(scenarioResultSchema).max(10_000),
  error: z.object({ code: word, message: z.string().max(4_000_000) }).optional(),
  /** Which part of a run this is, where several machines shared one; counted from 1. */
  shard: z.object({ index: z.int().min(1), count: z.int().max(9_999) }).optional(),
  /** The runs that this one was merged from. */
  merged: z
    .array(z.object({ run: word, verdict: word, seconds: z.number(), shard: word.optional(), scenarios: z.int() }))
    .max(9_999)
    .optional(),
  /** Seed of the order in which the scenarios were shuffled. */
  shuffle: z.number().optional(),
  peakMemoryBytes: z.number().optional(),
  /** When each cluster had what, while it was brought up. */
  bringUp: z.array(milestoneSchema).max(10_000).optional(),
  /** Working set of each cluster's nodes as its mesh was proven ready, in bytes. */
  clusterMemoryBytes: z.record(word, z.number()).optional(),
  cacheBytes: z.number().optional(),
});

export type RunData = z.infer<typeof runRecordSchema>;

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly notSupported: number;
  /** Claims behind a step that failed. */
  readonly notReached: number;
  readonly error: number;
}

/** How many claims of a run have which verdict. */
export const countClaims = ({ scenarios }: Pick<RunData, 'scenarios'>): Counts =>
  countVerdicts(scenarios.flatMap(({ claims }) => claims));

/** How many of some claims have which verdict. */
export function countVerdicts(claims: readonly Pick<ClaimResult, 'verdict'>[]): Counts {
  const count = (wanted: ClaimResult['verdict']): number => claims.filter(({ verdict }) => verdict === wanted).length;
  return {
    passed: count('passed'),
    failed: count('failed'),
    notSupported: count('notSupported'),
    notReached: count('notReached'),
    error: count('error'),
  };
}

/** What scenarios make of a run: a claim or a step without an answer outweighs one that does not hold. */
export function verdictOfRun({ scenarios }: Pick<RunData, 'scenarios'>): 'passed' | 'failed' | 'error' {
  const { failed, error } = countClaims({ scenarios });
  const stops = scenarios.flatMap(({ stopped }) => stopped?.verdict ?? []);
  if (error > 0 || stops.includes('error')) return 'error';
  return failed > 0 || stops.includes('failed') ? 'failed' : 'passed';
}

/** The counts as a sentence. */
export const formatCounts = ({ passed, failed, notSupported, notReached, error }: Counts): string =>
  `${passed} claims hold, ${failed} do not, ` +
  `${notReached === 0 ? '' : `${notReached} not reached, `}${notSupported} not supported, ${error} without an ` +
  'answer';

/** Seconds of each phase, and of the whole run. */
export function phaseSeconds(data: RunData): Record<string, number> {
  const round = (seconds: number): number => Math.round(seconds * 10) / 10;
  const spent = Object.entries(data.phases).map(([phase, { from, to }]) => [phase, round(to - from)] as const);
  const total = data.endedAt === undefined ? 0 : (Date.parse(data.endedAt) - Date.parse(data.startedAt)) / 1000;
  return { ...Object.fromEntries(spent), total: round(total) };
}
