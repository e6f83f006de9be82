import { listIn } from './causes/reading.ts';
import { seenKey, type ClusterSituation, type SeenObject } from './situation.ts';
import { anyOf } from '../text/any-of.ts';

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
const derived = new Set(['Pod', 'Endpoints', 'ReplicaSet', 'Event', 'Lease', 'ControllerRevision']);

/** Fields that servers and controllers set: they differ after every restart and mean nothing. */
const givenFields = new RegExp(
  `(^|\\.)(${anyOf(
    /clusterIPs?(\.\d+)?|healthCheckNodePort|caBundle|uid|resourceVersion|generation/,
    /deployment\.kubernetes\.io\/revision|kubectl\.kubernetes\.io\/restartedAt|ipFamilies.*/,
    /ipFamilyPolicy|finalizers.*|providerID|claimRef.*|secrets.*/,
    // MetalLB notes on a Service where its address came from. Where that was all, the empty map stays.
    /metallb\.(io|universe\.tf)\/ip-allocated-from-pool|metadata\.(labels|annotations)/,
  )})$`,
);

/** Fields that are given once, when an object is made; later they only change when somebody changes them. */
const givenOnce = /(^|\.)nodePort$/;

/** The name of an item, by which its path calls it already. */
const isKey = /\[[^\]]+\]\.name$/;

/**
 * What controllers write for themselves, and put back at once when somebody else writes it; it follows from other
 * changes.
 */
const givenObject = ({ kind, name, labels }: SeenObject): boolean =>
  (kind === 'ConfigMap' && /(leader|istio-namespace-controller|istio-gateway-|^istio-ca-)/.test(name)) ||
  (kind === 'Secret' && /^(istio\.|istio-ca-secret$|sh\.helm|bootstrap-token-)/.test(name)) ||
  (kind === 'EndpointSlice' && labels['endpointslice.kubernetes.io/managed-by'] !== undefined) ||
  (kind === 'ServiceAccount' && name === 'default');

/**
 * What is not as it was when the mesh was proven ready, and not as the scenario applied it: the suspects. On clusters
 * that meshproof made nobody else writes, so each of these was done to them.
 */
export function changesOf(
  situation: Pick<ClusterSituation, 'cluster' | 'objects' | 'baseline' | 'unseen'>,
  applied: readonly SeenObject[],
): ObjectChange[] {
  const { cluster, objects, baseline, unseen } = situation;
  // What nobody looked at is neither gone nor changed.
  const blind = new Set(unseen.map((text) => text.slice(0, text.indexOf(':'))));
  if (blind.has('objects')) return [];
  const wanted = new Map((baseline ?? []).map((object) => [seenKey(object), object]));
  // What the scenario applied itself is as it left it, whatever was there before.
  for (const object of applied) wanted.set(seenKey(object), object);
  const own = new Set(applied.map(seenKey));
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
    const others = own.has(key) ? othersFields(before, object) : [];
    const fields = [...fieldChanges(before, object), ...others];
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
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  const madeAnew = before.uid !== after.uid;
  const names = [...new Set([...was.keys(), ...is.keys()])].filter(
    (name) => !givenFields.test(name) && !(madeAnew && givenOnce.test(name)),
  );
  const changed = names
    .filter((name) => was.get(name) !== is.get(name))
    .map((field) => ({ field, was: was.get(field), is: is.get(field) }))
    // What an item of a list is called says less than what it holds.
    .sort((a, b) => Number(isKey.test(a.field)) - Number(isKey.test(b.field)));
  return [...withWholeItems(changed, before.body, after.body), ...hiddenChanges(before, after)];
}

/**
 * Of a list that has more items than it had, or fewer, the items that came or went: one that went moves all behind it
 * to other places, where none of them changed.
 */
function withWholeItems(changes: readonly FieldChange[], before: unknown, after: unknown): FieldChange[] {
  const lists = new Set(changes.flatMap(({ field }) => /^(.*?)\.\d+(\.|$)/.exec(field)?.[1] ?? []));
  const moved = [...lists].flatMap((list) => {
    const [was, is] = [before, after].map((body) =>
      listIn(body, list).map((item) => (typeof item === 'string' ? item : JSON.stringify(item))),
    );
    if (was === undefined || is === undefined || was.length === is.length) return [];
    const gone = was.flatMap((item, at) => (is.includes(item) ? [] : [change(`${list}.${at}`, item, undefined)]));
    const came = is.flatMap((item, at) => (was.includes(item) ? [] : [change(`${list}.${at}`, undefined, item)]));
    return gone.length + came.length === 0 ? [] : [{ list, items: [...gone, ...came] }];
  });
  const inPlace = changes.filter(({ field }) => !moved.some(({ list }) => field.startsWith(`${list}.`)));
  return [...moved.flatMap(({ items }) => items), ...inPlace];
}

const change = (field: string, was: string | undefined, is: string | undefined): FieldChange => ({ field, was, is });

/** Values that must not be shown, and are not what they were. */
function hiddenChanges({ hidden: was }: SeenObject, { hidden: is }: SeenObject): FieldChange[] {
  if (was === undefined || is === undefined) return [];
  return is
    .filter(({ at, is: value }) => was.some((known) => known.at === at && known.is !== value))
    .map(({ at }) => ({ field: at, was: 'a value that is not shown', is: 'another value' }));
}

/**
 * What somebody else set on an object that the scenario applied: it was there before, so the API server answered the
 * scenario with it, and both states hold it. Of other objects only what is not as it was counts, whoever wrote it.
 */
const othersFields = (before: SeenObject, after: SeenObject): FieldChange[] =>
  before.setByOthers === undefined
    ? []
    : (after.setByOthers ?? []).map(({ field, by }) => ({ field, was: undefined, is: `set by ${by}` }));

/** Every field of an object by its path, as `kubectl explain` names them. */
export function fieldsOf({
  labels,
  annotations,
  body,
}: Pick<SeenObject, 'labels' | 'annotations' | 'body'>): Map<string, string> {
  return flatten({
    ...(Object.keys(labels).length + Object.keys(annotations).length > 0 ? { metadata: { labels, annotations } } : {}),
    ...body,
  });
}

/** Lists whose items have names, by which they are told apart: one more item in between changes none of the others. */
const named = /(^|\.)(containers|initContainers|env|volumes|volumeMounts|ports|webhooks)$/;

/**
 * Every leaf of a value with its path, e.g. `spec.http.0.timeout` or `spec.ports[tls].targetPort`. Empty objects and
 * lists are leaves, too.
 */
export function flatten(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0)
    return new Map([[path, typeof value === 'string' ? value : JSON.stringify(value)]]);
  const byName = Array.isArray(value) && named.test(path);
  return new Map(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
      const name = byName ? (inner as { readonly name?: unknown } | null)?.name : undefined;
      const at = typeof name === 'string' ? `${path}[${name}]` : path === '' ? key : `${path}.${key}`;
      return [...flatten(inner, at)];
    }),
  );
}
