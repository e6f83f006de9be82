import { ofKind, seenName, type ClusterSituation } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { textIn } from './reading.ts';

/** What a line of the machine's network state does, by its own words. */
const readings: readonly (readonly [RegExp, string])[] = [
  [/^state: paused/, 'is paused, so nothing on it runs'],
  [/^state: running on\s*$/, 'is connected to no network'],
  [/^state: running/, 'is connected to other networks'],
  [/^state:/, 'does not run'],
  [/^limits:/, 'limits how much of the machine the node can use'],
  [/^process: .* is stopped/, 'blocks it until the process is continued'],
  [/^service: /, 'is what the node needs to run its pods'],
  [/^cgroup: /, 'leaves it hardly any processor time, so that it answers late or never'],
  [/^resolver: /, 'determines which server answers the node’s DNS queries'],
  [/^kubelet: cluster(DNS|Domain)/, 'determines whom new pods ask for names'],
  [/^kubelet: (maxPods|podPidsLimit|podsPerCore)/, 'limits what new pods may have on the node'],
  [/^cni: /, 'determines which network new pods get'],
  [/^kubelet: /, 'determines how the node runs its pods'],
  [/^file: \S+manifests/, 'determines how a part of the cluster’s control plane runs'],
  [/^file: /, 'determines how the node runs containers'],
  [/^disk: full/, 'prevents any further writes'],
  [/netem.*\b(loss)\b/, 'loses packets'],
  [/netem.*\b(corrupt|duplicate|reorder)\b/, 'damages packets'],
  [/netem.*\b(delay)\b/, 'delays packets'],
  [/queue: qdisc (tbf|htb|cake|hfsc|netem)/, 'limits how much traffic passes'],
  [/queue filter:/, 'filters packets before anything else sees them'],
  [/-j DROP\b|\bdrop\b|-P \w+ DROP/, 'drops packets, so callers wait until they time out'],
  [/-j REJECT\b|\breject\b/, 'rejects packets, so callers see a refused connection'],
  [/-j (DNAT|REDIRECT|SNAT|MASQUERADE|TPROXY)\b/, 'redirects packets'],
  [/-j TTL --ttl-(set [01]|dec)\b/, 'lets packets expire at the next router'],
  [/-j TCPMSS\b/, 'changes the TCP segment size'],
  [
    /^setting: .*bridge-nf-call-ip6?tables = 0/,
    'leaves packets between pods of one node out of the packet rules, so answers of Services come from other addresses',
  ],
  [/^setting: .*ip_forward = 0/, 'does not forward packets, so none reach its pods'],
  [/^setting:/, 'changes how packets are handled'],
  [/\b(state DOWN|DOWN)\b/, 'is switched off'],
  [/^link: .*\bmtu \d+/, 'has a different MTU, so larger packets do not pass'],
  [/(PERMANENT|NOARP)/, 'holds a fixed hardware address for a neighbour, so its packets go to the wrong place'],
  [/^route: (blackhole|unreachable|prohibit)\b/, 'is a route that leads nowhere'],
  [/^route/, 'sends packets another way'],
  [/^address:/, 'is an address of the machine'],
];

const placeOf = (rule: string): number =>
  readings.findIndex(([pattern]) => pattern.test(rule.replace(/^pod \S+: /, '')));
const readingOf = (rule: string): string | undefined => readings[placeOf(rule)]?.[1];

/** The line that says most: the first of the readings above stop more than those that follow. */
const gravest = (lines: readonly string[]): string | undefined =>
  lines.filter((line) => placeOf(line) >= 0).sort((left, right) => placeOf(left) - placeOf(right))[0];

/** A link whose MTU is what it was: something else of it is another. */
function keepsMtu(rule: string, gone: readonly string[]): boolean {
  const linkOf = (line: string): string | undefined => /^link: [^:@]+/.exec(line)?.[0];
  const mtuOf = (line: string | undefined): string | undefined => /\bmtu \d+/.exec(line ?? '')?.[0];
  const before = gone.find((line) => linkOf(line) !== undefined && linkOf(line) === linkOf(rule));
  return before !== undefined && mtuOf(before) === mtuOf(rule) && !/\bDOWN\b/.test(rule);
}

