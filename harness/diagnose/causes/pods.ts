import {
  meshNamespaces,
  ofKind,
  ownerOf,
  seenName,
  type ClusterSituation,
  type Concern,
  type SeenObject,
} from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { whoTookTheRoom } from './room.ts';
import { conditionIn, listIn, recordIn, selects, textIn, valueAt } from './reading.ts';

/** Pods that do not run, are not ready, have no sidecar, or are not there; and the nodes that they stand on. */
export const podsAndImages: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster) => [
    ...nodes(cluster),
    ...workloads(cluster, concern),
    ...ofKind(cluster, 'Pod')
      .filter(({ namespace = '', deleting }) => concern.namespaces.includes(namespace) && deleting !== true)
      .flatMap((pod) => troubleOf(cluster, pod, concern.namespaces)),
  ]);

function nodes(situation: ClusterSituation): Suspect[] {
  return ofKind(situation, 'Node').flatMap((node): Suspect[] => {
    const ready = conditionIn(node.status, 'Ready');
    const told = { layer: 'machine and network', cluster: situation.cluster, object: seenName(node) } as const;
    if (ready !== undefined && ready['status'] !== 'True')
      return [
        {
          ...told,
          certainty: 2,
          does: `is not ready: ${textIn(ready, 'message')}`,
          try: 'Check the kubelet of the node.',
          seen: [],
        },
      ];
    const taints = listIn(node.body, 'spec.taints').map(recordIn);
    const closed = valueAt(node.body, 'spec.unschedulable') === true || taints.length > 0;
    const pending = ofKind(situation, 'Pod').some(({ status }) => textIn(status, 'phase') === 'Pending');
    return closed && pending
      ? [
          {
            ...told,
            certainty: 2,
            field: 'spec.taints',
            does:
              'accepts no new pods: ' +
              taints.map((taint) => `${textIn(taint, 'key')}:${textIn(taint, 'effect')}`).join(', '),
            try: `kubectl uncordon ${node.name}, or remove the taint.`,
            seen: [],
          },
        ]
      : [];
  });
}

/** Deployments that want no pods, or cannot have the ones they want; Kubernetes' own words say why. */
function workloads(situation: ClusterSituation, { namespaces, ownFields = [] }: Concern): Suspect[] {
  return ['Deployment', 'DaemonSet', 'StatefulSet'].flatMap((kind) =>
    ofKind(situation, kind)
      .filter(({ namespace = '' }) => namespaces.includes(namespace))
      .flatMap((workload): Suspect[] => {
        const told = { layer: layerFor(workload), cluster: situation.cluster, object: seenName(workload) };
        const own = ownFields.some(
          ({ cluster, object, value }) =>
            cluster === situation.cluster && object === seenName(workload) && value === '0',
        );
        if (valueAt(workload.body, 'spec.replicas') === 0 && !own)
          return [
            {
              ...told,
              certainty: 2,
              field: 'spec.replicas',
              does: 'is scaled to zero, so it runs no pods',
              try: `kubectl scale -n ${workload.namespace ?? ''} ${kind.toLowerCase()} ${workload.name} --replicas=1`,
              seen: [],
            },
          ];
        const failed = conditionIn(workload.status, 'ReplicaFailure');
        if (failed?.['status'] !== 'True') return [];
        const message = textIn(failed, 'message');
        const hook = /failed calling webhook "([^"]+)"/.exec(message)?.[1];
        const quota = /exceeded quota: ([^,]+)/.exec(message)?.[1];
        return [
          {
            ...told,
            certainty: 2,
            ...(hook === undefined ? {} : { layer: 'control plane' as const, object: `webhook ${hook}` }),
            ...(quota === undefined ? {} : { object: `ResourceQuota ${workload.namespace ?? ''}/${quota}` }),
            does: `prevents ${seenName(workload)} from creating pods: ${message.slice(0, 300)}`,
            try: 'Fix what the message names. The pods then start by themselves.',
            seen: [],
          },
        ];
      }),
  );
}

/** What ails one pod. */
function troubleOf(situation: ClusterSituation, pod: SeenObject, own: readonly string[]): Suspect[] {
  const told = {
    certainty: 2,
    layer: layerFor(pod),
    cluster: situation.cluster,
    object: ownerOf(pod),
    seen: [seenName(pod)],
  } as const;
  const statuses = [...listIn(pod.status, 'initContainerStatuses'), ...listIn(pod.status, 'containerStatuses')].map(
    recordIn,
  );
  for (const container of statuses) {
    const waiting = recordIn(valueAt(container, 'state.waiting'));
    const reason = textIn(waiting, 'reason');
    const name = textIn(container, 'name');
    if (/ImagePull|ErrImage|InvalidImage/.test(reason))
      return [
        {
          ...told,
          layer: 'pods and images',
          field: 'spec.template.spec.containers.image',
          does:
            `cannot get the image ${textIn(container, 'image')} of its container ${name}: ` +
            textIn(waiting, 'message').slice(0, 200),
          try: 'Use an image that the node can pull.',
        },
      ];
    if (/CrashLoop|CreateContainer|RunContainer/.test(reason))
      return [
        {
          ...told,
          does: `starts container ${name} again and again: ${reason} ${textIn(waiting, 'message').slice(0, 200)}`,
          try: `kubectl logs -n ${pod.namespace ?? ''} ${pod.name} -c ${name} --previous`,
        },
      ];
  }
  const unscheduled = conditionIn(pod.status, 'PodScheduled');
  if (unscheduled?.['status'] === 'False') {
    const message = textIn(unscheduled, 'message');
    const taker = whoTookTheRoom(situation, message, own);
    const words = `has a pod that no node accepts: ${message.slice(0, 200)}`;
    return [
      taker === undefined
        ? {
            ...told,
            layer: 'pods and images',
            does: words,
            try: 'Free resources for the pod, or relax its requirements for nodes.',
          }
        : { ...told, ...taker, seen: [`${ownerOf(pod)} ${words}`] },
    ];
  }
  if (textIn(pod.status, 'phase') === 'Pending') return notBegun(situation, pod, told);
  if (textIn(pod.status, 'phase') !== 'Running') return [];
  const unready = statuses.filter((one) => one['ready'] === false && valueAt(one, 'state.running') !== undefined);
  const [first] = unready;
  if (first === undefined) return [];
  const name = textIn(first, 'name');
  const probe = situation.events.find(({ about, reason }) => about.endsWith(pod.name) && reason === 'Unhealthy');
  return [
    {
      ...told,
      does:
        `runs container ${name}, which is not ` +
        `ready${probe === undefined ? '' : `: ${probe.message.slice(0, 200)}`}`,
      try: `kubectl logs -n ${pod.namespace ?? ''} ${pod.name} -c ${name}`,
    },
  ];
}

