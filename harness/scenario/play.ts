import { join } from 'node:path';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { OutsideClient } from '../probe/outside-client.ts';
import type { ClaimResult, ScenarioResult, StepResult } from './claims.ts';
import type { Environment } from './environment.ts';
import { EvidenceFolder } from './evidence.ts';
import { MeshCluster } from './mesh-cluster.ts';
import type { Scenario } from './scenario.ts';

/** How steps and claims show elsewhere while they run; the vitest set-up hands in Allure's step. */
export type Narrator = <T>(title: string, work: () => Promise<T>) => Promise<T>;

export interface PlayOptions {
  readonly environment: Environment;
  /** Folder of the run; evidence goes below it. */
  readonly runFolder: string;
  readonly signal: AbortSignal;
  readonly narrate?: Narrator;
}

/**
 * Plays one scenario: checks its needs, runs it, records each claim, and takes away what it applied. Never throws for what the mesh
 * did: all of that is in the result.
 */
export async function play(scenario: Scenario, options: PlayOptions): Promise<ScenarioResult> {
  const { environment, runFolder, signal, narrate = plainly } = options;
  const { meta } = scenario;
  const evidence = new EvidenceFolder(join(runFolder, 'evidence', meta.id));
  const started = performance.now();
  const claims = new Map<string, ClaimResult>();
  const steps: StepResult[] = [];
  const result = (): ScenarioResult => ({
    id: meta.id,
    section: meta.section,
    seconds: secondsSince(started),
    claims: meta.claims.map((name) => claims.get(name) ?? { name, verdict: 'error', seconds: 0, reason: 'never proven', code: 'MP705' }),
    steps,
    evidence: evidence.path,
  });

  const lacking = unmetNeed(scenario, environment);
  if (lacking !== undefined) {
    for (const name of meta.claims) claims.set(name, { name, verdict: 'notSupported', seconds: 0, reason: lacking });
    return result();
  }

  const [first, second] = environment.clusters;
  if (first === undefined || second === undefined) throw new MeshproofError('MP999', { what: 'the environment has fewer clusters than was checked' });
  const west = new MeshCluster({ environment, cluster: first, evidence, signal });
  const east = new MeshCluster({ environment, cluster: second, evidence, signal });
  try {
    await scenario.run({
      west,
      east,
      signal,
      outsideClient: async (work) => {
        const client = await OutsideClient.start(environment.images.curl);
        try {
          return await work(client);
        } finally {
          await client.stop();
        }
      },
      step: async (title, work) => {
        const begun = performance.now();
        try {
          return await narrate(title, work);
        } finally {
          steps.push({ title, seconds: secondsSince(begun) });
        }
      },
      claim: async (name, proof) => {
        const begun = performance.now();
        try {
          await narrate(`claim: ${name}`, async () => {
            await proof();
          });
          claims.set(name, { name, verdict: 'passed', seconds: secondsSince(begun) });
        } catch (error) {
          signal.throwIfAborted();
          claims.set(name, { name, seconds: secondsSince(begun), ...verdictOf(error) });
        }
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    // A step that failed leaves the claims behind it unproven, and each of them says why.
    for (const name of meta.claims) if (!claims.has(name)) claims.set(name, { name, seconds: 0, ...verdictOf(error) });
  } finally {
    await Promise.all([west.removeApplied(), east.removeApplied()]);
  }
  return result();
}

/** Without a report beside it, a step is just done. */
const plainly: Narrator = (_title, work) => work();

/** An assertion that does not hold refutes the claim; anything else says nothing about the mesh. */
function verdictOf(error: unknown): Pick<ClaimResult, 'verdict' | 'reason' | 'code'> {
  if (error instanceof Error && error.name === 'AssertionError') return { verdict: 'failed', reason: error.message };
  const known = asMeshproofError(error);
  const verdict = known.code === 'MP701' || known.code === 'MP704' ? 'failed' : 'error';
  return { verdict, reason: describeError(known), code: known.code };
}

/** The first need that this environment does not meet, as a sentence. */
function unmetNeed({ meta }: Scenario, environment: Environment): string | undefined {
  const { clusters, loadBalancer } = meta.needs;
  if (environment.clusters.length < clusters) return `needs ${clusters} clusters, the environment has ${environment.clusters.length}`;
  if (loadBalancer === true && !environment.offers.loadBalancer) return 'needs LoadBalancer services, which the provider does not offer';
  return undefined;
}

const secondsSince = (started: number): number => Math.round(performance.now() - started) / 1000;
