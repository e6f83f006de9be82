import { z } from 'zod';
import { isAbsent } from '../cluster/api-errors.ts';
import type { ClusterReads } from '../cluster/cluster-reads.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { systemNamespace } from './operator.ts';
import type { Topology } from './topologies/topology.ts';

/** When something was asked for, and when it was there. */
export interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** What the objects of a cluster tell of its bring-up; what they do not tell is left out. */
export interface BringUpMoments {
  readonly node?: Span;
  readonly apiServer?: Span;
  readonly definitions?: Span;
  readonly istiod?: Span;
  readonly injection?: Span;
  readonly gateways?: Span;
  readonly loadBalancer?: Span;
  readonly address?: Span;
}

/** The API gives moments as text, and Kubernetes' client those of kinds that it knows as dates. */
const moment = z.union([z.date(), z.iso.datetime({ offset: true }).transform((text) => new Date(text))]);
const objectSchema = z.looseObject({
  metadata: z.looseObject({
    creationTimestamp: moment.optional(),
    managedFields: z
      .array(
        z.looseObject({ manager: z.string().optional(), subresource: z.string().optional(), time: moment.optional() }),
      )
      .default([]),
  }),
  status: z
    .looseObject({
      conditions: z
        .array(z.looseObject({ type: z.string(), status: z.string(), lastTransitionTime: moment.nullish() }))
        .default([]),
    })
    .default({ conditions: [] }),
});
type Told = z.infer<typeof objectSchema>;

/**
 * Reads when the parts of a cluster were there, from the moments that its own objects carry: read once, nobody had to
 * watch. They are whole seconds.
 *
 * @param booted when its node was started, where that is known
 */
export async function bringUpMoments(
  api: ClusterReads,
  topology: Pick<Topology, 'gateways' | 'ingressGateway'>,
  booted?: Date,
): Promise<BringUpMoments> {
  const list = async (apiVersion: string, kind: string, namespace?: string): Promise<Told[]> =>
    (
      await api.listObjects(apiVersion, kind, undefined, namespace).catch((error: unknown): KubernetesObject[] => {
        if (isAbsent(error)) return [];
        throw error;
      })
    ).map((object) => objectSchema.parse(object));
  const [nodes, namespaces, definitions, webhooks, balancers] = await Promise.all([
    list('v1', 'Node'),
    list('v1', 'Namespace'),
    list('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
    list('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'),
    list('v1', 'Pod', 'metallb-system'),
  ]);
  const read = async (kind: string, apiVersion: string, name: string): Promise<Told[]> => {
    const found = await api.read({ apiVersion, kind, metadata: { name, namespace: systemNamespace } });
    return found === undefined ? [] : [objectSchema.parse(found)];
  };
  const deployments = async (names: readonly string[]): Promise<Told[]> =>
    (await Promise.all(names.map((name) => read('Deployment', 'apps/v1', name)))).flat();
  const [istiod, gateways, service] = await Promise.all([
    deployments(['istiod']),
    deployments(topology.gateways),
    read('Service', 'v1', topology.ingressGateway),
  ]);
  const first = earliest(namespaces.map(created));
  const since = (span: Span | undefined): Span | undefined =>
    span === undefined || booted === undefined ? span : { ...span, from: booted };
  const spans: { readonly [K in keyof BringUpMoments]: Span | undefined } = {
    node: since(spanOf(nodes, reached('Ready'))),
    apiServer: first === undefined ? undefined : { from: booted ?? first, to: first },
    definitions: spanOf(definitions, reached('Established')),
    istiod: spanOf(istiod, reached('Available')),
    // The webhook works once istiod has written its own authority into it.
    injection: spanOf(webhooks, writtenBy('pilot-discovery')),
    gateways: spanOf(gateways, reached('Available')),
    loadBalancer: spanOf(balancers, reached('Ready')),
    address: spanOf(service, statusWritten),
  };
  return Object.fromEntries(Object.entries(spans).filter(([, span]) => span !== undefined));
}

const created = ({ metadata }: Told): Date | undefined => metadata.creationTimestamp;
const reached =
  (condition: string) =>
  ({ status: { conditions } }: Told): Date | undefined =>
    conditions.find(({ type, status }) => type === condition && status === 'True')?.lastTransitionTime ?? undefined;
const writtenBy =
  (manager: string) =>
  ({ metadata: { managedFields } }: Told): Date | undefined =>
    earliest(managedFields.filter((one) => one.manager === manager).map(({ time }) => time));
const statusWritten = ({ metadata: { managedFields } }: Told): Date | undefined =>
  earliest(managedFields.filter(({ subresource }) => subresource === 'status').map(({ time }) => time));

/** From the first of some objects that was made until the last of them was there; undefined where one does not tell. */
function spanOf(objects: readonly Told[], there: (object: Told) => Date | undefined): Span | undefined {
  const ends = objects.map(there);
  const from = earliest(objects.map(created));
  if (from === undefined || ends.some((end) => end === undefined)) return undefined;
  const to = new Date(Math.max(...ends.map(Number)));
  return { from, to };
}

function earliest(moments: readonly (Date | undefined)[]): Date | undefined {
  const known = moments.flatMap((one) => one ?? []).map(Number);
  return known.length === 0 ? undefined : new Date(Math.min(...known));
}
