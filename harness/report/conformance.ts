import { stringify } from 'yaml';
import type { ClaimResult } from '../scenario/claims.ts';
import { visible } from '../progress/visible.ts';
import { countClaims, countVerdicts, type RunData } from './run-data.ts';

type Result = 'success' | 'failure' | 'partial';

/**
 * The conformance report of a run as YAML, in the spirit of Gateway API's (apis/v1/conformancereport.go): who was
 * tested, in which version, under which profile, with what result; and for each claim that does not hold or is not
 * supported the reason, which that report lacks.
 */
export function conformanceReport(data: RunData): string {
  const text = stringify(
    {
      apiVersion: 'meshproof/v1alpha1',
      kind: 'ConformanceReport',
      date: data.startedAt,
      run: data.run,
      implementation: {
        organization: 'istio',
        project: 'istio',
        version: data.versions?.istio ?? 'unknown',
        edition: data.versions?.edition ?? 'unknown',
        // A hash of the user's own may stand for another build under the published name.
        ...(data.pinnedByUser === undefined ? {} : { pinnedByUser: data.pinnedByUser }),
      },
      platform: {
        kubernetes: data.versions?.kubernetes ?? 'unknown',
        provider: data.provider,
        clusters: data.clusters,
      },
      profiles: [
        {
          name: 'replicated-control-planes',
          meshProfile: 'modern',
          result: resultOf(
            data.scenarios.flatMap(({ claims }) => claims),
            data,
          ),
          statistics: countClaims(data),
          scenarios: data.scenarios.map(({ id, section, seconds, claims, replaced, stopped, causes = [] }) => ({
            id,
            section,
            result: stopped === undefined ? resultOf(claims, data) : 'failure',
            seconds,
            statistics: countVerdicts(claims),
            ...named('failedClaims', claims, ['failed', 'error']),
            ...named('notSupportedClaims', claims, ['notSupported']),
            ...named('notReachedClaims', claims, ['notReached']),
            ...(stopped === undefined ? {} : { stopped }),
            ...(causes.length === 0 ? {} : { causes }),
            ...(replaced.length === 0 ? {} : { replaced: replaced.map(({ was, by }) => ({ was, by })) }),
          })),
        },
      ],
      ...(data.error === undefined ? {} : { error: data.error }),
    },
    { lineWidth: 0 },
  );
  return visible(text);
}

/**
 * Success when all holds; partial when nothing failed but something was not supported, or the run ended before its end.
 */
function resultOf(claims: readonly ClaimResult[], { verdict }: RunData): Result {
  if (claims.some(({ verdict: one }) => one === 'failed' || one === 'error' || one === 'notReached')) return 'failure';
  const all = claims.length > 0 && claims.every((claim) => claim.verdict === 'passed');
  return all && verdict !== 'error' ? 'success' : 'partial';
}

function named(
  key: string,
  claims: readonly ClaimResult[],
  verdicts: readonly ClaimResult['verdict'][],
): Record<string, object[]> {
  const rows = claims.filter(({ verdict }) => verdicts.includes(verdict));
  return rows.length === 0
    ? {}
    : {
        [key]: rows.map(({ key: claim, name, verdict, behind, code, reason, diagnosis }) => ({
          claim,
          sentence: name,
          ...(verdict === 'error' ? { verdict } : {}),
          ...(code === undefined ? {} : { code }),
          ...(diagnosis === undefined ? {} : { diagnosis }),
          reason: reason ?? (behind === undefined ? 'unknown' : `behind the step ${behind}, which failed`),
        })),
      };
}
