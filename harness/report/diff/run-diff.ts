import type { ClaimResult, Stopped } from '../../scenario/claims.ts';
import type { RunData } from '../run-data.ts';
import { codeSpan, fenced, inline } from '../markdown.ts';
import { there, type ConfigChange } from './config.ts';

type Verdict = ClaimResult['verdict'];

export interface VerdictChange {
  readonly scenario: string;
  /** Key of the claim, by which the runs are compared. */
  readonly claim: string;
  /** Its sentence, as the later of the runs that have it says it. */
  readonly says: string;
  /** Undefined where the run does not have the claim. */
  readonly base: Verdict | undefined;
  readonly head: Verdict | undefined;
  /** Why it does not hold now, and where it breaks. */
  readonly reason: string | undefined;
  readonly diagnosis: string | undefined;
}

export interface TimingChange {
  readonly what: string;
  readonly base: number;
  readonly head: number;
}

/** Two runs compared: `base` is what was, `head` what is proposed. */
export interface RunDiff {
  readonly base: string;
  readonly head: string;
  readonly regressions: readonly VerdictChange[];
  readonly otherVerdicts: readonly VerdictChange[];
  /** Scenarios that only one of the runs played. */
  readonly unmatched: readonly string[];
  readonly timings: readonly TimingChange[];
  readonly config: readonly ConfigChange[];
  /** How many dumps were compared, and why not more. */
  readonly dumps: { readonly compared: number; readonly note: string | undefined };
}

/**
 * A time counts as changed when it differs by more than this factor and this many seconds: both were exceeded by no two
 * runs of one mesh.
 */
const noise = { factor: 1.6, seconds: 3 } as const;

/** Scenarios that only one of two runs played: they cannot be compared. */
export function unmatched(base: RunData, head: RunData): string[] {
  const [before, after] = [base, head].map(({ scenarios }) => scenarios.map(({ id }) => id)) as [string[], string[]];
  return [...before.filter((id) => !after.includes(id)), ...after.filter((id) => !before.includes(id))];
}

/**
 * Claims of scenarios that both runs played whose verdict is another one; a regression is one that held and no longer
 * does, or is no longer proven.
 */
export function compareVerdicts(
  base: RunData,
  head: RunData,
): { readonly regressions: VerdictChange[]; readonly otherVerdicts: VerdictChange[] } {
  const both = new Set(
    base.scenarios.map(({ id }) => id).filter((id) => head.scenarios.some((other) => other.id === id)),
  );
  const claims = (data: RunData): Map<string, ClaimResult> =>
    new Map(
      data.scenarios
        .filter(({ id }) => both.has(id))
        .flatMap(({ id, claims: all, stopped }) =>
          // What was not reached has no reason of its own but that of the step before it.
          all.map(
            (claim) =>
              [`${id}\t${claim.key}`, claim.verdict === 'notReached' ? { ...claim, ...told(stopped) } : claim] as const,
          ),
        ),
    );
  const [before, after] = [claims(base), claims(head)];
  const changes = [...new Set([...before.keys(), ...after.keys()])].flatMap((key): VerdictChange[] => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was?.verdict === is?.verdict) return [];
    const [scenario = '', claim = ''] = key.split('\t');
    const { code, hop, cause } = is?.diagnosis ?? {};
    return [
      {
        scenario,
        claim,
        says: (is ?? was)?.name ?? '',
        base: was?.verdict,
        head: is?.verdict,
        reason: is?.reason,
        diagnosis: code === undefined ? undefined : `${code} at ${hop ?? ''}: ${cause ?? ''}`,
      },
    ];
  });
  const isRegression = ({ base: was, head: is }: VerdictChange): boolean =>
    (was === 'passed' && is !== 'passed') ||
    (was !== 'failed' && was !== 'error' && (is === 'failed' || is === 'error'));
  return {
    regressions: changes.filter(isRegression),
    otherVerdicts: changes.filter((change) => !isRegression(change)),
  };
}

/** What a claim that was not reached says of the step that kept it from being reached. */
const told = (stopped: Stopped | undefined): Partial<Pick<ClaimResult, 'reason' | 'diagnosis'>> =>
  stopped === undefined
    ? {}
    : {
        reason: `the step “${stopped.step}” failed: ${stopped.reason ?? ''}`,
        ...(stopped.diagnosis === undefined ? {} : { diagnosis: stopped.diagnosis }),
      };

