import { seenKey, type ClusterSituation, type SeenObject } from './situation.ts';

/** One field that is not as it was. */
export interface FieldChange {
  /** "spec.replicas". */
  readonly field: string;
  readonly was: string | undefined;
  readonly is: string | undefined;
}

/** An object that is not as meshproof left it. */
export interface ObjectChange {
  readonly cluster: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly object: SeenObject;
  /** Empty unless it was changed. */
  readonly fields: readonly FieldChange[];
}

/** Kinds that come and go by themselves: others are made from them, or they only tell how those fare. */
const derived = new Set([
  'Pod',
  'EndpointSlice',
  'Endpoints',
  'ReplicaSet',
  'Event',
  'Lease',
  'Node',
  'ControllerRevision',
]);

/** Fields that servers and controllers set: they differ after every restart and mean nothing. */
const givenFields =
  /(^|\.)(clusterIPs?(\.\d+)?|nodePort|healthCheckNodePort|caBundle|uid|resourceVersion|generation|deployment\.kubernetes\.io\/revision|kubectl\.kubernetes\.io\/restartedAt|ipFamilies.*|ipFamilyPolicy|internalTrafficPolicy|finalizers.*|providerID|claimRef.*|secrets.*)$/;

/** Objects that controllers write for themselves. */
const givenObject = ({ kind, name }: SeenObject): boolean =>
  (kind === 'ConfigMap' && /(leader|istio-namespace-controller|istio-gateway-)/.test(name)) ||
  (kind === 'Secret' && /^(istio\.|sh\.helm|bootstrap-token-)/.test(name)) ||
  (kind === 'ServiceAccount' && name === 'default');

/**
 * What is not as it was when the mesh was proven ready, and not as the scenario applied it: the suspects. On clusters that meshproof made
 * nobody else writes, so each of these was done to them.
 */
export function changesOf(situation: ClusterSituation, applied: readonly SeenObject[]): ObjectChange[] {
  const { cluster, objects, baseline, unseen } = situation;
  // What nobody looked at is neither gone nor changed.
  const blind = new Set(unseen.map((text) => text.slice(0, text.indexOf(':'))));
  if (blind.has('objects')) return [];
  const wanted = new Map((baseline ?? []).map((object) => [seenKey(object), object]));
  // What the scenario applied itself is as it left it, whatever was there before.
  for (const object of applied) wanted.set(seenKey(object), object);
  const there = new Map(objects.map((object) => [seenKey(object), object]));
  const changes: ObjectChange[] = [];
  for (const [key, object] of there) {
    if (derived.has(object.kind) || givenObject(object)) continue;
    const before = wanted.get(key);
    if (before === undefined) {
      if (baseline !== undefined && !isGivenInNamespace(object))
        changes.push({ cluster, change: 'added', object, fields: [] });
      continue;
    }
    const fields = fieldChanges(before, object);
    if (fields.length > 0 || object.deleting === true)
      changes.push({
        cluster,
        change: 'changed',
        object,
        fields:
          object.deleting === true
            ? [{ field: 'metadata.deletionTimestamp', was: undefined, is: 'set' }, ...fields]
            : fields,
      });
  }
  for (const [key, object] of wanted)
    if (!there.has(key) && !blind.has(object.kind) && !derived.has(object.kind) && !givenObject(object))
      changes.push({ cluster, change: 'removed', object, fields: [] });
  return changes;
}

/** What Kubernetes and istiod put into every new namespace. */
const isGivenInNamespace = ({ kind, name }: SeenObject): boolean =>
  kind === 'ConfigMap' && (name.startsWith('istio-ca-') || name === 'kube-root-ca.crt');

function fieldChanges(before: SeenObject, after: SeenObject): FieldChange[] {
  const all = (object: SeenObject): Map<string, string> =>
    flatten({ labels: object.labels, annotations: object.annotations, ...object.body });
  const [was, is] = [all(before), all(after)];
  const names = [...new Set([...was.keys(), ...is.keys()])].filter((name) => !givenFields.test(name));
  return names
    .filter((name) => was.get(name) !== is.get(name))
    .map((field) => ({
      field: /^(labels|annotations)\./.test(field) ? `metadata.${field}` : field,
      was: was.get(field),
      is: is.get(field),
    }));
}

/** Every leaf of a value with its path, e.g. `spec.http.0.timeout`. Empty objects and lists are leaves, too. */
export function flatten(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0)
    return new Map([[path, typeof value === 'string' ? value : JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, path === '' ? key : `${path}.${key}`)]),
  );
}
