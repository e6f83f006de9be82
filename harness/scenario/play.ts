import { join } from 'node:path';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { replacements } from '../mesh/profile.ts';
import { redactError } from '../tape/redact/error.ts';
import { redact } from '../tape/redact/value.ts';
import { withTape } from '../tape/tape.ts';
import { attachmentsOf, type Attachment } from './attachments.ts';
import { CauseFinder } from './cause-finder.ts';
import type { ScenarioResult } from './claims.ts';
import { Containers } from './containers.ts';
import { whileDelivering } from './convergence.ts';
import { firstCollision } from './declared.ts';
import type { Environment } from './environment.ts';
import { EvidenceBudget } from './evidence-budget.ts';
import { EvidenceFolder, type Evidence } from './evidence.ts';
import { Interrupt } from './interrupt.ts';
import { Journal, type Notes } from './journal.ts';
import { ownSteps, type Keyed } from './keys.ts';
import { Ledger, secondsSince } from './ledger.ts';
import { MeshCluster } from './mesh-cluster.ts';
import { unmetNeed } from './needs.ts';
import { pageSample } from './remote-sample.ts';
import type { Proven, Scenario, ScenarioContext } from './scenario.ts';
import { unprovable, verdictOf } from './verdict.ts';

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
  /** How many scenarios of the run play at the same time, each with its part of what evidence may still be written. */
  readonly atOnce?: number;
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
  /** True when the environment is taken down after the run: an interrupt makes any scenario the last one then. */
  readonly endsWithRun?: boolean;
}

/**
 * Plays one scenario: checks its needs, runs it, records each claim, and takes away what it applied. Never throws for
 * what the mesh did: all of that is in the result.
 */
export async function play(scenario: Scenario, options: PlayOptions): Promise<ScenarioResult> {
  const all = join(options.runFolder, 'evidence');
  const { evidenceBytes, atOnce = 1 } = options;
  const budget = evidenceBytes === undefined ? undefined : await EvidenceBudget.of(all, evidenceBytes, atOnce);
  const recording = new EvidenceFolder(join(all, scenario.meta.id), budget);
  const evidence = options.evidence ?? recording;
  const result = redact(await withTape(evidence, () => new Playing(scenario, evidence, options).play()));
  return await recording.written().then(
    () => (budget?.leftOut === undefined ? result : { ...result, leftOut: budget.leftOut }),
    (error: unknown) => redact(unprovable(result, error)),
  );
}

/** One scenario while it is played. */
class Playing {
  readonly #scenario: Scenario;
  readonly #options: PlayOptions;
  readonly #evidence: Evidence;
  readonly #narrate: Narrator;
  readonly #clusters: readonly MeshCluster[];
  readonly #interrupt: Interrupt;
  readonly #containers: Containers;
  readonly #causes: CauseFinder;
  readonly #journal = new Journal();
  readonly #ledger: Ledger;
  readonly #restorations: { readonly title: string; readonly work: () => Promise<void> }[] = [];
  #onRed: PlayOptions['onRed'];