/** Scenarios and phases that took clearly longer or shorter. */
export function compareTimings(base: RunData, head: RunData): TimingChange[] {
  const times = (data: RunData): Map<string, number> =>
    new Map([
      ...data.scenarios.map(({ id, seconds }) => [id, seconds] as const),
      ...(['clusters', 'metallb', 'mesh'] as const).flatMap((phase) =>
        data.phases[phase] === undefined
          ? []
          : [[`phase ${phase}`, data.phases[phase].to - data.phases[phase].from] as const],
      ),
    ]);
  const [before, after] = [times(base), times(head)];
  return [...before].flatMap(([what, was]) => {
    const is = after.get(what);
    if (
      is === undefined ||
      Math.abs(is - was) < noise.seconds ||
      Math.max(is, was) / Math.max(Math.min(is, was), 0.1) < noise.factor
    )
      return [];
    return [{ what, base: was, head: is }];
  });
}

/** The comparison as Markdown: for a terminal, a job summary or a file. */
export function formatDiff({
  base,
  head,
  regressions,
  otherVerdicts,
  unmatched: alone,
  timings,
  config,
  dumps,
}: RunDiff): string {
  const verdict = (
    { scenario, claim, says, base: was, head: is, reason, diagnosis }: VerdictChange,
    index: number,
    all: readonly VerdictChange[],
  ): string => {
    // A step that failed refutes every claim behind it for one reason, which is reported once.
    const repeated = reason !== undefined && index > 0 && all[index - 1]?.reason === reason;
    const why = repeated ? ['for the same reason'] : [diagnosis, reason].filter((text) => text !== undefined);
    return [
      `- ${codeSpan(scenario)} ${codeSpan(claim)} ${inline(says)}: ${was ?? 'absent'} → **${is ?? 'absent'}**`,
      ...(why.length === 0 ? [] : [repeated ? `  ${why.join(' ')}` : fenced('', why.join('\n'), '  ')]),
    ].join('\n');
  };
  const change = ({ kind, path, base: was, head: is, resources, proxies }: ConfigChange): string => {
    const where =
      resources.length === 1
        ? `${kind} ${codeSpan(resources[0] ?? '')}`
        : `${resources.length} ${kind.replace(/s?$/, 's')} (${resources.slice(0, 2).map(codeSpan).join(', ')}…)`;
    const came =
      was === undefined && is === there ? 'is new' : was === there && is === undefined ? 'is gone' : undefined;
    const field = path === '' ? '' : codeSpan(path.length > 160 ? `${path.slice(0, 160)}…` : path);
    const what = came === undefined ? `${field}: ${shown(was)} → ${shown(is)}` : `${field} ${came}`.trim();
    return (
      `- ${where} ${what}; in ` +
      (proxies.length === 1 ? inline(proxies[0] ?? '') : `${proxies.length} dumps (${inline(proxies[0] ?? '')}…)`)
    );
  };
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', `### ${title}`, '', ...lines];
  const most = 60;
  return [
    `## ${inline(base)} → ${inline(head)}`,
    '',
    `${regressions.length} regressions, ${otherVerdicts.length} other verdicts changed, ${timings.length} ` +
      `times beyond noise, ${config.length} kinds of change in Envoy’s configuration (${dumps.compared} dumps ` +
      'compared)',
    ...(dumps.note === undefined ? [] : [dumps.note]),
    ...(alone.length === 0 ? [] : [`Played in one of the runs only, and not compared: ${inline(alone.join(', '))}.`]),
    ...section('Regressions', regressions.map(verdict)),
    ...section('Other verdicts', otherVerdicts.map(verdict)),
    ...section(
      'Times',
      timings.map(({ what, base: was, head: is }) => `- ${inline(what)}: ${was.toFixed(1)} s → ${is.toFixed(1)} s`),
    ),
    ...section('Envoy’s configuration', [
      ...config.slice(0, most).map(change),
      ...(config.length > most ? [`- … ${config.length - most} more, all of them in the JSON`] : []),
    ]),
    '',
  ].join('\n');
}

const shown = (value: string | undefined): string =>
  value === undefined ? 'absent' : codeSpan(value.length > 120 ? `${value.slice(0, 120)}…` : value);
