import type { RunData } from '../report/run-data.ts';
import type { ClaimResult, ScenarioResult } from '../scenario/claims.ts';
import { ownSteps } from '../scenario/keys.ts';
import { play } from '../scenario/play.ts';
import { causeTitle } from '../report/causes.ts';
import { RecordedEvidence } from '../scenario/recorded-evidence.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { redactText } from '../tape/redact/text.ts';
import { openRun } from '../run/record/open-run.ts';
import { readRunEnvironment } from '../run/record/run-environment.ts';
import { loadScenario } from '../config/scenario-files.ts';
import { useMatchers } from './use-matchers.ts';

/** A claim that comes out otherwise than it did live. */
export interface Difference {
  readonly scenario: string;
  /** Key of the claim, or of the step that ended the scenario. */
  readonly claim: string;
  readonly live: string;
  readonly replayed: string;
}

export interface Replayed {
  /** The run's record with the scenarios as they come out of the replay. */
  readonly data: RunData;
  readonly differences: readonly Difference[];
  readonly seconds: number;
}

/**
 * Computes every verdict and diagnosis of a run again from its evidence: the scenarios are played with the recorded
 * answers in place of clusters, proxies and pods. Nothing outside of the folder is read, started or called.
 *
 * @param folder of the run
 * @param from patterns of scenario files, as the config lists them
 * @param load finds a scenario by its id; from the files by default
 * @throws MeshproofError MP710 for a folder without a run, MP725 for one of an earlier version, MP101 for a scenario
 *   that is not here, MP713 when the evidence does not have what a scenario asks, MP720 and MP721 for a folder that no
 *   run wrote.
 */
export async function replay(
  folder: string,
  from?: readonly string[],
  load: (id: string) => Promise<Scenario> = (id) => loadScenario(id, from),
): Promise<Replayed> {
  const started = performance.now();
  const { data } = await openRun(folder);
  const assertions = await useMatchers();
  const scenarios: ScenarioResult[] = [];
  for (const recorded of data.scenarios) {
    const environment = await readRunEnvironment(folder, recorded.id);
    const evidence = await RecordedEvidence.open(folder, recorded.id);
    const isLast = !recorded.steps.some(({ key }) => key === ownSteps.putBack.key);
    const result = await play(await load(recorded.id), {
      environment,
      runFolder: folder,
      signal: new AbortController().signal,
      evidence,
      assertions,
      isLast,
      looksAround: recorded.causes !== undefined,
    });
    scenarios.push({
      ...result,
      seconds: recorded.seconds,
      claims: result.claims.map((claim) => ({
        ...claim,
        seconds: recorded.claims.find(({ key }) => key === claim.key)?.seconds ?? 0,
      })),
    });
  }
  const differences = data.scenarios.flatMap((live, index) => compare(live, scenarios[index] ?? live));
  return { data: { ...data, scenarios }, differences, seconds: (performance.now() - started) / 1000 };
}

function compare(live: ScenarioResult, replayed: ScenarioResult): Difference[] {
  const compared = (claim: string, tell: (one: ScenarioResult) => string): Difference[] => {
    const [before, after] = [tell(live), tell(replayed)];
    return before === after ? [] : [{ scenario: live.id, claim, live: before, replayed: after }];
  };
  const keys = new Set([...live.claims, ...replayed.claims].map(({ key }) => key));
  return [
    ...compared('the cause', ({ causes: [first] = [] }) =>
      first === undefined ? 'no cause' : redactText(`${first.code} ${causeTitle(first)}`),
    ),
    ...compared('the step that ended it', ({ stopped }) =>
      stopped === undefined ? 'not stopped' : told({ ...stopped, behind: stopped.key, hops: [] }),
    ),
    ...[...keys].flatMap((key) => compared(key, ({ claims }) => told(claims.find((claim) => claim.key === key)))),
  ];
}

/** All of a claim that a replay must find again; its sentence is no part of it. */
function told(
  claim: Pick<ClaimResult, 'verdict' | 'behind' | 'code' | 'reason' | 'diagnosis' | 'note' | 'hops'> | undefined,
): string {
  if (claim === undefined) return 'no such claim';
  const { verdict, behind, code, reason, diagnosis, note, hops } = claim;
  const broken = hops.filter(({ found }) => found === undefined).map(({ proxy, hop }) => `${proxy} ${hop}`);
  // A run that was recorded before reasons were redacted says the same as its replay.
  return [verdict, behind, code, diagnosis?.code, diagnosis?.hop, note, ...broken, withoutAdvice(reason)]
    .flatMap((part) => (part === undefined ? [] : [redactText(part)]))
    .join('\n');
}

/**
 * A reason without the words that come from the catalogue, an error's title and what to try: those are sentences, which
 * may be reworded after a run was recorded.
 */
const withoutAdvice = (reason: string | undefined): string | undefined =>
  reason
    ?.replaceAll(/^(MP\d{3}) [^:\n]+:/gm, '$1:')
    .replaceAll(/^ {2}try {6}.*(\n {11}.*)*\n?/gm, '')
    .trimEnd();
