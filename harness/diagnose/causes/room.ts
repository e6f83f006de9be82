import { meshNamespaces, ofKind, ownerOf, seenName, type ClusterSituation, type SeenObject } from '../situation.ts';
import type { Suspect } from './cause.ts';
import { listIn, textIn, valueAt } from './reading.ts';

const systems: readonly string[] = [...meshNamespaces, 'kube-system', 'local-path-storage'];
const units: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/**
 * Who has taken the room that a pod lacks, by the scheduler's own words about it: the pod of nobody's that requests
 * most of the resource, or the node that takes no more pods.
 *
 * @param message of the pod's condition PodScheduled
 * @param own namespaces of the call
 */
export function whoTookTheRoom(
  situation: ClusterSituation,
  message: string,
  own: readonly string[],
): Pick<Suspect, 'layer' | 'object' | 'field' | 'does' | 'try'> | undefined {
  const [node] = ofKind(situation, 'Node');
  if (node !== undefined && message.includes('Too many pods')) {
    const most = textIn(node.status, 'allocatable.pods');
    return {
      layer: 'machine and network',
      object: seenName(node),
      field: 'status.allocatable.pods',
      does: `takes ${most === '' ? 'no more' : `at most ${most}`} pods, and has as many`,
      try: 'Raise maxPods in the configuration of the node’s kubelet, or run fewer pods.',
    };
  }
  const resource = /Insufficient ([^\s,]+?)[.,]?(\s|$)/.exec(message)?.[1];
  if (resource === undefined) return undefined;
  const [greatest] = ofKind(situation, 'Pod')
    .filter(({ namespace = '', status }) => !systems.includes(namespace) && textIn(status, 'phase') === 'Running')
    .filter(({ namespace = '' }) => !own.includes(namespace))
    .map((pod) => ({ pod, requested: requestOf(pod, resource) }))
    .filter(({ requested }) => requested > 0)
    .sort((a, b) => b.requested - a.requested);
  if (greatest === undefined) return undefined;
  const { pod, requested } = greatest;
  const priority = textIn(pod.body, 'spec.priorityClassName');
  return {
    layer: 'pods and images',
    object: ownerOf(pod),
    field: 'spec.template.spec.containers[].resources.requests',
    does:
      `requests ${rounded(requested)} ${resource} of the node` +
      (priority === '' ? '' : ` with the priority of PriorityClass ${priority}`) +
      ', so pods of the mesh find no room',
    try: `Lower what ${ownerOf(pod)} requests, lower its priority, or add a node.`,
  };
}

function requestOf(pod: SeenObject, resource: string): number {
  return listIn(pod.body, 'spec.containers')
    .map((container) => valueAt(container, 'resources.requests'))
    .map((requests) => (typeof requests === 'object' && requests !== null ? Object.entries(requests) : []))
    .flatMap((requests) => requests.filter(([name]) => name === resource).map(([, value]) => quantity(String(value))))
    .reduce((sum, one) => sum + one, 0);
}

/** A quantity of Kubernetes as a number: "1500m" is 1.5, "1Gi" is 1,073,741,824. */
function quantity(text: string): number {
  const [, digits = '0', unit = ''] = /^([\d.]+)(\w*)$/.exec(text) ?? [];
  return Number(digits) * (units[unit] ?? 1);
}

const rounded = (value: number): string => (value >= 1000 ? value.toExponential(2) : String(Number(value.toFixed(3))));