/**
 * The machine below the cluster: packet rules, queues, links, routes and fixed neighbours that were not there when the
 * mesh was ready, or are there no more.
 */
export const machineNetwork: Explainer = ({ situation }) =>
  situation.clusters.flatMap((cluster) => {
    const { added, gone } = machineChanges(cluster);
    const nodes = new Set([...added, ...gone].map(nodeOf));
    return [...nodes].map((node): Suspect => {
      const [more, less] = [added, gone].map((lines) => lines.filter((line) => nodeOf(line) === node).map(ruleOf));
      return suspect(cluster, node, more ?? [], less ?? []);
    });
  });

/** Lines of the machine below a cluster that are not as they were when its mesh was ready. */
export function machineChanges({ network, networkBaseline }: Pick<ClusterSituation, 'network' | 'networkBaseline'>): {
  readonly added: readonly string[];
  readonly gone: readonly string[];
} {
  if (networkBaseline === undefined || network.length === 0) return { added: [], gone: [] };
  const known = new Set(networkBaseline.flatMap((line) => settingOf(line) ?? []));
  const added = network.filter((line) => {
    // A setting that nobody looked at when the mesh was ready was not changed, as far as anybody knows.
    const setting = settingOf(line);
    const compared = setting === undefined || known.has(setting);
    return compared && !networkBaseline.includes(line) && !isOfNeighbours(line);
  });
  const dead = network.some((line) => /^\S+: state: (?!running)/.test(line));
  // Of a node that does not run nothing else could be asked.
  return { added, gone: dead ? [] : networkBaseline.filter((line) => !network.includes(line)) };
}

/** Between the clusters other environments come and go, with links, addresses and rules of their own. */
const isOfNeighbours = (line: string): boolean =>
  line.startsWith('bridges') &&
  /: (link|address|route|rule .*-j (ACCEPT|MASQUERADE|RETURN))\b/.test(line) &&
  !/blackhole|unreachable|prohibit/.test(line);

/** Node and name of a kernel setting; undefined for every other line. */
const settingOf = (line: string): string | undefined => /^.*?: setting: \S+/.exec(line)?.[0];

function suspect(cluster: ClusterSituation, node: string, added: readonly string[], gone: readonly string[]): Suspect {
  // What a link or a route lost most often follows from what was put in.
  const rule = gravest(added) ?? gone[0] ?? added[0] ?? '';
  const address = /^pod (\S+): /.exec(rule)?.[1];
  const uid = /\bpod([0-9a-f_-]{36})$/.exec(rule)?.[1]?.replaceAll('_', '-');
  const pod = ofKind(cluster, 'Pod').find(
    (one) =>
      (address !== undefined && textIn(one.status, 'podIP') === address) || (uid !== undefined && one.uid === uid),
  );
  const does = keepsMtu(rule, gone) ? 'is another than it was' : (readingOf(rule) ?? 'changes the path of packets');
  const told = rule.replace(/^pod \S+: /, '').replace(/ pod[0-9a-f_-]{36}$/, '');
  return {
    // Rules of a machine are nobody's by chance: on clusters that meshproof made, somebody put them in.
    certainty: 3,
    layer: 'machine and network',
    cluster: cluster.cluster,
    object: pod === undefined ? node : seenName(pod),
    field: told,
    does: told.startsWith('state:')
      ? does
      : `${added.includes(rule) ? 'has' : 'no longer has'} ` +
        `“${told}”${address === undefined ? '' : ' in its network namespace'}, which ${does}`,
    try: told.startsWith('state:')
      ? `Start or reconnect the container of the node: docker inspect ${node}`
      : 'Undo the change on the node. Neither Kubernetes nor Istio made it.',
    seen: [...added.map((line) => `+ ${line}`), ...gone.map((line) => `- ${line}`)].slice(0, 8),
  };
}

const nodeOf = (line: string): string => line.slice(0, line.indexOf(': '));
const ruleOf = (line: string): string => line.slice(line.indexOf(': ') + 2);
