import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { ClusterApi } from '../cluster/cluster-api.ts';
import { labTrouble } from '../lab/lab.ts';
import { generateAllureReport } from '../report/allure.ts';
import type { Progress } from '../progress/progress.ts';
import type { Environment } from '../scenario/environment.ts';
import { clearStubDomain } from '../scenario/cluster-dns.ts';
import { Docker } from '../toolchain/docker.ts';
import { bringUp } from './stages/provision.ts';
import { withAgreement } from '../environment/consent.ts';
import { sampleMemory } from './record/memory.ts';
import type { Plan } from './plan.ts';
import { playScenarios } from './stages/play.ts';
import { verdictOfRun } from '../report/run-data.ts';
import { keepRunEnvironment } from './record/run-environment.ts';
import type { RunRecord } from './record/run-record.ts';
import { listScenarios, namespacesOf } from '../config/scenario-files.ts';
import { collectClusterEvidence } from '../inspect/sysdump.ts';
import { readEnvironment } from '../environment/state.ts';
import { removeEnvironment } from '../environment/remove-environment.ts';

/**
 * Carries a plan out: clusters, mesh, scenarios, tear-down. Everything that happens, errors included, ends up in
 * run.json; nothing is thrown. What was made is taken away again unless the plan keeps it, whatever fails before: the
 * mesh, a signal, or the recording of any of it.
 */
export async function carryOut(plan: Plan, record: RunRecord, progress: Progress, signal: AbortSignal): Promise<void> {
  const fail = async (error: unknown): Promise<void> => {
    const known = asMeshproofError(error);
    await record.noteError(known);
    progress.note(describeError(known));
    if (known.code === 'MP999' && known.details.cause instanceof Error) progress.note(known.details.cause.stack ?? '');
  };
  const stopSampling = sampleMemory();
  let environment: Environment | undefined;
  try {
    environment = plan.reuse ? await reopen(plan, progress, signal) : await bringUp(plan, record, progress, signal);
    environment = { ...environment, clusters: withAgreement(environment.clusters, plan.agreed) };
    await prove(plan, environment, record, progress, signal);
  } catch (error) {
    await fail(signal.aborted ? interrupted(signal) : error);
  }
  // A name in use says nothing about the environment that is there.
  const refused = record.data.error?.code === 'MP501';
  await record.note({ peakMemoryBytes: stopSampling() });
  try {
    if (!refused && !signal.aborted) await collectEvidence(plan, environment, record, progress);
  } catch (error) {
    // Evidence of what went wrong is worth having, and never worth leaving clusters behind.
    await fail(error);
  }
  const trouble =
    plan.lab === undefined || refused ? undefined : await labTrouble(new Docker(plan.docker, plan.lab.dockerHost));
  if (trouble !== undefined) await fail(trouble);
  if (!plan.keep && !plan.reuse && !refused) {
    const clusters = {
      title: 'clusters',
      run: async (): Promise<void> => {
        await removeEnvironment(plan.config.name);
      },
    };
    await record.phase('teardown', () => progress.group('teardown', [clusters])).catch(fail);
  }
  if (record.lost !== undefined) await fail(record.lost);
}

/** Plays the scenarios of the plan, and judges them. */
async function prove(
  plan: Plan,
  environment: Environment,
  record: RunRecord,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await record.save({ setUp: environment.setUp });
  await keepRunEnvironment(record.folder, environment);
  const scenarios = await listScenarios(plan.config.scenarios, plan.only);
  if (scenarios.length > 0) {
    const order = {
      scenarios,
      shuffle: plan.shuffle,
      onRed: plan.onRed,
      endsWithThem: !plan.keep && !plan.reuse,
      evidenceBytes: plan.config.evidenceMegabytes * 1_000_000,
    };
    if (plan.shuffle !== undefined) {
      await record.save({ shuffle: plan.shuffle });
      progress.note(`shuffled with seed ${plan.shuffle}`);
    }
    await record.phase('scenarios', () => playScenarios(environment, order, record, progress, signal));
  }
  await record.save({ verdict: verdictOfRun(record.data) });
}

/** Collects what explains a run that did not pass, before anything is taken down. */
async function collectEvidence(
  plan: Plan,
  environment: Environment | undefined,
  record: RunRecord,
  progress: Progress,
): Promise<void> {
  const usable = environment ?? (await readEnvironment(plan.config.name).catch(() => undefined));
  if (record.data.verdict !== 'passed' && usable !== undefined)
    await collectClusterEvidence(usable, record.folder, progress);
  if (record.data.scenarios.length === 0) return;
  // Allure's tool is not ours: when it fails that is told, and the verdict stays what the mesh made it.
  await generateAllureReport(record.folder).catch((error: unknown) => {
    progress.note(describeError(asMeshproofError(error)));
  });
}

/**
 * Opens the kept environment, sees that every cluster of it answers, and clears away what an interrupted run left
 * there.
 */
async function reopen(
  { config: { name, scenarios }, agreed, only }: Plan,
  progress: Progress,
  signal: AbortSignal,
): Promise<Environment> {
  const found = await readEnvironment(name);
  if (found === undefined) throw new MeshproofError('MP105', { what: `no environment ${name} is kept` });
  const kept = { ...found, clusters: withAgreement(found.clusters, agreed) };
  // On clusters of the user scenarios make nothing outside of the namespaces that they declare.
  const declared = namespacesOf(await listScenarios(scenarios));
  await Promise.all(
    kept.clusters.map(async (cluster) => {
      const api = new ClusterApi(cluster);
      await api.version();
      if (only?.length === 0) return;
      const left = await api.removeLeftovers(cluster.foreign === true ? declared : undefined);
      // A stub domain of a cluster that meshproof did not make is somebody's own: the page tells people to add it.
      if (cluster.foreign !== true && (await clearStubDomain(api, signal))) left.push('the stub domain global');
      if (left.length > 0) progress.note(`${cluster.name}: removed what an interrupted run left: ${left.join(', ')}`);
    }),
  );
  return kept;
}

function interrupted(signal: AbortSignal): MeshproofError {
  return signal.reason instanceof MeshproofError
    ? signal.reason
    : new MeshproofError('MP901', { what: 'the run was interrupted', cause: signal.reason });
}
