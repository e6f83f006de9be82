import { runProgram } from '../process/run-program.ts';
import type { Docker } from '../toolchain/docker.ts';

/** What is asked of a node: packet rules, queues, links, routes and neighbours; each line of the answer begins with what it is. */
const questions = [
  "iptables-save 2>/dev/null | grep '^-A' | sed 's/^/rule /'",
  "ip6tables-save 2>/dev/null | grep '^-A' | sed 's/^/rule6 /'",
  "tc qdisc show 2>/dev/null | sed 's/^/queue: /'",
  "ip -o link show 2>/dev/null | sed 's/^[0-9]*: /link: /; s/link\\/.*//'",
  "ip route show 2>/dev/null | sed 's/^/route: /'",
  "ip neigh show nud permanent 2>/dev/null | sed 's/^/neighbour: /'",
  "nft list tables 2>/dev/null | sed 's/^/nft /'",
  // What was not found must not make the whole look a failure.
  'true',
];

/** Chains and links that Kubernetes, Docker and network plugins make and change all the time. */
const machinery =
  /(KUBE-|CNI-|DOCKER|KIND-|FLANNEL|CILIUM|cali-|kindnet)|^rule -A (POSTROUTING|PREROUTING|OUTPUT).*(10\.244\.|cni)|link: veth|^queue: .*\b(noqueue|pfifo_fast|mq|fq_codel)\b|dev veth|dev cni0 .*permanent/i;

/**
 * The machine below one kind cluster, as lines "<node>: <rule, queue, link, route or neighbour>": what decides a packet's fate outside of
 * Kubernetes. What Kubernetes and Docker change themselves is left out.
 *
 * @throws MeshproofError MP702 when a node does not answer within ten seconds.
 */
export async function machineLines(docker: Docker, node: string): Promise<string[]> {
  const { stdout } = await docker.run(['exec', node, 'sh', '-c', questions.join('; ')], {
    purpose: `look at the network of ${node}`,
    code: 'MP702',
    timeout: 10_000,
  });
  return linesOf(stdout).map((line) => `${node}: ${line}`);
}

/**
 * The same of the network namespace that this process stands in: on a machine where meshproof runs the engine, packets between clusters pass
 * its bridges.
 *
 * @throws MeshproofError MP702 when it cannot be looked at.
 */
export async function bridgeLines(): Promise<string[]> {
  const { stdout } = await runProgram({
    program: 'sh',
    args: ['-c', questions.join('; ')],
    purpose: 'look at the bridges between the clusters',
    code: 'MP702',
    timeout: 10_000,
  });
  return linesOf(stdout).map((line) => `bridges between the clusters: ${line}`);
}

/** What of an answer is nobody's machinery, each line once. */
export function linesOf(answer: string): string[] {
  const lines = answer.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  return [...new Set(lines.filter((line) => line !== '' && !machinery.test(line)))];
}
