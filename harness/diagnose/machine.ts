import { runProgram } from '../process/run-program.ts';
import type { Docker } from '../toolchain/docker.ts';
import { anyOf } from '../text/any-of.ts';

/**
 * What is asked of a network namespace: packet rules, queues, links, routes, neighbours and the kernel's settings of
 * them; each line of the answer begins with what it is.
 */
const questions = [
  'iptables-save 2>/dev/null | awk \'/^\\*/ {table=substr($1,2)} /^-A/ {print "rule " (table=="filter" ? "" : ' +
    '"-t " table " ") $0} /^:/ && $2!="ACCEPT" && $2!="-" {print "rule -P " substr($1,2) " " $2}\'',
  "ip6tables-save 2>/dev/null | grep '^-A' | sed 's/^/rule6 /'",
  "ebtables-save 2>/dev/null | grep '^-A' | sed 's/^/bridge rule /'",
  "tc qdisc show 2>/dev/null | sed 's/^/queue: /'",
  'for link in $(ls /sys/class/net); do tc filter show dev $link 2>/dev/null | sed "s/^/queue filter: $link ' +
    '/"; tc filter show dev $link ingress 2>/dev/null | sed "s/^/queue filter: $link ingress /"; done',
  "ip -o link show 2>/dev/null | sed 's/^[0-9]*: /link: /; s/link\\/.*//; s/ qlen [0-9]*//'",
  "ip -o -4 addr show 2>/dev/null | sed 's/^[0-9]*: /address: /; s/valid_lft.*//'",
  "ip route show 2>/dev/null | sed 's/^/route: /'",
  "ip rule show 2>/dev/null | sed 's/^/route rule: /'",
  "ip neigh show nud permanent 2>/dev/null | sed 's/^/neighbour: /'",
  "nft list tables 2>/dev/null | sed 's/^/nft /'",
  // iptables tells of its own tables above. What a rule has counted is no part of it.
  'nft list tables 2>/dev/null | while read -r _ family name; do case $name in filter|nat|mangle|raw|security) ' +
    'continue;; esac; nft list table $family $name 2>/dev/null | ' +
    'sed "s/counter packets [0-9]* bytes [0-9]*/counter/" | ' +
    'awk -v table="$family $name" \'/^[ \t]*chain / {chain=$2; next} /^[ \t]*type / && !/policy drop/ {next} ' +
    'chain!="" && NF>1 {print "nft rule " table " " chain ": " $0}\'; done',
  // How the kernel handles packets; what it counts there is no setting.
  'cd /proc/sys && grep -sH . net/bridge/* net/netfilter/* net/ipv4/* net/ipv4/conf/all/* net/ipv4/conf/default/* ' +
    'net/ipv4/conf/eth0/* net/ipv4/conf/cni0/* | grep -vE "(_count|_key):" | sed "s/:/ = /; s/^/setting: /"; cd /',
  // What was not found must not make the whole look a failure.
  'true',
];

/**
 * Of a node alone: what must run there, what is stopped (SIGSTOP) and in which pod, whom it asks for names, how its
 * kubelet, its container runtime and its static pods are configured, and whether its disk is full.
 */
const nodeQuestions = [
  'cat /proc/[0-9]*/comm 2>/dev/null | grep -xE ' +
    '"kubelet|containerd|kube-apiserver|etcd|kube-proxy|kube-scheduler|kube-controller" | sort -u | sed ' +
    '"s/^/service: /"',
  'for status in $(grep -lE "^State:[[:space:]]+[Tt] " /proc/[0-9]*/status 2>/dev/null); do ' +
    'of=${status%/status}; echo "process: $(cat $of/comm) is stopped $(grep -oE "pod[0-9a-f_-]{36}" $of/cgroup ' +
    '| head -1)"; done 2>/dev/null',
  "grep -E '^(nameserver|options)' /etc/resolv.conf 2>/dev/null | sed 's/^/resolver: /'",
  // Each line behind the field that it belongs to.
  'awk \'/^[^ -]/ {field=$1} {print "kubelet: " (/^[ -]/ ? field " " : "") $0}\' /var/lib/kubelet/config.yaml ' +
    '2>/dev/null',
  // What the network plugin is told, as one line for each of the file's.
  'for file in /etc/cni/net.d/*; do [ -f "$file" ] && sed "s|^[[:space:]]*|cni: ${file##*/} |" "$file"; done',
  'for file in /etc/kubernetes/manifests/*.yaml /etc/containerd/config.toml; do [ -r $file ] && ' +
    'echo "file: $file $(cksum < $file)"; done',
  // A pod that gets less than a twentieth of a processor, by whichever version of cgroups.
  'find /sys/fs/cgroup -path "*pod*" \\( -name cpu.cfs_quota_us -o -name cpu.max \\) 2>/dev/null | while read -r ' +
    'file; do case $file in *cpu.max) read -r quota period < $file;; *) quota=$(cat $file); ' +
    'period=$(cat ${file%quota_us}period_us);; esac; [ "$quota" != max ] && [ "$quota" -gt 0 ] && ' +
    '[ $((quota * 20)) -lt "$period" ] && echo "cgroup: $quota of $period µs of a processor ' +
    '$(echo $file | grep -oE "pod[0-9a-f_-]{36}" | head -1)"; done 2>/dev/null',
  'df -P / 2>/dev/null | awk \'NR==2 && $5+0 >= 98 {print "disk: full"}\'',
];

