import { changeInShort } from './causes/meaning.ts';
import { machineChanges } from './causes/network.ts';
import { changesOf, type ObjectChange } from './changes.ts';
import { isOurs, seenName, type ClusterSituation, type SeenObject } from './situation.ts';

/** What a cluster is like: its objects, the machine below it, and what its gateways hold. */
export interface ClusterState extends Pick<ClusterSituation, 'objects' | 'network'> {
  /** App of a gateway → what its proxy holds, as `resourcesOf` tells it. */
  readonly dumps: Readonly<Record<string, readonly string[]>>;
}

/** So many fields of one object are told, and so many lines of one dump. */
const atMost = 3;

/**
 * What is not as it was when the mesh was proven ready, a line for each. Sample workloads come and go with every run,
 * so they count only where somebody else set something on them.
 *
 * @param then the state when the mesh was ready
 * @param now the state now, and what could not be looked at
 */
export function departuresOf(
  cluster: string,
  then: ClusterState,
  now: ClusterState & Pick<ClusterSituation, 'unseen'>,
): string[] {
  const samples = sampleNamespaces(then, now);
  const { objects, unseen, network } = now;
  const changes = changesOf({ cluster, objects, baseline: then.objects, unseen }, []);
  const machine = machineChanges({ network, networkBaseline: then.network });
  return [
    ...unseen.map((what) => `could not be looked at: ${what}`),
    ...changes.filter((change) => !isOfSample(change, samples)).map(tell),
    ...objects.filter((object) => samples.has(placeOf(object)) && isOurs(object)).flatMap(setByOthers),
    ...machine.added.map((line) => `+ ${line}`),
    ...machine.gone.map((line) => `- ${line}`),
    ...Object.entries(then.dumps).flatMap(([app, lines]) => dumpChanges(app, lines, now.dumps[app], samples)),
  ];
}

/** The namespace of an object; of a namespace its own name. */
const placeOf = ({ kind, namespace, name }: SeenObject): string => (kind === 'Namespace' ? name : (namespace ?? ''));

/** Namespaces that scenarios make: those of the page get sidecars, all others came after the mesh was ready. */
function sampleNamespaces(then: ClusterState, now: ClusterState): ReadonlySet<string> {
  const own = ({ objects }: ClusterState): SeenObject[] =>
    objects.filter((object) => object.kind === 'Namespace' && isOurs(object));
  const known = own(then);
  const page = known.filter(({ labels }) => labels['istio-injection'] === 'enabled');
  const later = own(now).filter(({ name }) => !known.some((one) => one.name === name));
  return new Set([...page, ...later].map(({ name }) => name));
}

const isOfSample = ({ change, object }: ObjectChange, samples: ReadonlySet<string>): boolean =>
  samples.has(placeOf(object)) && (change === 'removed' || isOurs(object));

function tell({ change, object, fields }: ObjectChange): string {
  if (change === 'added') return `${seenName(object)} was not there`;
  if (change === 'removed') return `${seenName(object)} is gone`;
  const told = fields.slice(0, atMost).map(changeInShort);
  const more = fields.length > atMost ? [`${fields.length - atMost} more`] : [];
  return `${seenName(object)}: ${[...told, ...more].join('; ')}`;
}

const setByOthers = (object: SeenObject): string[] =>
  (object.setByOthers ?? []).map(({ field, by }) => `${seenName(object)}: ${field} was set by ${by}`);

function dumpChanges(
  app: string,
  then: readonly string[],
  now: readonly string[] | undefined,
  samples: ReadonlySet<string>,
): string[] {
  if (now === undefined) return [`the config dump of ${app} could not be read`];
  const ofSample = (line: string): boolean => [...samples].some((name) => line.includes(`.${name}.svc.`));
  const [added, gone] = [now.filter((line) => !then.includes(line)), then.filter((line) => !now.includes(line))].map(
    (lines) => lines.filter((line) => !ofSample(line)),
  );
  const told = [...(added ?? []).map((line) => `+ ${line}`), ...(gone ?? []).map((line) => `- ${line}`)];
  const more = told.length > atMost ? [`${told.length - atMost} more lines of ${app}`] : [];
  return [...told.slice(0, atMost).map((line) => `the config dump of ${app}: ${line}`), ...more];
}
