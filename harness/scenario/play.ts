import { join } from 'node:path';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import { diagnoseExchange } from '../diagnose/exchange.ts';
import { attachmentsOf, type Attachment } from './attachments.ts';
import type { ClaimResult, ScenarioResult, StepResult, Stopped } from './claims.ts';
import { redactError } from '../tape/redact/error.ts';
import { redact } from '../tape/redact/value.ts';
import { withTape } from '../tape/tape.ts';
import { CauseFinder } from './cause-finder.ts';
import { Containers } from './containers.ts';
import type { Environment } from './environment.ts';
import { EvidenceBudget } from './evidence-budget.ts';
import { EvidenceFolder, type Evidence } from './evidence.ts';
import { Journal, type Notes } from './journal.ts';
import { checkKey, ownSteps, type Keyed } from './keys.ts';
import { MeshCluster } from './mesh-cluster.ts';
import { replacements } from '../mesh/profile.ts';
import { firstCollision } from './declared.ts';
import { unmetNeed } from './needs.ts';
import { pageSample } from './remote-sample.ts';
import type { Scenario, ScenarioContext, Step } from './scenario.ts';
import { whileDelivering } from './convergence.ts';

/** Every scenario of the page uses these. */
const ofThePage = new Set(pageSample.needs.namespaces);

/** How steps and claims show elsewhere while they run, with what they did; the vitest set-up hands in Allure's step. */
export type Narrator = <T>(of: Keyed, work: () => Promise<T>, done: () => readonly Attachment[]) => Promise<T>;

export interface PlayOptions {
  readonly environment: Environment;
  /** Folder of the run; evidence goes below it. */
  readonly runFolder: string;
  /** Bytes of evidence that the whole run may write; no limit when left out. */
  readonly evidenceBytes?: number | undefined;
  readonly signal: AbortSignal;
  readonly narrate?: Narrator;
  /** What answers instead of the clusters, in a replay. */
  readonly evidence?: Evidence;
  /** False in the replay of a run that did not look around when a claim failed. */
  readonly looksAround?: boolean;
  /** How many assertions were made so far; without it nobody sees whether a proof looked at anything. */
  readonly assertions?: () => number;
  /** Called once, when the first thing does not hold and its cause was looked for; the mesh is still as it was. */
  readonly onRed?: ((what: string) => Promise<void>) | undefined;
  /** True when the environment is taken down right after this scenario, so that nothing has to be put back. */
  readonly isLast?: boolean;
}

/**
 * Plays one scenario: checks its needs, runs it, records each claim, and takes away what it applied. Never throws for
 * what the mesh did: all of that is in the result.
 */
export async function play(scenario: Scenario, options: PlayOptions): Promise<ScenarioResult> {
  const all = join(options.runFolder, 'evidence');
  const budget = options.evidenceBytes === undefined ? undefined : await EvidenceBudget.of(all, options.evidenceBytes);
  const recording = new EvidenceFolder(join(all, scenario.meta.id), budget);
  const evidence = options.evidence ?? recording;
  const result = redact(await withTape(evidence, () => playWith(evidence, scenario, options)));
  return await recording.written().then(
    () => (budget?.leftOut === undefined ? result : { ...result, leftOut: budget.leftOut }),
    (error: unknown) => redact(unprovable(result, error)),
  );
}