/**
 * In the network namespaces of pods: rules that keep packets from passing, and queues. A pod is told by its address.
 */
const podQuestions =
  'for ns in /var/run/netns/*; do [ -e "$ns" ] || continue; ' +
  'at=$(nsenter --net="$ns" ip -o -4 addr show dev eth0 2>/dev/null | sed "s/.*inet //; s/\\/.*//"); ' +
  '{ nsenter --net="$ns" iptables-save 2>/dev/null | grep "^-A" | grep -E -- "-j (DROP|REJECT)" | sed "s/^/rule /"; ' +
  'nsenter --net="$ns" tc qdisc show 2>/dev/null | sed "s/^/queue: /"; ' +
  'nsenter --net="$ns" ip route show type blackhole 2>/dev/null | sed "s/^/route: /"; ' +
  'nsenter --net="$ns" ip -o link show dev eth0 2>/dev/null | grep -E "NO-CARRIER|state ' +
  '(DOWN|LOWERLAYERDOWN)" | sed "s/.*/link: eth0 DOWN/"; ' +
  'nsenter --net="$ns" ip -o link show dev eth0 2>/dev/null | sed -n "s/.* mtu \\([0-9]\\{1,3\\}\\) .*/link: ' +
  'eth0 mtu \\1/p"; ' +
  'nsenter --net="$ns" ip route show type unreachable 2>/dev/null | sed "s/^/route: /"; } | sed "s/^/pod $at: ' +
  '/"; done; true';

/** Chains and links that Kubernetes, Docker and network plugins make and change all the time. */
const machinery = new RegExp(
  anyOf(
    /(KUBE-|CNI-|DOCKER|KIND-|FLANNEL|CILIUM|cali-|kindnet)/,
    /link: veth|address: veth/,
    /^(pod \S+: )?queue: .*\b(noqueue|pfifo_fast|mq|fq_codel)\b|dev veth|dev cni0 .*permanent/,
  ),
  'i',
);

/** What runs on the node and how, whose names begin as those of the chains do. */
const parts = /^(service|process|file|kubelet|resolver|cgroup|cni): /;

/**
 * The machine below one kind cluster, as lines "<node>: <rule, queue, link, route or neighbour>": what decides a
 * packet's fate outside of Kubernetes. What Kubernetes and Docker change themselves is left out. Of a node that does
 * not run there is one line, which says so.
 *
 * @throws MeshproofError MP702 when a node does not answer within ten seconds.
 */
export async function machineLines(docker: Docker, node: string): Promise<string[]> {
  const options = { purpose: `look at the network of ${node}`, code: 'MP702', timeout: 10_000 } as const;
  const [state = '', limits = ''] = (
    await docker.run(
      [
        'inspect',
        '--format',
        '{{.State.Status}} on {{range $name, $_ := .NetworkSettings.Networks}}{{$name}} ' +
          '{{end}}\n{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.Memory}}',
        node,
      ],
      options,
    )
  ).stdout
    .trim()
    .split('\n');
  const container = `state: ${state}`;
  if (!state.startsWith('running')) return [`${node}: ${container}`];
  const { stdout } = await docker.run(
    ['exec', node, 'sh', '-c', [...questions.slice(0, -1), ...nodeQuestions, podQuestions].join('; ')],
    options,
  );
  return [container, `limits: cpus, quota and memory ${limits.trim()}`, ...linesOf(stdout)].map(
    (line) => `${node}: ${line}`,
  );
}

/**
 * The same of the network namespace that this process stands in: on a machine where meshproof runs the engine, packets
 * between clusters pass its bridges.
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

/**
 * Rules that drop packets in a chain of Kubernetes or of a network plugin: they have some of their own, which never
 * change, but for those of Services that nobody stands behind.
 */
const drops = (line: string): boolean =>
  /^rule .*\b(KUBE|CNI|KIND)-.* -j DROP\b/.test(line) && !/has no (local )?endpoints/.test(line);

/** What of an answer is nobody's machinery, each line once. */
export function linesOf(answer: string): string[] {
  const lines = answer.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  const tells = (line: string): boolean => parts.test(line) || !machinery.test(line) || drops(line);
  return [...new Set(lines.filter((line) => line !== '' && tells(line)))];
}
