import { ClusterEditor, targetOf } from '../cluster/cluster-editor.ts';
import { offers } from '../cluster/providers/registry.ts';
import type { Cause } from '../diagnose/causes/cause.ts';
import { changesOf, type ObjectChange } from '../diagnose/changes.ts';
import { isHashed } from '../diagnose/seen-objects.ts';
import { seenName, type SeenObject } from '../diagnose/situation.ts';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import type { ScenarioResult } from './claims.ts';
import type { Environment } from './environment.ts';
import { lookAround } from './look-around.ts';

/** What became of the attempt to prove a cause. */
export type Proof = NonNullable<Cause['proof']>;

export interface ProveOptions {
  readonly environment: Environment;
  /** Of a scenario that was red, with its causes. */
  readonly result: ScenarioResult;
  /** Plays the scenario once more, with evidence of its own. */
  readonly playAgain: () => Promise<ScenarioResult>;
}

/**
 * Proves the first cause of a red scenario: puts the suspect back to what it was when the mesh was ready, plays the
 * scenario again, and puts the suspect in again, so that the cluster is left as it was found. Only on clusters that
 * meshproof made; whatever cannot be undone is said to be not tried, with the reason.
 *
 * @returns the result, with `proof` in its first cause; the same result when it has no cause
 */
export async function proveCause({ environment, result, playAgain }: ProveOptions): Promise<ScenarioResult> {
  const [cause, ...others] = result.causes ?? [];
  if (cause === undefined) return result;
  // What the scenario showed stays, whatever becomes of the attempt.
  const proof = await proofOf(cause, { environment, result, playAgain }).catch((error: unknown) =>
    notTried(describeError(asMeshproofError(error))),
  );
  return { ...result, causes: [{ ...cause, proof }, ...others] };
}

async function proofOf(cause: Cause, { environment, result, playAgain }: ProveOptions): Promise<Proof> {
  const cluster = environment.clusters.find(({ name }) => name === cause.cluster);
  if (cluster === undefined || cluster.foreign === true || !offers(environment.provider, 'ownsCluster'))
    return notTried(`cluster ${cause.cluster} is not one that meshproof made`);
  const situation = await lookAround(environment, { namespaces: [], since: new Date() });
  const there = situation.clusters.find((one) => one.cluster === cause.cluster);
  const change =
    there === undefined ? undefined : changesOf(there, []).find(({ object }) => seenName(object) === cause.object);
  if (change === undefined)
    return notTried(`no state of ${cause.object} is known in which the mesh was ready and it was another`);
  const before = there?.baseline?.find((object) => seenName(object) === cause.object);
  const why = whyNot(change, before);
  if (why !== undefined) return notTried(why);

  const { kubeconfig, context, name } = cluster;
  const kubectl = environment.programs.kubectl;
  const editor = new ClusterEditor({ kubectl, kubeconfig, context, name, code: 'MP718' });
  const putBack = await undo(editor, change, before);
  try {
    await settled(editor, change.object);
    return compare(cause, result, await playAgain());
  } finally {
    await putBack().catch((error: unknown) => {
      throw new MeshproofError('MP718', {
        what: `${cause.object} was undone, and could not be put in again`,
        where: `cluster ${cause.cluster}`,
        seen: describeError(asMeshproofError(error)),
        cause: error,
      });
    });
  }
}

/** Why a change cannot be undone and redone exactly; undefined when it can. */
export function whyNot({ change, object }: ObjectChange, before: SeenObject | undefined): string | undefined {
  if (object.deleting === true) return `${seenName(object)} is being deleted`;
  if (change === 'added') return undefined;
  if (before === undefined) return `what ${seenName(object)} was is not known`;
  return isHashed(before) || (before.hidden ?? []).length > 0
    ? `${seenName(object)} holds values that meshproof does not keep`
    : undefined;
}

/** @returns what puts the suspect in again */
async function undo(
  editor: ClusterEditor,
  { change, object }: ObjectChange,
  before: SeenObject | undefined,
): Promise<() => Promise<void>> {
  const target = targetOf(object);
  if (change === 'added') {
    const json = await editor.read(target);
    await editor.remove(target);
    return () => editor.create(json);
  }
  if (change === 'removed') {
    await editor.create(JSON.stringify(manifestOf(object)));
    return () => editor.remove(target);
  }
  const json = await editor.read(target);
  await editor.replace(JSON.stringify(restored(json, before ?? object)));
  return () => editor.replace(json);
}

const manifestOf = ({ apiVersion, kind, namespace, name, labels, annotations, body }: SeenObject): object => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels, annotations },
  ...body,
});

/** The object as it is, with everything that is declared as it was. */
export function restored(json: string, before: SeenObject): object {
  const now = JSON.parse(json) as { readonly metadata: object; readonly [field: string]: unknown };
  const { labels, annotations, body } = before;
  return { ...now, ...body, metadata: { ...now.metadata, labels, annotations } };
}

/** A workload that was changed runs new pods first; that it does not is seen by the scenario. */
async function settled(editor: ClusterEditor, { kind, namespace, name }: SeenObject): Promise<void> {
  if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(kind)) return;
  await editor.run(['rollout', 'status', `${kind}/${name}`, '--namespace', namespace ?? 'default', '--timeout=60s']);
}

export function compare(cause: Cause, red: ScenarioResult, again: ScenarioResult): Proof {
  const broken = red.claims.filter(({ verdict }) => verdict !== 'passed' && verdict !== 'notSupported');
  const still = broken.filter(({ key }) => again.claims.find((one) => one.key === key)?.verdict !== 'passed');
  const [first] = still;
  return first === undefined
    ? {
        verdict: 'proven',
        how:
          `with ${cause.object} as it was when the mesh was ready, ` +
          `${broken.length === 1 ? 'the claim holds' : `all ${broken.length} claims hold`}; it was put in again`,
      }
    : {
        verdict: 'refuted',
        how:
          `with ${cause.object} as it was when the mesh was ready, “${first.name}” still does not hold; it was ` +
          'put in again',
      };
}

const notTried = (why: string): Proof => ({ verdict: 'notTried', how: why });
