import { formatDiagnosis, formatSymptom } from '../diagnose/diagnose.ts';
import type { ClaimResult, ScenarioResult } from '../scenario/claims.ts';
import type { Cause } from '../diagnose/causes/cause.ts';
import { causeTitle, describeCauses } from './causes.ts';
import { countVerdicts } from './run-data.ts';
import { signs, worstOfScenario } from './summary.ts';

/**
 * One line for the scenario, one more for each claim that does not hold.
 *
 * @param before the scenarios that were told before, in whose lines a cause they share stands already
 */
export function describeScenario(
  { id, claims, seconds, replaced, stopped, causes = [], leftOut }: ScenarioResult,
  before: readonly Pick<ScenarioResult, 'id' | 'causes'>[] = [],
): string[] {
  const verdict = worstOfScenario({ claims, stopped });
  const told = (diagnosis: ClaimResult['diagnosis']): string[] => {
    if (diagnosis === undefined) return [];
    return causes.length > 0 ? [formatSymptom(diagnosis)] : formatDiagnosis(diagnosis);
  };
  const rows = claims
    .filter((claim) => claim.verdict !== 'passed' && claim.verdict !== 'notReached')
    .map(({ verdict: one, name, reason = '', diagnosis }, index, broken) => {
      // Claims that are not supported most often have one reason, which is reported once.
      if (index > 0 && broken[index - 1]?.reason === reason)
        return `  ${signs[one]} ${name}\n      for the same reason`;
      const lines = [...told(diagnosis), ...reason.trimEnd().split('\n')];
      return [`  ${signs[one]} ${name}`, ...lines.map((line) => `      ${line}`)].join('\n');
    });
  const { notReached } = countVerdicts(claims);
  const stop =
    stopped === undefined
      ? []
      : [
          [
            `  ${signs[stopped.verdict]} the step “${stopped.step}” failed`,
            ...[...told(stopped.diagnosis), ...(stopped.reason ?? '').split('\n')].map((line) => `      ${line}`),
          ].join('\n'),
          ...(notReached === 0 ? [] : [`  ${signs.notReached} ${notReached} claims behind it were not reached`]),
        ];
  const notes = claims
    .filter(({ verdict: one, note }) => one === 'passed' && note !== undefined)
    .map(({ name, note }) => `    ${name}: ${note ?? ''}`);
  const modern = replaced.map(({ was }) => `    modern Istio: stands in for ${was}`);
  const unkept =
    leftOut === undefined
      ? []
      : [
          `    ${leftOut.answers} answers (${(leftOut.bytes / 1e6).toFixed(0)} MB) are not in the evidence: ` +
            'evidenceMegabytes is used up',
        ];
  return [
    `${signs[verdict]} ${id}: ${countVerdicts(claims).passed} of ${claims.length} claims hold, ${seconds.toFixed(1)} s`,
    // The cause first, and once: what each claim saw of it follows.
    ...toldCauses(causes, before).map((line) => `  ${line}`),
    ...rows,
    ...stop,
    ...notes,
    ...modern,
    ...unkept,
  ];
}

function toldCauses(causes: readonly Cause[], before: readonly Pick<ScenarioResult, 'id' | 'causes'>[]): string[] {
  const [first] = causes;
  if (first === undefined) return [];
  const title = causeTitle(first);
  const known = before.find(({ causes: [theirs] = [] }) => theirs !== undefined && causeTitle(theirs) === title);
  return known === undefined
    ? describeCauses(causes)
    : [`${first.code} ${title}`, `  the cause of ${known.id} as well`];
}
