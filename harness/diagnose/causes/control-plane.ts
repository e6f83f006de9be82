import { ofKind, type ClusterSituation } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { conditionIn, holdsIn, listIn, recordIn, textIn, valueAt } from './reading.ts';

/** istiod itself: not there, without a ready pod, or telling of what it could not do. */
export const controlPlane: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap(({ cluster, controlPlaneLog, ...rest }): Suspect[] => {
    const told = { layer: 'control plane', cluster, object: 'Deployment istio-system/istiod' } as const;
    const pods = ofKind({ cluster, controlPlaneLog, ...rest }, 'Pod').filter(({ name }) => name.startsWith('istiod-'));
    const ready = pods.filter(({ status }) => holdsIn(status, 'Ready'));
    const suspects: Suspect[] = [];
    if (rest.objects.length > 0 && ready.length === 0)
      suspects.push({
        ...told,
        certainty: 2,
        does:
          `has no ready pod${pods.length === 0 ? '' : ` (${pods.length} are not ready)`}: proxies keep their ` +
          'old configuration, and get no updates',
        try: 'kubectl describe -n istio-system deploy/istiod; check its log and its events.',
        seen: [],
      });
    // istiod's words for a push that Envoy refused, and for certificates that it does not sign.
    const rejected = controlPlaneLog.find(
      (line) => /ACK ERROR|NACK|rejected/i.test(line) && !isConflictOfOthers(line, concern.hosts),
    );
    if (rejected !== undefined)
      suspects.push({
        ...told,
        certainty: 2,
        does: `sends configuration that proxies reject: ${rejected.slice(0, 300)}`,
        try: 'Fix the object named in the message. Until then, the proxy keeps its last good configuration.',
        seen: [rejected],
      });
    return suspects;
  });

/**
 * Of two TCP services on one address istiod notes which one it leaves out (istio: pilot/pkg/model/push_context.go,
 * ProxyStatusConflictOutboundListenerTCPOverTCP); that concerns those who call one of them.
 */
const isConflictOfOthers = (line: string, hosts: readonly string[]): boolean =>
  /Accepted=\w+ Rejected=\w+/.test(line) && !hosts.some((host) => line.includes(host));

/** An API server that answered none of the questions about its objects. */
export const apiServers: Explainer = ({ situation }) =>
  situation.clusters.flatMap(({ cluster, objects, unseen }): Suspect[] => {
    const [first] = unseen;
    // Whoever may not look has an answer.
    if (objects.length > 0 || first === undefined || /forbidden|unauthorized/i.test(first)) return [];
    return [
      {
        certainty: 2,
        layer: 'control plane',
        cluster,
        object: 'API server',
        does: `does not answer: ${first.slice(first.indexOf(':') + 2, 300)}`,
        try: 'Check that kube-apiserver and etcd run on the node, and that its address is reachable.',
        seen: unseen.slice(0, 4),
      },
    ];
  });

/** Webhooks that nobody answers: the API server then refuses what they are asked about. */
export const deadWebhooks: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster): Suspect[] =>
    ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].flatMap((kind) =>
      ofKind(cluster, kind).flatMap((configuration): Suspect[] =>
        listIn(configuration.body, 'webhooks')
          .map(recordIn)
          .flatMap((hook): Suspect[] => {
            const name = textIn(hook, 'name');
            if (!concern.words.includes(`"${name}"`) && !isMissedFor(cluster, name)) return [];
            const service = recordIn(valueAt(hook, 'clientConfig.service'));
            const target = `${textIn(service, 'namespace')}/${textIn(service, 'name')}`;
            return [
              {
                certainty: 3,
                layer: 'control plane',
                cluster: cluster.cluster,
                object: `${kind} ${configuration.name}`,
                field: `webhooks[${name}]`,
                does:
                  `makes the API server reject objects while service ${target} does not answer (failurePolicy ` +
                  `${textIn(hook, 'failurePolicy')})`,
                try: `Check that ${target} has ready pods, or remove the webhook.`,
                seen: [],
              },
            ];
          }),
      ),
    ),
  );

/**
 * Whether objects are missing in a cluster because a webhook did not answer. Of pods their Deployment says so, as long
 * as it is so; an event about a ReplicaSet stays for an hour, whatever became of it.
 */
function isMissedFor(cluster: ClusterSituation, webhook: string): boolean {
  const failures = ofKind(cluster, 'Deployment').map(({ status }) => conditionIn(status, 'ReplicaFailure'));
  const events = cluster.events.filter(({ about }) => !about.startsWith('ReplicaSet '));
  return [...failures, ...events].some((said) => textIn(said, 'message').includes(`"${webhook}"`));
}
