import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ConfigDump } from './config-dump.ts';
import { namesThatConcern, ownPart, type Concerned } from './own-part.ts';

const concerned: Concerned = { hosts: ['httpbin.bar.global'], namespaces: ['foo', 'bar'], ports: [8000, 15443] };
const recorded = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../../../fixtures/config-dumps/${name}.json`, import.meta.url), 'utf8'));
const own = (name: string): boolean => new RegExp(`^(${namesThatConcern(concerned)})$`).test(name);

test.each([
  ['outbound|8000||httpbin.bar.global', true],
  ['outbound_.8000_._.httpbin.bar.global', true],
  ['outbound|8000||httpbin.bar.svc.cluster.local', true],
  ['httpbin.bar.global:8000', true],
  ['240.0.0.2_8000', true],
  ['0.0.0.0_15443', true],
  ['8000', true],
  ['inbound|8080||', true],
  ['default', true],
  ['ROOTCA', true],
  ['outbound|443||payments.shop.svc.cluster.local', false],
  ['outbound|80||httpbinxbar.global.example', false],
  ['10.96.0.1_443', false],
])('%s', (name, is) => {
  expect(own(name)).toBe(is);
});

test('of a recorded sidecar the path stays, and nobody else’s service', async () => {
  const whole = await recorded('sleep');
  const part = ConfigDump.parse(ownPart(whole, concerned), 'west foo/sleep');
  const all = ConfigDump.parse(whole, 'west foo/sleep');
  const names = (dump: ConfigDump): string[] => dump.clusters.map(({ name }) => name);
  expect(names(all).some((name) => name.includes('kube-dns'))).toBe(true);
  expect(JSON.stringify(ownPart(whole, concerned))).not.toMatch(/kube-dns|kubernetes\.default/);
  for (const name of names(all).filter((one) => /\.(foo|bar)\./.test(one))) expect(names(part)).toContain(name);
  expect(part.versions).toEqual(all.versions);
  expect(part.certificatesOf('default')).toEqual(all.certificatesOf('default'));
});

test('of a gateway’s listener for everybody only the filter chains of the scenario stay', async () => {
  const whole = await recorded('ingress-gateway');
  const all = ConfigDump.parse(whole, 'east gateway').serverNames(15443);
  const part = ConfigDump.parse(ownPart(whole, concerned), 'east gateway').serverNames(15443);
  expect(all.length).toBeGreaterThan(part.length);
  expect(part).toEqual(all.filter(own));
});
