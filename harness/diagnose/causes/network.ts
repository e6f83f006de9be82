import type { Explainer } from './cause.ts';

/** What a line of the machine's network state does, by its own words. */
const readings: readonly (readonly [RegExp, string])[] = [
  [/netem.*\b(loss)\b/, 'loses packets'],
  [/netem.*\b(delay)\b/, 'delays packets'],
  [/netem.*\b(corrupt|duplicate|reorder)\b/, 'damages packets'],
  [/qdisc (tbf|tbf|htb|cake)/, 'limits how much passes'],
  [/-j DROP\b|\bdrop\b/, 'drops packets, so callers wait until their time-out'],
  [/-j REJECT\b|\breject\b/, 'refuses packets, so callers see a refused connection'],
  [/-j (DNAT|REDIRECT|SNAT|MASQUERADE|TPROXY)\b/, 'leads packets elsewhere'],
  [/-j TCPMSS\b/, 'changes the size of segments'],
  [/\bmtu \d+/, 'has another MTU, so larger packets do not pass'],
  [/\b(state DOWN|DOWN)\b/, 'is switched off'],
  [/(PERMANENT|NOARP)/, 'holds a fixed hardware address for a neighbour, so its packets go to the wrong place'],
  [/^(blackhole|unreachable|prohibit)\b|route: (blackhole|unreachable|prohibit)/, 'is a route that leads nowhere'],
  [/^route:/, 'leads packets another way'],
];

/**
 * The machine below the cluster: packet rules, queues, links, routes and fixed neighbours that were not there when the mesh was ready, or
 * are there no more.
 */
export const machineNetwork: Explainer = ({ situation }) =>
  situation.clusters.flatMap(({ cluster, network, networkBaseline }) => {
    if (networkBaseline === undefined || network.length === 0) return [];
    const added = network.filter((line) => !networkBaseline.includes(line));
    const gone = networkBaseline.filter((line) => !network.includes(line));
    const told = [...added, ...gone];
    const [first] = told;
    if (first === undefined) return [];
    const line = added.find((one) => readings.some(([pattern]) => pattern.test(one))) ?? first;
    const does = readings.find(([pattern]) => pattern.test(line))?.[1] ?? 'changes the way of packets';
    const node = line.slice(0, line.indexOf(': '));
    const rule = line.slice(line.indexOf(': ') + 2);
    return [
      {
        certainty: 2,
        layer: 'machine and network',
        cluster,
        object: node,
        field: rule,
        does: `${added.includes(line) ? 'has' : 'no longer has'} ${rule}: that ${does}`,
        try: 'Take the rule away on the node; nothing of Kubernetes or Istio made it.',
        seen: [...added.map((one) => `+ ${one}`), ...gone.map((one) => `- ${one}`)].slice(0, 8),
      } as const,
    ];
  });