async function playWith(evidence: Evidence, scenario: Scenario, options: PlayOptions): Promise<ScenarioResult> {
  const { environment, signal, isLast = false, looksAround = true, assertions } = options;
  const narrate = redacting(options.narrate ?? plainly);
  const { meta } = scenario;
  const started = performance.now();
  const declared = Object.entries(meta.claims).map(([key, name]) => ({ key, name }));
  const claims = new Map<string, ClaimResult>();
  const steps: StepResult[] = [];
  const journal = new Journal();
  let causes: ScenarioResult['causes'];
  let { onRed } = options;
  let stopped: Stopped | undefined;
  let redAfter: number | undefined;
  const result = (): ScenarioResult => ({
    id: meta.id,
    section: meta.section,
    seconds: secondsSince(started),
    claims: declared.map((claim) => claims.get(claim.key) ?? unproven(claim, 'never proven', 'MP705')),
    steps,
    ...(redAfter === undefined ? {} : { redAfter }),
    ...(stopped === undefined ? {} : { stopped }),
    ...(causes === undefined ? {} : { causes }),
    evidence: `evidence/${meta.id}`,
    replaced: [
      ...(meta.replaced ?? []),
      ...(meta.needs.hosts !== undefined && environment.clusters.some(({ foreign }) => foreign === true)
        ? [replacements.visibleToAll]
        : []),
    ],
  });

  const clusters = environment.clusters.map(
    (cluster) =>
      new MeshCluster({
        scenario: meta.id,
        needs: meta.needs,
        environment,
        cluster,
        evidence,
        journal,
        signal,
      }),
  );
  const lacking = await unmetNeed(
    meta.needs,
    environment,
    async () => (await clusters[0]?.hasEgressGateway()) ?? false,
    () =>
      firstCollision(
        meta.needs,
        clusters.map(({ api }) => api),
      ),
  );
  if (lacking !== undefined) {
    for (const claim of declared) claims.set(claim.key, { ...unproven(claim, lacking), verdict: 'notSupported' });
    return result();
  }

  const [client, server, ...more] = clusters;
  if (client === undefined || server === undefined)
    throw new MeshproofError('MP999', { what: 'the environment has fewer clusters than was checked' });
  const finder = new CauseFinder({
    environment,
    clusters,
    namespaces: meta.needs.namespaces,
    hosts: (meta.needs.hosts ?? []).map(({ host }) => host),
  });
  /** Looks for the cause at once, before anything is taken away. */
  const findCause = async (error: unknown, notes: Pick<Notes, 'hops' | 'exchange'>, what: string): Promise<void> => {
    if (!looksAround || signal.aborted || verdictOf(error).verdict === 'notSupported') return;
    await finder.look(error, notes);
    causes = await finder.found();
    const told = onRed;
    onRed = undefined;
    await told?.(`${meta.id}: ${what}`);
  };
  const restorations: { readonly title: string; readonly work: () => Promise<void> }[] = [];
  /** What fails outside of a claim is reported once, by the step that failed; the claims behind it were not reached. */
  const blame = (error: unknown): void => {
    const { verdict, reason, code } = verdictOf(error);
    const behind = declared.filter(({ key }) => !claims.has(key));
    if (verdict === 'notSupported') {
      for (const claim of behind) claims.set(claim.key, { ...unproven(claim, reason ?? '', code), verdict });
      return;
    }
    redAfter ??= secondsSince(started);
    const { key, title } = failedStep ?? ownSteps.between;
    for (const claim of behind)
      claims.set(claim.key, { ...claim, verdict: 'notReached', seconds: 0, behind: key, actions: [], hops: [] });
    stopped ??= {
      key,
      step: title,
      verdict: verdict === 'failed' ? 'failed' : 'error',
      ...(reason === undefined ? {} : { reason }),
      ...(code === undefined ? {} : { code }),
      ...diagnosisOf(seen),
    };
  };
  let failedStep: Keyed | undefined;
  /** Paths and calls that the last step saw: a claim that looks at none of its own judges those. */
  let seen: Pick<Notes, 'hops' | 'exchange'> = { hops: [], exchange: undefined };
  const done = (): readonly Attachment[] => attachmentsOf(journal.look());
  const does = async <T>(keyed: Keyed, work: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    evidence.during(keyed.key);
    try {
      const value = await narrate(keyed, work, done);
      failedStep = undefined;
      return value;
    } catch (error) {
      failedStep = keyed;
      throw error;
    } finally {
      const { actions, hops, exchange } = journal.take();
      seen = { hops, exchange };
      steps.push({ ...keyed, seconds: secondsSince(begun), actions, hops });
    }
  };
  const step: Step = async (key, title, work) => {
    checkKey(meta.id, key, new Set([...Object.keys(meta.claims), ...steps.map((one) => one.key)]));
    return await does({ key, title }, work);
  };
  const containers = new Containers(environment, journal);
  const everyProxy = (): (() => Promise<boolean>) => {
    const watches = clusters.map((cluster) => cluster.delivered());
    return async () => (await Promise.all(watches.map((watch) => watch()))).every(Boolean);
  };
  try {
    const run = (context: ScenarioContext<string>): Promise<void> =>
      whileDelivering(everyProxy, () => scenario.run(context));
    await run({
      client,
      server,
      servers: [server, ...more],
      clusters,
      signal,
      containers,
      step,
      restore: (title, work) => {
        restorations.push({ title, work });
      },
      claim: async (key, proof) => {
        const claim = declared.find((one) => one.key === key);
        if (claim === undefined || claims.has(key))
          throw new MeshproofError('MP719', {
            what:
              `the scenario ${meta.id} ` +
              (claim === undefined ? 'proves a claim that it does not declare' : 'proves a claim twice'),
            expected: `each of ${declared.map((one) => one.key).join(', ')} once`,
            seen: key,
          });
        const begun = performance.now();
        evidence.during(key);
        try {
          const before = assertions?.() ?? 0;
          const note = await narrate({ key, title: `claim: ${claim.name}` }, async () => await proof(), done);
          if (assertions !== undefined && assertions() === before)
            throw new MeshproofError('MP717', { what: `the proof of ${key} looked at nothing` });
          claims.set(key, {
            ...claim,
            verdict: 'passed',
            seconds: secondsSince(begun),
            ...recorded(journal.take()),
            ...(typeof note === 'string' ? { note } : {}),
          });
        } catch (error) {
          signal.throwIfAborted();
          const notes = journal.take();
          if (verdictOf(error).verdict !== 'notSupported') redAfter ??= secondsSince(started);
          const looked = notes.hops.length > 0 || notes.exchange !== undefined;
          const met = looked ? notes : seen;
          claims.set(key, {
            ...claim,
            seconds: secondsSince(begun),
            ...recorded(notes),
            ...verdictOf(error),
            ...diagnosisOf(met),
          });
          await findCause(error, met, claim.name);
        }
      },
    });
    const missing = (meta.walkthrough ?? []).filter(
      (row) => !steps.some(({ key }) => key === row.step) && !claims.has(row.step),
    );
    if (missing.length > 0)
      throw new MeshproofError('MP706', {
        what: `no step was played under the key ${missing.map((row) => row.step).join(', ')}`,
      });
  } catch (error) {
    blame(error);
    await findCause(error, seen, (failedStep ?? ownSteps.between).title);
  }
  // Also when the run was interrupted: the environment may be kept.
  evidence.during(ownSteps.after.key);
  try {
    await Promise.all(clusters.map((cluster) => cluster.removeApplied()));
    // A replay has nothing that runs.
    if (!isLast && options.evidence === undefined)
      await Promise.all(clusters.map((cluster) => cluster.restSamples(ofThePage)));
    if (!isLast && restorations.length > 0)
      await does(ownSteps.putBack, () =>
        Promise.all(restorations.map(({ title, work }) => narrate({ ...ownSteps.putBack, title }, work, () => []))),
      );
  } catch (error) {
    failedStep ??= ownSteps.takeAway;
    blame(error);
  }
  await containers.close().catch((error: unknown) => {
    failedStep = ownSteps.takeAway;
    blame(error);
  });
  signal.throwIfAborted();
  return result();
}

