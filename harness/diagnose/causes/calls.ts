import { ofKind, ownerOf, seenName, type ClusterSituation, type RefusedCall, type SeenObject } from '../situation.ts';
import type { Explainer, Question, Suspect } from './cause.ts';
import { hostMatches, hostsOf } from './change.ts';
import { meaningOf } from './meaning.ts';
import { listIn, recordIn, textIn, valueAt } from './reading.ts';

/**
 * What proxies themselves wrote about a call that came to nothing: Envoy's response code details name the filter,
 * sometimes the object.
 */
export const accessLogs: Explainer = (question) =>
  question.situation.clusters.flatMap((cluster) =>
    cluster.refusedCalls.flatMap((call) => readings.flatMap((read) => read(call, cluster, question))),
  );

type Reading = (call: RefusedCall, cluster: ClusterSituation, question: Question) => Suspect[];

const readings: readonly Reading[] = [
  // "rbac_access_denied_matched_policy[ns[bar]-policy[deny-all]-rule[0]]" (Envoy's RBAC filter, Istio's policy names).
  (call, cluster) => {
    if (!call.details.includes('rbac_access_denied')) return [];
    const [, namespace, name] = /ns\[([^\]]+)\]-policy\[([^\]]+)\]/.exec(call.details) ?? [];
    if (namespace !== undefined && name !== undefined) {
      const denied = { kind: 'AuthorizationPolicy', namespace, name };
      return [policy(cluster, denied, call, reasonOfDenial(cluster, denied))];
    }
    return policiesOn(cluster, call).map((object) =>
      policy(cluster, object, call, 'allows only calls that match its rules, and this call matches none'),
    );
  },
  // "jwt_authn_access_denied{Jwt_is_missing}" (Envoy's JWT filter).
  (call, cluster) =>
    /jwt_authn|Jwt/.test(call.details)
      ? ofKind(cluster, 'RequestAuthentication').map((object) =>
          policy(cluster, object, call, 'rejected the token of the call'),
        )
      : [],
  // The fault filter, a direct response and a redirect are a VirtualService's doing.
  (call, cluster, { concern }) =>
    /fault_filter_abort|direct_response/.test(call.details) || hasFlag(call, 'FI', 'DI')
      ? virtualServices(cluster, concern.hosts).map((object) => policy(cluster, object, call, meaningOf(object).does))
      : [],
  // A limit of the connection pool, or a time-out of the route.
  (call, cluster, { concern }) =>
    call.details.includes('overflow') || hasFlag(call, 'UO')
      ? ofKind(cluster, 'DestinationRule')
          .filter((object) =>
            hostsOf(object).some((pattern) => concern.hosts.some((host) => hostMatches(pattern, host))),
          )
          .filter(({ body }) => valueAt(body, 'spec.trafficPolicy.connectionPool') !== undefined)
          .map((object) => policy(cluster, object, call, 'allows fewer connections or requests than the client made'))
      : [],
  (call, cluster, { concern }) =>
    /response_timeout|upstream_per_try_timeout/.test(call.details) || hasFlag(call, 'UT')
      ? virtualServices(cluster, concern.hosts)
          .filter(({ body }) => listIn(body, 'spec.http').some((rule) => recordIn(rule)['timeout'] !== undefined))
          .map((object) => policy(cluster, object, call, 'ends calls before the server answers'))
      : [],
  // The server's own sidecar sent the call to the program beside it: what came back is the program's.
  (call, cluster) => {
    if (!call.upstreamCluster.startsWith('inbound|')) return [];
    const at = call.proxy.slice(call.proxy.indexOf(' ') + 1);
    const pod = ofKind(cluster, 'Pod').find(({ namespace = '', name }) => `${namespace}/${name}` === at);
    if (pod === undefined) return [];
    const port = call.upstreamCluster.split('|')[1] ?? '';
    const does =
      call.details === 'via_upstream' && call.code >= 500
        ? `answers ${call.code} itself`
        : hasFlag(call, 'UF', 'URX')
          ? `does not accept connections on port ${port}: nothing listens there`
          : hasFlag(call, 'UC', 'UPE')
            ? 'closes connections before it answers'
            : hasFlag(call, 'DC', 'UT')
              ? 'did not answer before the caller gave up'
              : undefined;
    return does === undefined
      ? []
      : [
          {
            certainty: 2,
            layer: 'workload',
            cluster: cluster.cluster,
            object: ownerOf(pod),
            does,
            try: `kubectl logs -n ${pod.namespace ?? ''} ${pod.name}; call the program directly, without its sidecar.`,
            seen: [`${call.proxy} answered ${call.code} (${call.flags}, ${call.details})`],
          },
        ];
  },
];

/**
 * A CUSTOM policy whose provider istiod does not know denies whatever its rules match (istio:
 * pilot/pkg/security/authz/builder/extauthz.go).
 */
function reasonOfDenial(
  cluster: ClusterSituation,
  denied: { readonly namespace: string; readonly name: string },
): string {
  const found = ofKind(cluster, 'AuthorizationPolicy').find(
    ({ namespace, name }) => namespace === denied.namespace && name === denied.name,
  );
  if (found === undefined || textIn(found.body, 'spec.action') !== 'CUSTOM')
    return 'denied the call with one of its DENY rules';
  const provider = textIn(found.body, 'spec.provider.name');
  const mesh = ofKind(cluster, 'ConfigMap').find(
    ({ namespace, name }) => namespace === 'istio-system' && name === 'istio',
  );
  const known = mesh === undefined || textIn(mesh.body, 'data.mesh').includes(provider);
  return known
    ? `denied the call since its provider ${provider} did, or did not answer`
    : `names the provider ${provider}, which the mesh’s extensionProviders lack: istiod denies what its rules match`;
}

/** Envoy's short words for how a call ended (envoy: StreamInfo response flags). */
const hasFlag = ({ flags }: RefusedCall, ...wanted: string[]): boolean =>
  flags.split(',').some((flag) => wanted.includes(flag));

function policy(
  { cluster }: ClusterSituation,
  object: Pick<SeenObject, 'kind' | 'namespace' | 'name'>,
  { proxy, code, details, flags }: RefusedCall,
  does: string,
): Suspect {
  return {
    certainty: 3,
    layer: 'mesh objects',
    cluster,
    object: seenName(object),
    does,
    try:
      `Check its rules: kubectl get -n ${object.namespace ?? ''} ${object.kind.toLowerCase()} ${object.name} ` +
      '-o yaml',
    seen: [`${proxy} answered ${code} (${flags === '-' ? '' : `${flags}, `}${details})`],
  };
}

/** The policies that can hold at the proxy of a call: those of its namespace, and of the whole mesh. */
const policiesOn = (cluster: ClusterSituation, { proxy }: RefusedCall): SeenObject[] => {
  const namespace = proxy.slice(proxy.indexOf(' ') + 1, proxy.indexOf('/'));
  return ofKind(cluster, 'AuthorizationPolicy').filter(
    (object) => object.namespace === namespace || object.namespace === 'istio-system',
  );
};

const virtualServices = (cluster: ClusterSituation, hosts: readonly string[]): SeenObject[] =>
  ofKind(cluster, 'VirtualService').filter((object) =>
    hostsOf(object).some((pattern) => hosts.some((host) => hostMatches(pattern, host))),
  );
