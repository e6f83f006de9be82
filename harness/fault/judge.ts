import type { ScenarioResult } from '../scenario/claims.ts';
import type { Fault } from './fault.ts';

/** What became of one fault. */
export interface FaultOutcome {
  readonly id: string;
  /** A claim that should hold did not. */
  readonly caught: boolean;
  /** The first cause names the right object, of the right cluster. */
  readonly cause: boolean;
  /** What was told first. */
  readonly told: string;
  /** Seconds from the scenario's begin to its verdict. */
  readonly seconds: number;
}

/** Holds what a scenario told of a fault against what it is. */
export function judge(fault: Fault, clusters: readonly string[], scenario: ScenarioResult): FaultOutcome {
  const broken = scenario.claims.filter(({ verdict }) => verdict === 'failed' || verdict === 'error');
  const [first] = scenario.causes ?? [];
  const cluster = clusters[fault.at === 'client' ? 0 : 1];
  const names = fault.cause.some((wanted) =>
    wanted === 'node' ? first?.layer === 'machine and network' : first?.object === wanted,
  );
  return {
    id: fault.id,
    caught: broken.length > 0,
    cause: first !== undefined && first.cluster === cluster && names,
    told:
      first === undefined ? 'no cause' : `${first.code} ${first.cluster} ${first.object} ${first.field ?? ''}`.trim(),
    seconds: scenario.seconds,
  };
}

/** The line that `meshproof fault run --json` ends with. */
export interface FaultSummary {
  readonly faults: number;
  readonly caught: number;
  readonly cause: number;
  readonly missed: readonly string[];
  readonly misdiagnosed: readonly string[];
  /** Median seconds to a red verdict. */
  readonly medianSeconds: number;
}

/** All outcomes as one line of figures. */
export function summarize(outcomes: readonly FaultOutcome[]): FaultSummary {
  const caught = outcomes.filter((outcome) => outcome.caught);
  const seconds = caught.map((outcome) => outcome.seconds).sort((left, right) => left - right);
  return {
    faults: outcomes.length,
    caught: caught.length,
    cause: outcomes.filter((outcome) => outcome.cause).length,
    missed: outcomes.filter((outcome) => !outcome.caught).map(({ id }) => id),
    misdiagnosed: caught.filter((outcome) => !outcome.cause).map(({ id }) => id),
    medianSeconds: seconds[Math.floor(seconds.length / 2)] ?? 0,
  };
}
