import type { Fault } from '../fault.ts';
import { onNode } from './made.ts';

/** The machine and the network below the clusters. */
export const networkFaults: readonly Fault[] = [
  {
    id: 'packets-dropped-at-server',
    breaks: 'the server’s node drops packets to the gateway',
    at: 'server',
    inject: onNode('FORWARD 1 -p tcp --dport 15443 -j DROP'),
    cause: ['node'],
  },
  {
    id: 'packets-rejected-at-client',
    breaks: 'the client’s node refuses connections to 15443',
    at: 'client',
    inject: onNode('FORWARD 1 -p tcp --dport 15443 -j REJECT'),
    cause: ['node'],
  },
  {
    id: 'packets-lost',
    breaks: 'the server’s node loses every packet that it sends',
    at: 'server',
    inject: {
      onNode: 'tc qdisc add dev cni0 root netem loss 100%',
      undo: 'tc qdisc del dev cni0 root',
    },
    cause: ['node'],
  },
  {
    id: 'packets-dropped-at-client',
    breaks: 'the client’s node drops packets to 15443',
    at: 'client',
    inject: onNode('FORWARD 1 -p tcp --dport 15443 -j DROP'),
    cause: ['node'],
  },
  {
    id: 'packets-rejected-at-server',
    breaks: 'the server’s node refuses connections to the gateway',
    at: 'server',
    inject: onNode('FORWARD 1 -p tcp --dport 15443 -j REJECT --reject-with tcp-reset'),
    cause: ['node'],
  },
  {
    id: 'packets-large-dropped',
    breaks: 'the server’s node drops large packets, as a path with a smaller MTU does',
    at: 'server',
    inject: onNode('FORWARD 1 -p tcp --dport 15443 -m length --length 600:65535 -j DROP'),
    cause: ['node'],
  },
  {
    id: 'packets-damaged',
    breaks: 'the server’s node damages every packet that it hands to its pods',
    at: 'server',
    inject: { onNode: 'tc qdisc add dev cni0 root netem corrupt 100%', undo: 'tc qdisc del dev cni0 root' },
    cause: ['node'],
  },
  {
    id: 'packets-late',
    breaks: 'the server’s node holds every packet back for a quarter of a minute',
    at: 'server',
    inject: { onNode: 'tc qdisc add dev cni0 root netem delay 15s', undo: 'tc qdisc del dev cni0 root' },
    cause: ['node'],
  },
  {
    id: 'packets-few',
    breaks: 'the server’s node lets a kilobit a second pass',
    at: 'server',
    inject: {
      onNode: 'tc qdisc add dev cni0 root tbf rate 1kbit burst 1600 latency 50ms',
      undo: 'tc qdisc del dev cni0 root',
    },
    cause: ['node'],
  },
  {
    id: 'route-leads-nowhere',
    breaks: 'the client’s node has a route to the server’s gateway that leads nowhere',
    at: 'client',
    inject: { onNode: 'ip route add blackhole {gateway}/32', undo: 'ip route del blackhole {gateway}/32' },
    cause: ['node'],
  },
  {
    id: 'neighbour-wrong',
    breaks: 'the client’s node holds a wrong hardware address for the server’s gateway',
    at: 'client',
    inject: {
      onNode: 'ip neigh replace {gateway} lladdr 02:00:00:00:00:99 nud permanent dev eth0',
      undo: 'ip neigh del {gateway} dev eth0',
    },
    cause: ['node'],
  },
  {
    id: 'forwarding-off',
    breaks: 'the server’s node passes no packets on',
    at: 'server',
    inject: { onNode: 'echo 0 > /proc/sys/net/ipv4/ip_forward', undo: 'echo 1 > /proc/sys/net/ipv4/ip_forward' },
    cause: ['node'],
  },
  {
    id: 'bridge-leaves-rules-out',
    breaks: 'the server’s node leaves packets between its pods out of the packet rules, so Services do not answer them',
    at: 'server',
    inject: {
      onNode: 'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables',
      undo: 'echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables',
    },
    cause: ['node'],
    noticedBy: ['tcp-service'],
  },
  {
    id: 'packets-dropped-by-nftables',
    breaks: 'a table of nftables on the server’s node, of which iptables knows nothing, drops packets to the gateway',
    at: 'server',
    inject: {
      onNode:
        "nft 'add table inet fault; add chain inet fault forward { type filter hook forward priority -10; }; " +
        "add rule inet fault forward tcp dport 15443 drop'",
      undo: 'nft delete table inet fault',
    },
    cause: ['node'],
  },
  {
    id: 'masquerade-left-out',
    breaks: 'the client’s node lets packets of its pods out under their own addresses, to which nobody answers',
    at: 'client',
    inject: {
      onNode: 'iptables -t nat -I POSTROUTING 1 -s 10.244.0.0/16 ! -d 10.0.0.0/8 -j RETURN',
      undo: 'iptables -t nat -D POSTROUTING -s 10.244.0.0/16 ! -d 10.0.0.0/8 -j RETURN',
    },
    cause: ['node'],
    noticedBy: ['tcp-service'],
  },
  {
    id: 'network-plugin-without-default-route',
    breaks: 'the network plugin of the client’s node gives new pods no default route',
    at: 'client',
    inject: {
      onNode:
        'for file in /etc/cni/net.d/*.conflist; do cp -p $file $file.before && ' +
        'sed -i \'s#"dst": *"0.0.0.0/0"#"dst":"10.0.0.0/8"#\' $file; done',
      undo: 'for file in /etc/cni/net.d/*.conflist; do mv $file.before $file; done',
    },
    cause: ['node'],
    noticedBy: ['strict-mtls'],
  },
  {
    id: 'health-port-dropped',
    breaks: 'the server’s node drops packets to the gateway’s health port',
    at: 'server',
    inject: onNode('FORWARD 1 -p tcp --dport 15021 -j DROP'),
    cause: ['node'],
    noticedBy: ['prerequisites'],
    kills: ['prerequisites: gateways-reachable'],
  },
  {
    id: 'control-plane-cut-off',
    breaks: 'the client’s node drops what proxies and istiod say to each other',
    at: 'client',
    inject: onNode('FORWARD 1 -p tcp --dport 15012 -j DROP'),
    cause: ['node'],
  },
];
