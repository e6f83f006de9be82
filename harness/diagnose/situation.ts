import { z } from 'zod';
import { fieldManager, ownLabel } from '../cluster/labels.ts';

/**
 * What was there when a claim did not hold, as plain data: everything that explainers look at. Nothing in it is secret;
 * of a Secret only a hash of its contents is kept, which tells that it is another one.
 */
export const seenObjectSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  /** Everything beside metadata and status, as it is declared. */
  body: z.record(z.string(), z.unknown()).default({}),
  status: z.record(z.string(), z.unknown()).optional(),
  createdAt: z.string().optional(),
  deleting: z.boolean().optional(),
  /** Of one that is being deleted: who has to agree before it goes. */
  finalizers: z.array(z.string()).optional(),
  /** Tells an object from one that was made anew under its name. */
  uid: z.string().optional(),
  /**
   * Fields of an object of meshproof's own that somebody else set, and who: a field manager, as the API server notes
   * it.
   */
  setByOthers: z.array(z.object({ field: z.string(), by: z.string() })).optional(),
  /** Values that evidence must not hold, by a keyed hash: it tells that one is another, and nothing of what it is. */
  hidden: z.array(z.object({ at: z.string(), is: z.string() })).optional(),
});
export type SeenObject = Readonly<z.infer<typeof seenObjectSchema>>;

/** One warning that Kubernetes noted about an object. */
const eventSchema = z.object({ about: z.string(), reason: z.string(), message: z.string() });

/** A line of a proxy's access log that tells of a call which came to nothing. */
const refusedCallSchema = z.object({
  proxy: z.string(),
  flags: z.string(),
  details: z.string(),
  code: z.number(),
  upstreamFailure: z.string(),
  authority: z.string(),
  /** The cluster of the proxy's configuration that it was sent to, e.g. `inbound|8080||`. */
  upstreamCluster: z.string().default(''),
  upstreamHost: z.string().default(''),
});
export type RefusedCall = Readonly<z.infer<typeof refusedCallSchema>>;

/** A certificate chain that a proxy presents, and the root that it trusts. */
const trustSchema = z.object({
  proxy: z.string(),
  identity: z.string(),
  issuer: z.string(),
  notBefore: z.string(),
  notAfter: z.string(),
  /** SHA-256 of each root that it trusts. */
  roots: z.array(z.string()),
  /** SHA-256 of the last certificate of the chain that it presents. */
  chainEnd: z.string(),
});
export type ProxyTrust = Readonly<z.infer<typeof trustSchema>>;

export const clusterSituationSchema = z.object({
  cluster: z.string(),
  objects: z.array(seenObjectSchema),
  /** The objects as they were when the mesh was proven ready; absent on clusters that meshproof did not make. */
  baseline: z.array(seenObjectSchema).optional(),
  events: z.array(eventSchema).default([]),
  /** What istiod says of itself that is no good news: rejected pushes, refused certificates, invalid objects. */
  controlPlaneLog: z.array(z.string()).default([]),
  refusedCalls: z.array(refusedCallSchema).default([]),
  trust: z.array(trustSchema).default([]),
  /**
   * Where a packet's fate is decided on the machine below: rules, queues, routes, links, as lines; now, and when the
   * mesh was ready.
   */
  network: z.array(z.string()).default([]),
  networkBaseline: z.array(z.string()).optional(),
  /** What could not be looked at, and why. */
  unseen: z.array(z.string()).default([]),
});
export type ClusterSituation = Readonly<z.infer<typeof clusterSituationSchema>>;

export const situationSchema = z.object({
  clusters: z.array(clusterSituationSchema),
  /** When it was looked at. */
  at: z.string(),
});
export type Situation = Readonly<z.infer<typeof situationSchema>>;

/** A field that a scenario set on purpose: the replicas of a gateway, say. */
export interface OwnField {
  readonly cluster: string;
  /** "Deployment istio-system/istio-ingressgateway". */
  readonly object: string;
  readonly field: string;
  readonly value: string;
  /**
   * What it was before the scenario set it, where that stands in the new value as well. Whoever had changed it by then
   * did so before the scenario, and is not excused by it.
   */
  readonly before?: string | undefined;
}

/** What the scenario was about: explainers weigh what concerns it. */
export interface Concern {
  /** The first cluster of the call. */
  readonly client: string;
  /** Namespaces that the scenario uses, and the mesh's own. */
  readonly namespaces: readonly string[];
  /** Hosts that it calls. */
  readonly hosts: readonly string[];
  /** Name of the Service by which clusters call each other, as their topology has it. */
  readonly gateway: string;
  /** Cluster of the first broken hop, or of the step that failed. */
  readonly brokenAt: string | undefined;
  /** The hop that broke, in the trace's words; undefined when the path is whole. */
  readonly brokenHop: string | undefined;
  /** "Kind namespace/name" of what the scenario itself applied, by cluster, as the server had it then. */
  readonly applied: ReadonlyMap<string, readonly SeenObject[]>;
  /** Fields that the scenario itself set on objects of others, with what it set them to. */
  readonly ownFields?: readonly OwnField[];
  /** Clusters whose mesh the scenario had taken away by then: only what is still there explains a failure. */
  readonly gone?: readonly string[];
  /** What the failure itself said. */
  readonly words: string;
}

/** Namespaces whose objects hold for the whole mesh, or for the whole cluster, and that no scenario has for itself. */
export const meshNamespaces: readonly string[] = ['istio-system', 'kube-system', 'metallb-system'];

/** "VirtualService bar/httpbin": how causes name an object. */
export const seenName = ({ kind, namespace, name }: Pick<SeenObject, 'kind' | 'namespace' | 'name'>): string =>
  namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;

/** A pod's Deployment, by the name that its ReplicaSet gave it; the pod itself where it has none. */
export function ownerOf(pod: SeenObject): string {
  const owner = /^(.+)-[0-9a-f]{6,10}-[a-z0-9]{5}$/.exec(pod.name)?.[1];
  return owner === undefined ? seenName(pod) : `Deployment ${pod.namespace ?? ''}/${owner}`;
}

/** Whether meshproof made an object: for a scenario, as a sample, or as part of its mesh. */
export const isOurs = ({ labels }: SeenObject): boolean => labels[ownLabel] === fieldManager;

/** What identifies an object within its cluster; the version of its API does not. */
export const seenKey = ({
  apiVersion,
  kind,
  namespace = '',
  name,
}: Pick<SeenObject, 'apiVersion' | 'kind' | 'namespace' | 'name'>): string =>
  `${apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''} ${kind} ${namespace}/${name}`;

/** The objects of a kind. */
export const ofKind = (situation: ClusterSituation, kind: string): SeenObject[] =>
  situation.objects.filter((object) => object.kind === kind);
