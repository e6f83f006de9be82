import type { Cause } from '../diagnose/causes/cause.ts';
import type { ScenarioResult } from '../scenario/claims.ts';

/** What names a cause in one line: "east · VirtualService bar/httpbin · spec.http.0.fault.abort". */
export const causeTitle = ({ cluster, object, field }: Cause): string =>
  [cluster, object, field].filter((part) => part !== undefined && part !== '').join(' · ');

/** The likeliest cause as lines, and the others by their names. */
export function describeCauses(causes: readonly Cause[]): string[] {
  const [first, ...others] = causes;
  if (first === undefined) return [];
  return [
    `${first.code} ${causeTitle(first)}`,
    `  cause    ${first.does}`,
    `  try      ${first.try}`,
    ...(first.proof === undefined ? [] : [`  ${proofWord(first.proof)} ${first.proof.how}`]),
    ...first.seen.slice(0, 4).map((line) => `  seen     ${line}`),
    ...others.slice(0, 2).map((cause) => `  or       ${cause.code} ${causeTitle(cause)}: ${cause.does}`),
  ];
}

/** Causes that were found once or more, likeliest first, and the scenarios whose likeliest one the first is. */
export interface CauseOfRun {
  readonly causes: readonly [Cause, ...Cause[]];
  readonly scenarios: readonly string[];
}

/** Every likeliest cause once, however many scenarios it turned red; the one that explains most of them comes first. */
export function causesOfRun(scenarios: readonly Pick<ScenarioResult, 'id' | 'causes'>[]): CauseOfRun[] {
  const found = new Map<string, CauseOfRun>();
  for (const { id, causes: [first, ...others] = [] } of scenarios) {
    if (first === undefined) continue;
    const known = found.get(causeTitle(first));
    found.set(causeTitle(first), {
      causes: known?.causes ?? [first, ...others],
      scenarios: [...(known?.scenarios ?? []), id],
    });
  }
  return [...found.values()].sort((left, right) => right.scenarios.length - left.scenarios.length);
}

/** "proven", "refuted", "unproven": as wide as the other words of a cause. */
export const proofWord = ({ verdict }: NonNullable<Cause['proof']>): string =>
  ({ proven: 'proven  ', refuted: 'refuted ', notTried: 'unproven' })[verdict];
