import { z } from 'zod';
import type { ScenarioResult } from '../scenario/claims.ts';
import type { Fault } from './fault.ts';
import { opinionSchema } from './istioctl.ts';

/** What became of one fault. */
export const faultOutcomeSchema = z.object({
  id: z.string(),
  /** A claim that should hold did not. */
  caught: z.boolean(),
  /** The first broken hop, or the call's own words, point at the cluster that the fault is in. */
  hop: z.boolean(),
  /** The first cause names the right object, of the right cluster. */
  cause: z.boolean(),
  /** What was told first. */
  told: z.string(),
  /** Seconds from the scenario's begin to the first claim or step that did not hold. */
  seconds: z.number(),
  /** "scenario: key" of each claim that it broke, or kept from being reached. */
  killed: z.array(z.string()).readonly(),
  /** Claims that it must turn red by what it is, and did not. Absent when it spared none. */
  spared: z.array(z.string()).readonly().optional(),
  /** What did not hold once it was out again: the environment was not left as it was. Absent when all held. */
  after: z.string().optional(),
  /** What `istioctl analyze` and `istioctl proxy-status` said while it was in. */
  istioctl: z.object({ analyze: opinionSchema, proxyStatus: opinionSchema }).optional(),
  /** Why it could not be put in; nothing was played then. */
  notPutIn: z.string().optional(),
});
export type FaultOutcome = Readonly<z.infer<typeof faultOutcomeSchema>>;

/** Holds what scenarios told of a fault against what it is. */
export function judge(fault: Fault, clusters: readonly string[], played: readonly ScenarioResult[]): FaultOutcome {
  const red = played.find(isRed);
  const [first] = red?.causes ?? [];
  const cluster = clusters[fault.at === 'client' ? 0 : 1];
  const names = fault.cause.some((wanted) =>
    wanted === 'node' ? first?.layer === 'machine and network' : first?.object === wanted,
  );
  const killed = played.flatMap(({ id, claims }) =>
    claims.filter(({ verdict }) => broken.has(verdict)).map(({ key }) => `${id}: ${key}`),
  );
  const spared = (fault.kills ?? []).filter((claim) => !killed.includes(claim));
  const diagnoses = red === undefined ? [] : [red.stopped, ...red.claims].flatMap((one) => one?.diagnosis ?? []);
  return {
    id: fault.id,
    caught: red !== undefined,
    hop: diagnoses[0]?.hop.startsWith(`${cluster ?? ''} `) === true,
    cause: first !== undefined && first.cluster === cluster && names,
    told:
      red === undefined
        ? 'everything held'
        : first === undefined
          ? 'no cause'
          : `${first.code} ${first.cluster} ${first.object} ${first.field ?? ''}`.trim(),
    seconds: red?.redAfter ?? 0,
    killed,
    ...(spared.length === 0 ? {} : { spared }),
  };
}

/** The first claim or step that does not hold of scenarios that must all be green; undefined when they are. */
export function firstRed(played: readonly ScenarioResult[]): string | undefined {
  const red = played.find(isRed);
  if (red === undefined) return undefined;
  const claim = red.claims.find(({ verdict }) => verdict === 'failed' || verdict === 'error');
  const what = claim ?? red.stopped;
  return `${red.id}: ${claim?.name ?? red.stopped?.step ?? ''}: ${what?.reason?.split('\n')[0] ?? ''}`;
}

const broken = new Set(['failed', 'error', 'notReached']);
const isRed = ({ claims, stopped }: ScenarioResult): boolean =>
  stopped !== undefined || claims.some(({ verdict }) => broken.has(verdict));

/** The line that `meshproof fault run --json` ends with. */
export interface FaultSummary {
  readonly faults: number;
  readonly caught: number;
  readonly hop: number;
  readonly cause: number;
  readonly missed: readonly string[];
  readonly misdiagnosed: readonly string[];
  /** Faults that this machine or this mesh did not take; they are not among `faults`. */
  readonly notPutIn: readonly string[];
  /** Faults after which the environment was not green again. */
  readonly leftRed: readonly string[];
  /** Faults that were noticed, yet not by every claim that they must turn red: "id: scenario: key" of each. */
  readonly spared: readonly string[];
  /** Claims that no fault of this run broke. */
  readonly unkilled: readonly string[];
  /** Median seconds to a red verdict. */
  readonly medianSeconds: number;
}

/**
 * All outcomes as one line of figures.
 *
 * @param claims every claim that there is, "scenario: key"
 */
export function summarize(outcomes: readonly FaultOutcome[], claims: readonly string[]): FaultSummary {
  const played = outcomes.filter(({ notPutIn }) => notPutIn === undefined);
  const caught = played.filter((outcome) => outcome.caught);
  const seconds = caught.map((outcome) => outcome.seconds).sort((left, right) => left - right);
  const killed = new Set(outcomes.flatMap((outcome) => outcome.killed));
  return {
    faults: played.length,
    caught: caught.length,
    hop: outcomes.filter((outcome) => outcome.hop).length,
    cause: outcomes.filter((outcome) => outcome.cause).length,
    missed: played.filter((outcome) => !outcome.caught).map(({ id }) => id),
    misdiagnosed: caught.filter((outcome) => !outcome.cause).map(({ id }) => id),
    notPutIn: outcomes.filter(({ notPutIn }) => notPutIn !== undefined).map(({ id }) => id),
    leftRed: outcomes.filter(({ after }) => after !== undefined).map(({ id }) => id),
    spared: played.flatMap(({ id, spared = [] }) => spared.map((claim) => `${id}: ${claim}`)),
    unkilled: claims.filter((claim) => !killed.has(claim)),
    medianSeconds: seconds[Math.floor(seconds.length / 2)] ?? 0,
  };
}