/**
 * What keeps the kubelet from starting any container of a pod, by its own words: the sandbox, which has the pod's
 * network, or a volume.
 */
function notBegun(
  { cluster, events }: ClusterSituation,
  pod: SeenObject,
  told: Pick<Suspect, 'certainty' | 'layer' | 'cluster' | 'object' | 'seen'>,
): Suspect[] {
  const event = events.findLast(
    ({ about, reason }) =>
      about === seenName(pod) &&
      /^(FailedCreatePodSandBox|NetworkNotReady|FailedMount|FailedAttachVolume)$/.test(reason),
  );
  if (event === undefined) return [];
  const words = event.message.replace(/^.*desc = /s, '').replaceAll(/sandbox "[0-9a-f]{64}"/g, 'sandbox');
  if (/Mount|Volume/.test(event.reason)) {
    const [, kind, name] = /\b(configmap|secret) "([^"]+)" not found/.exec(words) ?? [];
    const missing =
      name === undefined ? undefined : `${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${pod.namespace ?? ''}/${name}`;
    return [
      {
        ...told,
        ...(missing === undefined ? {} : { object: missing }),
        does:
          missing === undefined
            ? `has a pod that waits for a volume: ${words.slice(0, 300)}`
            : `is not there, and ${seenName(pod)} does not start without it`,
        try: `kubectl describe pod -n ${pod.namespace ?? ''} ${pod.name}`,
      },
    ];
  }
  return [
    {
      ...told,
      layer: 'machine and network',
      object: `Node ${textIn(pod.body, 'spec.nodeName') || cluster}`,
      does: `cannot give new pods a network: ${words.slice(0, 300)}`,
      try: 'Check the network plugin of the node (/etc/cni/net.d), its range of addresses, and the container runtime.',
    },
  ];
}

/** Pods of a namespace with injection that have no sidecar, though the scenario's claims are about sidecars. */
export const uninjected: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster) =>
    ofKind(cluster, 'Pod')
      .filter(({ namespace = '', deleting }) => concern.namespaces.includes(namespace) && deleting !== true)
      .filter(({ namespace = '' }) => !meshNamespaces.includes(namespace))
      .flatMap((pod): Suspect[] => {
        const home = ofKind(cluster, 'Namespace').find(({ name }) => name === pod.namespace);
        const asked = home?.labels['istio-injection'] === 'enabled' || home?.labels['istio.io/rev'] !== undefined;
        const names = [...listIn(pod.body, 'spec.containers'), ...listIn(pod.body, 'spec.initContainers')].map((one) =>
          textIn(recordIn(one), 'name'),
        );
        if (!asked || names.includes('istio-proxy')) return [];
        const refuses = pod.labels['sidecar.istio.io/inject'] ?? pod.annotations['sidecar.istio.io/inject'];
        return [
          {
            certainty: 2,
            layer: 'pods and images',
            cluster: cluster.cluster,
            object: ownerOf(pod),
            ...(refuses === undefined ? {} : { field: 'metadata.labels.sidecar.istio.io/inject' }),
            does:
              refuses === undefined
                ? 'has a pod without a sidecar, although its namespace enables injection: the injector did not see it'
                : `disables its sidecar (${refuses}), so its pod is not in the mesh`,
            try: 'Fix the injector or the label, and restart the pod.',
            seen: [seenName(pod)],
          },
        ];
      }),
  );

/** Services of the scenario's namespaces and of the gateways that select no ready pod. */
export const selectsNobody: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster) =>
    ofKind(cluster, 'Service')
      .filter(({ namespace = '' }) => concern.namespaces.includes(namespace))
      .flatMap((service): Suspect[] => {
        const selector = valueAt(service.body, 'spec.selector');
        if (selector === undefined) return [];
        const pods = ofKind(cluster, 'Pod').filter(({ namespace }) => namespace === service.namespace);
        if (pods.some(({ labels }) => selects(selector, labels))) return [];
        const text = Object.entries(recordIn(selector))
          .map((pair) => pair.join('='))
          .join(',');
        return [
          {
            certainty: 1,
            layer: 'names and addresses',
            cluster: cluster.cluster,
            object: seenName(service),
            field: 'spec.selector',
            does: `selects ${text}, which no pod has`,
            try: 'Make the selector match the labels of the pods.',
            seen: pods.map(seenName).slice(0, 5),
          },
        ];
      }),
  );

/** The control plane's own pods are a layer of their own. */
const layerFor = ({ namespace, name }: SeenObject): Suspect['layer'] =>
  namespace === 'istio-system' && name.startsWith('istiod')
    ? 'control plane'
    : meshNamespaces.includes(namespace ?? '')
      ? 'pods and images'
      : 'workload';
