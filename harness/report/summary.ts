import type { ClaimResult } from '../scenario/claims.ts';
import { describeCauses } from './causes.ts';
import { countClaims, countsTold, countVerdicts, type RunData } from './run-data.ts';

export const signs = { passed: '✓', failed: '✗', error: '!', notSupported: '–' } as const;

/** What a run found, as Markdown: a sentence, a row for each section, and each claim that does not hold with its reason. */
export function summary(data: RunData): string {
  const rows = data.scenarios.map(({ section, id, claims, seconds, replaced }) => {
    return `| ${section} | \`${id}\` | ${countVerdicts(claims).passed} of ${claims.length} ${signs[worstOf(claims)]} | ${seconds.toFixed(1)} s | ${replaced.map(({ was }) => was).join('; ')} |`;
  });
  const causes = data.scenarios.flatMap(({ id, causes: found = [] }) =>
    found.length === 0 ? [] : [[`**Cause**, by \`${id}\`:`, '```', ...describeCauses(found), '```'].join('\n')],
  );
  const broken = data.scenarios.flatMap(({ id, claims }) =>
    claims
      .filter(({ verdict }) => verdict === 'failed' || verdict === 'error')
      .map(({ name, verdict, reason, code, diagnosis }) =>
        [
          `- ${signs[verdict]} \`${id}\`: ${name}${code === undefined ? '' : ` (${code})`}${diagnosis === undefined ? '' : `. **${diagnosis.code}** at ${diagnosis.hop}: ${diagnosis.cause}`}`,
          '  ```',
          ...(reason ?? 'no reason').split('\n').map((line) => `  ${line}`),
          '  ```',
        ].join('\n'),
      ),
  );
  return [
    `Executed ${data.startedAt} on ${data.clusters.length} clusters (${data.clusters.join(', ')}), Kubernetes ${data.versions?.kubernetes ?? '?'}, Istio ${data.versions?.istio ?? '?'}. ` +
      `${countsTold(countClaims(data))}.`,
    ...(data.error === undefined ? [] : ['```\n' + data.error.message + '\n```']),
    ...causes,
    ['| section | scenario | claims | time | stands in for |', '|---|---|---|---:|---|', ...rows].join('\n'),
    ...(broken.length === 0 ? [] : [broken.join('\n')]),
  ].join('\n\n');
}

/** The worst of some claims. */
export function worstOf(claims: readonly Pick<ClaimResult, 'verdict'>[]): ClaimResult['verdict'] {
  return (
    (['failed', 'error', 'passed', 'notSupported'] as const).find((verdict) =>
      claims.some((claim) => claim.verdict === verdict),
    ) ?? 'error'
  );
}
