import type { ClaimResult, ScenarioResult } from '../scenario/claims.ts';
import { causesOfRun, describeCauses } from './causes.ts';
import { formatClean } from './clean.ts';
import { codeSpan, fenced, inline } from './markdown.ts';
import { countClaims, formatCounts, countVerdicts, type RunData } from './run-data.ts';

export const signs = { passed: '✓', failed: '✗', error: '!', notSupported: '–', notReached: '·' } as const;

/**
 * What a run found, as Markdown: a sentence, a row for each section, and each claim that does not hold with its reason.
 */
export function summary(data: RunData): string {
  const rows = data.scenarios.map(({ section, id, claims, seconds, replaced, stopped }) => {
    return (
      `| ${inline(section)} | ${codeSpan(id)} | ${countVerdicts(claims).passed} of ${claims.length} ` +
      `${signs[worstOfScenario({ claims, stopped })]} | ${seconds.toFixed(1)} s | ` +
      `${inline(replaced.map(({ was }) => was).join('; '))} |`
    );
  });
  const causes = causesOfRun(data.scenarios).map(({ causes: found, scenarios }) =>
    [`**Cause**, by ${scenarios.map(codeSpan).join(', ')}:`, fenced('', describeCauses(found).join('\n'))].join('\n'),
  );
  const stops = data.scenarios.flatMap(({ id, stopped, claims }) =>
    stopped === undefined
      ? []
      : [
          [
            `- ${signs[stopped.verdict]} ${codeSpan(id)}: the step “${inline(stopped.step)}” ` +
              `failed${stopped.code === undefined ? '' : ` (${inline(stopped.code)})`}; ` +
              `${countVerdicts(claims).notReached} claims behind it were not ` +
              `reached${diagnosed(stopped.diagnosis)}`,
            fenced('', stopped.reason ?? 'no reason', '  '),
          ].join('\n'),
        ],
  );
  const broken = data.scenarios.flatMap(({ id, claims }) =>
    claims
      .filter(({ verdict }) => verdict === 'failed' || verdict === 'error')
      .map(({ name, verdict, reason, code, diagnosis }) =>
        [
          `- ${signs[verdict]} ${codeSpan(id)}: ` +
            `${inline(name)}${code === undefined ? '' : ` (${inline(code)})`}${diagnosed(diagnosis)}`,
          fenced('', reason ?? 'no reason', '  '),
        ].join('\n'),
      ),
  );
  return [
    `Executed ${inline(data.startedAt)} on ${data.clusters.length} clusters ` +
      `(${inline(data.clusters.join(', '))}), Kubernetes ${inline(data.versions?.kubernetes ?? '?')}, Istio ` +
      `${inline(data.versions?.istio ?? '?')}. ` +
      `${formatCounts(countClaims(data))}.`,
    ...(data.merged === undefined ? [] : [formatMerge(data.merged)]),
    ...(data.before === undefined ? [] : cleanness(data.before)),
    ...(data.error === undefined ? [] : [fenced('', data.error.message)]),
    ...causes,
    ['| section | scenario | claims | time | stands in for |', '|---|---|---|---:|---|', ...rows].join('\n'),
    ...(stops.length + broken.length === 0 ? [] : [[...stops, ...broken].join('\n')]),
  ].join('\n\n');
}

/** Whether a kept environment was as meshproof left it, and what was not. */
const cleanness = (before: NonNullable<RunData['before']>): string[] => [
  formatClean(before),
  ...(before.departures.length === 0 ? [] : [fenced('', before.departures.join('\n'))]),
];

const diagnosed = (diagnosis: ClaimResult['diagnosis']): string =>
  diagnosis === undefined
    ? ''
    : `. **${inline(diagnosis.code)}** at ${inline(diagnosis.hop)}: ${inline(diagnosis.cause)}`;

/** The worst of a scenario: of its claims, and of the step that ended it. */
export const worstOfScenario = ({
  claims,
  stopped,
}: Pick<ScenarioResult, 'claims' | 'stopped'>): ClaimResult['verdict'] =>
  worstOf(stopped === undefined ? claims : [...claims, { verdict: stopped.verdict }]);

/** Of which runs a merged one is made. */
const formatMerge = (parts: NonNullable<RunData['merged']>): string =>
  [
    '| shard | run | scenarios | verdict | time |',
    '|---|---|---:|---|---:|',
    ...parts.map(
      ({ shard = '–', run, scenarios, verdict, seconds }) =>
        `| ${inline(shard)} | ${codeSpan(run)} | ${scenarios} | ${inline(verdict)} | ${seconds.toFixed(1)} s |`,
    ),
  ].join('\n');

/** The worst of some claims. */
export function worstOf(claims: readonly Pick<ClaimResult, 'verdict'>[]): ClaimResult['verdict'] {
  return (
    (['failed', 'error', 'notReached', 'passed', 'notSupported'] as const).find((verdict) =>
      claims.some((claim) => claim.verdict === verdict),
    ) ?? 'error'
  );
}
