import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { readEnvironment } from '../environment/state.ts';
import { withAgreement } from '../environment/consent.ts';
import { collectClusterEvidence } from '../inspect/sysdump.ts';
import { labTrouble } from '../lab/lab.ts';
import { generateAllureReport } from '../report/allure.ts';
import type { Environment } from '../scenario/environment.ts';
import { Docker } from '../toolchain/docker.ts';
import type { Plan } from './plan.ts';
import { sampleMemory } from './record/memory.ts';
import { leavesEnvironment, type Stage } from './request.ts';
import { noteBringUp } from './stages/bring-up-figures.ts';
import { install, prepareMesh } from './stages/install.ts';
import { play } from './stages/play.ts';
import { openProvider, provision } from './stages/provision.ts';
import { reopen } from './stages/reopen.ts';
import { tearDown } from './stages/tear-down.ts';

/**
 * Carries a plan out: clusters, mesh, scenarios, tear-down. Everything that happens, errors included, ends up in
 * run.json; nothing is thrown. What was created is removed again unless the request keeps it, whatever fails before:
 * the mesh, a signal, or the recording of any of it.
 */
export async function carryOut(plan: Plan, stage: Stage): Promise<void> {
  const { record, progress, signal } = stage;
  const { request } = plan;
  const fail = async (error: unknown): Promise<void> => {
    const known = asMeshproofError(error);
    await record.noteError(known);
    progress.note(describeError(known));
    if (known.code === 'MP999' && known.details.cause instanceof Error) progress.note(known.details.cause.stack ?? '');
  };
  const stopSampling = sampleMemory();
  let environment: Environment | undefined;
  try {
    environment = await (request.reuse === true ? reopen(plan, stage) : bringUp(plan, stage));
    environment = { ...environment, clusters: withAgreement(environment.clusters, plan.agreed) };
    await play(request, environment, stage);
  } catch (error) {
    await fail(signal.aborted ? interrupted(signal) : error);
  }
  // A name in use says nothing about the environment that is there.
  const refused = record.data.error?.code === 'MP501';
  await record.note({ peakMemoryBytes: stopSampling() });
  const reported = !refused && !signal.aborted;
  try {
    if (reported) await collectEvidence(plan, environment, stage);
  } catch (error) {
    // Evidence of what went wrong is worth having, and never worth leaving clusters behind.
    await fail(error);
  }
  // A program of its own, beside the tear-down.
  const allure = reported ? allureReport(stage) : undefined;
  const trouble =
    plan.lab === undefined || refused ? undefined : await labTrouble(new Docker(plan.docker, plan.lab.dockerHost));
  if (trouble !== undefined) await fail(trouble);
  if (!leavesEnvironment(request) && !refused) await tearDown(request.config.name, stage).catch(fail);
  await allure;
  if (record.lost !== undefined) await fail(record.lost);
}

/**
 * Brings two or more meshed clusters up and proves them ready. What does not depend on each other runs side by side:
 * manifests render while the clusters boot; MetalLB, istiod, the gateways and the sample workloads all start at once.
 *
 * @returns the environment, already remembered on disk as ready.
 */
async function bringUp(plan: Plan, stage: Stage): Promise<Environment> {
  const provider = await openProvider(plan);
  const mesh = await prepareMesh(plan, stage.signal);
  const clusters = await provision(plan, provider, stage);
  const environment = await install(plan, clusters, mesh, stage);
  await noteBringUp(environment, stage);
  return environment;
}

/** Collects what explains a run that did not pass, before anything is taken down. */
async function collectEvidence(
  { request }: Plan,
  environment: Environment | undefined,
  { record, progress }: Stage,
): Promise<void> {
  const usable = environment ?? (await readEnvironment(request.config.name).catch(() => undefined));
  if (record.data.verdict !== 'passed' && usable !== undefined)
    await collectClusterEvidence(usable, record.folder, progress);
}

/** Allure's tool is not ours: when it fails that is reported, and the verdict stays what the mesh made it. */
async function allureReport({ record, progress }: Stage): Promise<void> {
  if (record.data.scenarios.length === 0) return;
  await generateAllureReport(record.folder).catch((error: unknown) => {
    progress.note(describeError(asMeshproofError(error)));
  });
}

function interrupted(signal: AbortSignal): MeshproofError {
  return signal.reason instanceof MeshproofError
    ? signal.reason
    : new MeshproofError('MP901', { what: 'the run was interrupted', cause: signal.reason });
}
