import { expect, test } from 'vitest';
import { linesOf } from './machine.ts';

test.each([
  ['rule -t nat -A POSTROUTING -s 10.244.0.0/24 -d 172.16.0.0/12 -m comment --comment ip-masq-agent -j RETURN', true],
  ['rule -A KUBE-FORWARD -p tcp -m tcp --dport 15443 -j DROP', true],
  ['rule -A KUBE-EXTERNAL-SERVICES -d 172.18.0.9/32 -m comment --comment "a/b has no local endpoints" -j DROP', false],
  ['rule -t nat -A KUBE-SVC-ABC ! -s 10.244.0.0/16 -d 10.96.0.1/32 -j KUBE-MARK-MASQ', false],
  ['rule -t nat -A POSTROUTING -s 10.244.0.5/32 -m comment --comment "name: \\"meshproof\\"" -j CNI-0123', false],
  ['nft rule inet edge_guard prerouting: iifname "eth0" tcp dport 30000-32767 drop', true],
  ['cgroup: 1000 of 1000000 µs of a processor pod0123', true],
  ['service: kube-proxy', true],
  ['link: veth0123 <BROADCAST> mtu 1500', false],
])('%s: is told: %s', (line, told) => {
  expect(linesOf(`${line}\n\n${line}\n`)).toEqual(told ? [line] : []);
});
