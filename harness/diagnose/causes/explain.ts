import { scenarioLabel } from '../../cluster/labels.ts';
import { changesOf, type FieldChange, type ObjectChange } from '../changes.ts';
import {
  isOurs,
  seenKey,
  seenName,
  type ClusterSituation,
  type Concern,
  type OwnField,
  type SeenObject,
  type Situation,
} from '../situation.ts';
import { accessLogs } from './calls.ts';
import { layerCodes, layers, type Cause, type Explainer, type Question, type Suspect } from './cause.ts';
import { changedObjects } from './change.ts';
import { apiServers, controlPlane, deadWebhooks } from './control-plane.ts';
import { meshObjects, sharedAddresses, twoEntries } from './mesh.ts';
import { leftOutNamespaces } from './mesh-config.ts';
import { clusterDns, gatewayService } from './names.ts';
import { machineNetwork } from './network.ts';
import { podsAndImages, selectsNobody, uninjected } from './pods.ts';
import { heldObjects, leftBehind } from './staying.ts';
import { trust } from './trust.ts';

/** Every kind of cause that is known; a new one is one function more in this list. */
const explainers: readonly Explainer[] = [
  machineNetwork,
  podsAndImages,
  uninjected,
  apiServers,
  controlPlane,
  deadWebhooks,
  leftOutNamespaces,
  gatewayService,
  clusterDns,
  selectsNobody,
  trust,
  // Of two that are as sure about one object, the first one's words are told: it says more than that it is new.
  sharedAddresses,
  changedObjects,
  accessLogs,
  meshObjects,
  twoEntries,
  heldObjects,
];

/** Where the mesh was taken away nothing is as it was, and only what is still there is in the way. */
const withoutMesh: readonly Explainer[] = [apiServers, heldObjects, leftBehind];

/** Kinds that can take a hop of a proxy's configuration away: a cause of another kind does not explain that hop. */
const makers: Readonly<Record<string, readonly string[]>> = {
  listener: ['ServiceEntry', 'Sidecar', 'EnvoyFilter', 'Gateway', 'ProxyConfig', 'Namespace', 'ConfigMap'],
  route: ['VirtualService', 'ServiceEntry', 'Sidecar', 'EnvoyFilter', 'DestinationRule'],
  cluster: ['ServiceEntry', 'DestinationRule', 'Sidecar', 'EnvoyFilter', 'VirtualService'],
  'mutual TLS': ['DestinationRule', 'PeerAuthentication', 'EnvoyFilter', 'ConfigMap'],
  endpoint: ['ServiceEntry', 'WorkloadEntry', 'DestinationRule', 'EnvoyFilter', 'Sidecar', 'Service'],
  'filter chain': ['Gateway', 'ServiceEntry', 'EnvoyFilter', 'DestinationRule', 'ConfigMap'],
  'SNI cluster': ['ServiceEntry', 'DestinationRule', 'EnvoyFilter', 'Gateway'],
  workload: [
    'Deployment',
    'ServiceEntry',
    'WorkloadEntry',
    'PeerAuthentication',
    'Namespace',
    'DestinationRule',
    'Pod',
    'Service',
  ],
  configuration: [],
};

/**
 * From what was seen to causes: which object or component of which cluster does what. Ranked by how sure the evidence
 * is, by whether it can break the hop that broke, and then in causal order: of two that are as sure, the lower layer
 * comes first.
 *
 * @returns the likeliest first; empty when nothing that was seen explains it
 */
export function explain(seen: Situation, concern: Concern): Cause[] {
  const situation = { ...seen, clusters: seen.clusters.map((cluster) => withoutOthers(cluster, concern)) };
  const changes = situation.clusters
    .flatMap((cluster) => changesOf(cluster, concern.applied.get(cluster.cluster) ?? []))
    .flatMap((change) => withoutOwn(change, concern.ownFields ?? []));
  const question: Question = { situation, concern, changes };
  const found = new Map<string, Suspect>();
  const asked = (concern.gone ?? []).length > 0 ? withoutMesh : explainers;
  for (const suspect of asked.flatMap((explainer) => explainer(question))) {
    const key = `${suspect.cluster} ${suspect.object}`;
    const known = found.get(key);
    found.set(key, known === undefined ? suspect : joined(known, suspect));
  }
  const weighed = [...found.values()].map((suspect) => ({ suspect, weight: weigh(suspect, question) }));
  weighed.sort(
    (left, right) =>
      right.weight - left.weight || layers.indexOf(left.suspect.layer) - layers.indexOf(right.suspect.layer),
  );
  const best = weighed[0]?.weight ?? 0;
  // What is much less sure than the first only distracts.
  return weighed
    .filter(({ weight }) => weight >= best - 3)
    .slice(0, 5)
    .map(({ suspect: { certainty: _certainty, ...cause } }) => ({ ...cause, code: layerCodes[cause.layer] }));
}

/** A cluster without what other scenarios, which play at the same time, applied for themselves. */
function withoutOthers(situation: ClusterSituation, { applied }: Concern): ClusterSituation {
  const own = new Set((applied.get(situation.cluster) ?? []).map(seenKey));
  const isOthers = (object: SeenObject): boolean =>
    isOurs(object) && object.labels[scenarioLabel] !== undefined && !own.has(seenKey(object));
  return { ...situation, objects: situation.objects.filter((object) => !isOthers(object)) };
}

/**
 * A change without what the scenario did itself; nothing is left of one that it did alone. Of a field that was not as
 * it should be when the scenario came, that earlier change is left.
 */
function withoutOwn(change: ObjectChange, own: readonly OwnField[]): ObjectChange[] {
  if (change.change !== 'changed') return [change];
  const fields = change.fields.flatMap((field): readonly FieldChange[] => {
    const set = own.find(
      (one) =>
        one.cluster === change.cluster &&
        one.object === seenName(change.object) &&
        one.field === field.field &&
        one.value === field.is,
    );
    if (set === undefined) return [field];
    const { before } = set;
    return before === undefined || before.trimEnd() === field.was?.trimEnd() ? [] : [{ ...field, is: before }];
  });
  return fields.length === 0 ? [] : [{ ...change, fields }];
}

/** One object that two explainers name: the surer word is kept, and the evidence of both. */
function joined(left: Suspect, right: Suspect): Suspect {
  const [surer, other] = right.certainty > left.certainty ? [right, left] : [left, right];
  const field = surer.field ?? other.field;
  return { ...surer, ...(field === undefined ? {} : { field }), seen: [...surer.seen, ...other.seen] };
}

function weigh(suspect: Suspect, { changes, concern }: Question): number {
  const { cluster, object, certainty } = suspect;
  const kind = object.split(' ')[0] ?? '';
  const changed = changes.some((change) => change.cluster === cluster && object === seenName(change.object));
  const { brokenAt, brokenHop } = concern;
  const fits = brokenHop === undefined || brokenHop === '' ? 0 : (makers[brokenHop] ?? []).includes(kind) ? 2 : 0;
  const here = brokenAt === undefined ? 0 : brokenAt === cluster ? 2 : -1;
  const named = concern.words.includes(object.split('/').at(-1) ?? object) && object.includes('/') ? 1 : 0;
  // Where the configuration is whole, what holds below it explains more.
  const below = brokenHop === undefined && layers.indexOf(suspect.layer) < layers.indexOf('mesh objects') ? 1 : 0;
  return certainty * 2 + (changed ? 3 : 0) + fits + here + named + below;
}