/** Without its evidence on disk no claim is proven, and none refuted. */
function unprovable(result: ScenarioResult, error: unknown): ScenarioResult {
  const known = asMeshproofError(error);
  const reason = `the evidence could not be kept\n${describeError(known)}`;
  const claims = result.claims.map((claim) =>
    claim.verdict === 'notSupported' ? claim : { ...claim, verdict: 'error' as const, reason, code: known.code },
  );
  return { ...result, claims };
}

const unproven = (claim: Pick<ClaimResult, 'key' | 'name'>, reason: string, code?: string): ClaimResult => ({
  ...claim,
  verdict: 'error',
  seconds: 0,
  reason,
  actions: [],
  hops: [],
  ...(code === undefined ? {} : { code }),
});

/** Without a report beside it, a step is just done. */
const plainly: Narrator = (_of, work) => work();

/** What a report beside it hears of a failure holds no secrets. */
const redacting =
  (narrate: Narrator): Narrator =>
  (of, work, done) =>
    narrate(
      of,
      async () => {
        try {
          return await work();
        } catch (error) {
          throw redactError(error);
        }
      },
      done,
    );

/** What of the notes goes into the record. */
const recorded = ({ actions, hops }: Notes): Pick<Notes, 'actions' | 'hops'> => ({ actions, hops });

/** An assertion that does not hold refutes the claim; anything else says nothing about the mesh. */
function verdictOf(error: unknown): Pick<ClaimResult, 'verdict' | 'reason' | 'code'> {
  // What vitest throws, for its own matchers and for those of `expect.extend` alike, carries both sides.
  if (error instanceof Error && 'actual' in error && 'expected' in error)
    return { verdict: 'failed', reason: error.message };
  const known = asMeshproofError(error);
  if (known.code === 'MP708') return { verdict: 'notSupported', reason: known.details.what, code: known.code };
  const verdict = known.code === 'MP701' || known.code === 'MP704' ? 'failed' : 'error';
  return { verdict, reason: describeError(known), code: known.code };
}

/**
 * Where the path of a claim that does not hold broke: by its proxies' configuration, or else by what its last call met.
 */
function diagnosisOf({ hops, exchange }: Pick<Notes, 'hops' | 'exchange'>): Pick<ClaimResult, 'diagnosis'> {
  const fromCall = exchange === undefined ? undefined : diagnoseExchange(exchange);
  // Without an address nothing behind DNS was ever reached.
  const diagnosis = fromCall?.code === 'MP811' ? fromCall : (diagnose(hops) ?? fromCall);
  return diagnosis === undefined ? {} : { diagnosis };
}

const secondsSince = (started: number): number => Math.round(performance.now() - started) / 1000;
