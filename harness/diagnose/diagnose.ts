import { catalogue, type ErrorCode } from '../errors/catalogue.ts';
import { brokenHop, type Hop } from '../probe/trace.ts';

/** Why a path does not work: the first hop that is not there, what that most likely means, and what to try. */
export interface Diagnosis {
  /** Stable code of the kind of breakage; `meshproof explain <code>` tells more. */
  readonly code: ErrorCode;
  /** "east istio-system/istio-ingressgateway-… · filter chain". */
  readonly hop: string;
  readonly cause: string;
  readonly try: string;
}

/** A diagnosis as lines. */
export const formatDiagnosis = ({
  code,
  hop,
  cause,
  try: remedy,
}: Readonly<Record<keyof Diagnosis, string>>): string[] => [
  `${code} at ${hop}`,
  `  cause    ${cause}`,
  `  try      ${remedy}`,
];

/** The same in one line, as a symptom: where the cause is known, what to try follows from that. */
export const formatSymptom = ({ code, hop, cause }: Readonly<Record<'code' | 'hop' | 'cause', string>>): string =>
  `${code} at ${hop}: ${cause}`;

/**
 * Names the first broken hop of a path and its likely cause. A path is looked at in the order of the traffic: what
 * comes behind a broken hop is never reached, and says nothing.
 *
 * @param hops the traces of a claim, in whatever order they were looked at
 * @returns undefined when every hop is there: the configuration is not what breaks
 */
export function diagnose(hops: readonly Hop[]): Diagnosis | undefined {
  const broken = brokenHop([...hops].sort((left, right) => placeOf(left) - placeOf(right)));
  if (broken === undefined) return undefined;
  const code = codeOf(broken);
  const { title, meaning, remedy } = catalogue[code];
  return {
    code,
    hop: `${broken.proxy} · ${broken.hop}`,
    cause: `${title}: ${causeOf(broken) ?? meaning}`,
    try: remedy,
  };
}

/**
 * Where traffic meets the proxy of a hop: as its topology says, or by the name of the proxy in dumps of a mesh that
 * nobody described.
 */
export const placeOf = ({ place, proxy }: Pick<Hop, 'place' | 'proxy'>): number => place ?? placeOnPath(proxy);

/** Where traffic meets a proxy: a workload's sidecar first, then the egress gateway, then the peer's gateway. */
export const placeOnPath = (proxy: string): number =>
  proxy.includes('egressgateway') ? 1 : proxy.includes('ingressgateway') ? 2 : 0;

function codeOf({ hop, expected, nearest }: Hop): ErrorCode {
  switch (hop) {
    case 'listener':
      // A gateway listens on a port, a sidecar for an address; names of pods say nothing.
      return expected.startsWith('a listener on ') ? 'MP807' : 'MP802';
    case 'route':
      return 'MP803';
    case 'cluster':
      return 'MP804';
    case 'mutual TLS':
      return 'MP805';
    case 'endpoint':
      return 'MP806';
    case 'filter chain':
      return 'MP808';
    case 'SNI cluster':
      return nearest[0]?.startsWith('the chain leads to') === true ? 'MP810' : 'MP809';
    case 'workload':
      return nearest.length === 0 ? 'MP809' : 'MP810';
    case 'configuration':
      return 'MP801';
  }
}

/** What the nearest thing that is there tells beyond the kind of breakage. */
function causeOf({ hop, expected, nearest }: Hop): string | undefined {
  const [first = ''] = nearest;
  const local = nearest.find((name) => name.endsWith('.svc.cluster.local'));
  switch (hop) {
    case 'filter chain':
      return local === undefined
        ? undefined
        : `the gateway knows the service as ${local} only, so the receiving cluster does not declare the .global host`;
    case 'mutual TLS':
      return first.startsWith('no TLS')
        ? 'the sidecar speaks plain text to the endpoint: no DestinationRule asks for ISTIO_MUTUAL, and the ' +
            'endpoint has no tlsMode label'
        : first.includes(', presents ')
          ? `the sidecar’s TLS is not mutual: ${first}`
          : `the sidecar asks for ${first}, the gateway is looked at for ${expected.replace('mutual TLS with ', '')}`;
    case 'endpoint':
      return nearest.length === 0
        ? 'the cluster has no endpoint at all: its name does not resolve, or a network view hides it'
        : `the cluster leads to ${nearest.join(', ')} instead`;
    case 'route':
      return /allow_any|block_all|PassthroughCluster|BlackHoleCluster/.test(nearest.join(' '))
        ? 'the host falls to the catch-all: the sidecar does not know it'
        : undefined;
    case 'workload':
      return nearest.length === 0 ? undefined : `the gateway has ${nearest.join(', ')} instead`;
    case 'listener':
    case 'SNI cluster':
      return first.startsWith('the chain leads to') ? `${first} instead of the service’s own cluster` : undefined;
    case 'cluster':
    case 'configuration':
      return undefined;
  }
}