  constructor(scenario: Scenario, evidence: Evidence, options: PlayOptions) {
    const { environment, signal, narrate = plainly } = options;
    const { id, needs } = scenario.meta;
    const journal = this.#journal;
    this.#scenario = scenario;
    this.#options = options;
    this.#evidence = evidence;
    this.#narrate = redacting(narrate);
    this.#onRed = options.onRed;
    this.#ledger = new Ledger(scenario.meta);
    const interrupt = new Interrupt(signal);
    this.#interrupt = interrupt;
    this.#clusters = environment.clusters.map(
      (cluster) =>
        new MeshCluster({
          scenario: id,
          needs,
          environment,
          cluster,
          evidence,
          journal,
          get signal() {
            return interrupt.signal;
          },
        }),
    );
    this.#containers = new Containers(environment, journal);
    this.#causes = new CauseFinder({
      environment,
      clusters: this.#clusters,
      namespaces: needs.namespaces,
      hosts: (needs.hosts ?? []).map(({ host }) => host),
    });
  }

  async play(): Promise<ScenarioResult> {
    const lacking = await this.#unmetNeed();
    if (lacking !== undefined) {
      this.#ledger.lacks(lacking);
      return await this.#result();
    }
    try {
      const context = this.#context();
      await whileDelivering(this.#everyProxy, () => this.#scenario.run(context));
      this.#ledger.checkPage();
    } catch (error) {
      const step = this.#ledger.failedStep ?? ownSteps.between;
      this.#ledger.stop(error, step);
      await this.#findCause(error, this.#ledger.seen, step.title);
    }
    await this.#takeAway();
    this.#options.signal.throwIfAborted();
    return await this.#result();
  }

  async #unmetNeed(): Promise<string | undefined> {
    const { needs } = this.#scenario.meta;
    const egress = async (): Promise<boolean> => (await this.#clusters[0]?.hasEgressGateway()) ?? false;
    const apis = this.#clusters.map(({ api }) => api);
    return await unmetNeed(needs, this.#options.environment, egress, () => firstCollision(needs, apis));
  }

  #context(): ScenarioContext<string> {
    const [client, server, ...more] = this.#clusters;
    if (client === undefined || server === undefined)
      throw new MeshproofError('MP999', { what: 'the environment has fewer clusters than was checked' });
    return {
      client,
      server,
      servers: [server, ...more],
      clusters: this.#clusters,
      signal: this.#options.signal,
      containers: this.#containers,
      step: async (key, title, work) => {
        this.#ledger.checkStep(key);
        return await this.#step({ key, title }, work);
      },
      claim: (key, proof) => this.#claim(key, proof),
      restore: (title, work) => {
        this.#restorations.push({ title, work });
      },
    };
  }

  readonly #everyProxy = (): (() => Promise<boolean>) => {
    const watches = this.#clusters.map((cluster) => cluster.delivered());
    return async () => (await Promise.all(watches.map((watch) => watch()))).every(Boolean);
  };

  async #step<T>(step: Keyed, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    let failed = true;
    this.#evidence.during(step.key);
    try {
      const value = await this.#narrate(step, work, this.#done);
      failed = false;
      return value;
    } finally {
      this.#ledger.played(step, secondsSince(begun), this.#journal.take(), failed);
    }
  }

  async #claim(key: string, proof: () => Proven | Promise<Proven>): Promise<void> {
    // NaN is never equal to itself: without a counter nobody can say that a proof looked at nothing.
    const { signal, assertions = () => Number.NaN } = this.#options;
    const claim = this.#ledger.claimNamed(key);
    const begun = performance.now();
    this.#evidence.during(key);
    try {
      const before = assertions();
      const note = await this.#narrate({ key, title: `claim: ${claim.name}` }, async () => await proof(), this.#done);
      if (assertions() === before) throw new MeshproofError('MP717', { what: `the proof of ${key} looked at nothing` });
      const figure = typeof note === 'string' ? note : undefined;
      this.#ledger.holds(claim, secondsSince(begun), this.#journal.take(), figure);
    } catch (error) {
      signal.throwIfAborted();
      const judgedBy = this.#ledger.fails(claim, secondsSince(begun), this.#journal.take(), error);
      await this.#findCause(error, judgedBy, claim.name);
    }
  }

  readonly #done = (): readonly Attachment[] => attachmentsOf(this.#journal.look());

  /** Looks for the cause at once, before anything is taken away. */
  async #findCause(error: unknown, seen: Pick<Notes, 'hops' | 'exchange'>, what: string): Promise<void> {
    const { looksAround = true, signal } = this.#options;
    if (!looksAround || signal.aborted || verdictOf(error).verdict === 'notSupported') return;
    await this.#causes.look(error, seen);
    if (this.#causes.endedAt !== undefined) this.#ledger.callsEndedAt(this.#causes.endedAt);
    const onRed = this.#onRed;
    this.#onRed = undefined;
    await onRed?.(`${this.#scenario.meta.id}: ${what}`);
  }

  /** Also when the run was interrupted: the environment may be kept. */
  async #takeAway(): Promise<void> {
    const { isLast = false, endsWithRun = false, signal, evidence: replayed } = this.#options;
    const stays = !isLast && !(endsWithRun && signal.aborted);
    this.#evidence.during(ownSteps.after.key);
    this.#interrupt.beginToUndo();
    try {
      await Promise.all(this.#clusters.map((cluster) => cluster.removeApplied()));
      // A replay has nothing that runs.
      if (stays && replayed === undefined)
        await Promise.all(this.#clusters.map((cluster) => cluster.restSamples(ofThePage)));
      if (stays && this.#restorations.length > 0) await this.#step(ownSteps.putBack, () => this.#putBack());
    } catch (error) {
      this.#ledger.stop(error, this.#ledger.failedStep ?? ownSteps.takeAway);
    }
    await this.#containers.close().catch((error: unknown) => {
      this.#ledger.stop(error, ownSteps.takeAway);
    });
  }

  async #putBack(): Promise<void> {
    const restore = this.#restorations.map(({ title, work }) =>
      this.#narrate({ ...ownSteps.putBack, title }, work, () => []),
    );
    await Promise.all(restore);
  }

  async #result(): Promise<ScenarioResult> {
    const { replaced = [], needs } = this.#scenario.meta;
    const isForeign = this.#options.environment.clusters.some(({ foreign }) => foreign === true);
    const visible = needs.hosts !== undefined && isForeign ? [replacements.visibleToAll] : [];
    return this.#ledger.result({ causes: await this.#causes.found(), replaced: [...replaced, ...visible] });
  }
}

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
