import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { silentProgress } from '../progress/progress.ts';
import { environmentSchema, type Environment } from '../scenario/environment.ts';
import { canaries, found } from '../tape/redact/canaries.ts';
import { collectClusterEvidence } from './sysdump.ts';

const planted = canaries('sysdump1');
const { authorization, header, annotation, query, token, data, variable } = planted;

const objects = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'shop', namespace: 'shop', annotations: { 'team.example/x': annotation.secret } },
      spec: {
        hosts: ['shop.example'],
        http: [{ headers: { request: { set: { authorization: authorization.secret, 'x-team': header.secret } } } }],
      },
    },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'shop' }, data: { x: data.secret } },
  ],
};
const gatewayLog = [
  JSON.stringify({
    start_time: '2026',
    response_code: 200,
    authority: 'shop.example',
    path: `/pay?access=${query.secret}`,
    authorization: authorization.secret,
  }),
  JSON.stringify({
    start_time: '2026',
    response_code: 200,
    authority: 'httpbin.bar.global',
    path: `/get?access=${query.secret}`,
    x_team: header.secret,
  }),
  `[2026] "GET /x?access=${query.secret} HTTP/1.1" 200 - "-" "shop.example"`,
].join('\n');
const istiodLog = [
  `info ads EDS: PUSH for node:shop-1.shop token: ${token.secret}`,
  'info ads CDS: PUSH for node:sleep-76d5.foo resources:3',
  `warn cannot parse env DB_PASSWORD=${variable.secret}`,
  'info ads CDS: PUSH for node:sleep-76d5.foobar resources:3',
].join('\n');

let folder: string;
let kubectl: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-sysdump-'));
  kubectl = join(folder, 'kubectl');
  const answers: Readonly<Record<string, string>> = {
    objects: JSON.stringify(objects),
    gateway: gatewayLog,
    istiod: istiodLog,
  };
  for (const [name, text] of Object.entries(answers)) await writeFile(join(folder, name), text);
  // It writes down what it was asked, and answers what a cluster that others use as well would.
  await writeFile(
    kubectl,
    `#!/bin/sh
shift 4
echo "$@" >> ${folder}/asked
case "$*" in
  "get namespaces"*) echo foo bar;;
  "get serviceentries"*) echo httpbin.bar.global;;
  "get gateways"*) cat ${folder}/objects;;
  *deploy/istiod*) cat ${folder}/istiod;;
  *gateway*) cat ${folder}/gateway;;
  *metallb*) echo "no such deployment" >&2; exit 1;;
  *) echo "event of a pod: token=${token.secret}";;
esac
`,
  );
  await chmod(kubectl, 0o755);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const environment = (foreign: boolean): Environment =>
  environmentSchema.parse({
    name: 'test',
    provider: foreign ? 'existing' : 'kind',
    status: 'ready',
    createdAt: '',
    programs: { kubectl, istioctl: 'istioctl', kind: 'kind', docker: 'docker' },
    versions: { kubernetes: '', istio: '', edition: 'source' },
    images: { httpbin: '', httpbinPort: 8080, curl: '' },
    clusterNames: ['west'],
    clusters: [{ name: 'west', kubeconfig: '/nowhere', context: 'x', foreign }],
  });

async function collected(foreign: boolean): Promise<Readonly<Record<string, string>>> {
  await collectClusterEvidence(environment(foreign), folder, silentProgress);
  const place = join(folder, 'evidence', 'clusters', 'west');
  const names = await readdir(place);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(place, name), 'utf8')] as const)),
  );
}

test.each([true, false])('no canary is in it (clusters of the user: %s)', async (foreign) => {
  const files = await collected(foreign);
  expect(Object.keys(files).sort()).toEqual([
    'egress-gateway.log',
    'events.txt',
    'ingress-gateway.log',
    'istio-objects.yaml',
    'istiod.log',
    'metallb.log',
    'pods.txt',
    'services.txt',
  ]);
  expect(
    Object.entries(files).flatMap(([name, text]) => found(text, planted).map((kind) => `${name}: ${kind}`)),
  ).toEqual([]);
  expect(parse(files['istio-objects.yaml']?.split('---\n')[0] ?? '')).toMatchObject({
    items: [
      { metadata: { name: 'shop' }, spec: { hosts: ['shop.example'] } },
      { kind: 'Secret', metadata: { name: 's' } },
    ],
  });
  expect(files['metallb.log']).toContain('not collected');
});

test('of clusters that meshproof made everything is looked at', async () => {
  const files = await collected(false);
  expect(files['ingress-gateway.log']).toContain('shop.example');
  expect(files['istiod.log']).toContain('shop-1.shop');
  expect(await readFile(join(folder, 'asked'), 'utf8')).toMatch(/get pods -o wide --all-namespaces/);
});

test(
  'of clusters that the user owns only what meshproof made: its namespaces, and lines that name them or their ' +
    'hosts',
  async () => {
    const files = await collected(true);
    expect(files['ingress-gateway.log']?.trim().split('\n')).toHaveLength(1);
    expect(files['ingress-gateway.log']).toContain('httpbin.bar.global');
    expect(files['istiod.log']?.trim()).toBe('info ads CDS: PUSH for node:sleep-76d5.foo resources:3');
    const asked = await readFile(join(folder, 'asked'), 'utf8');
    expect(asked).not.toContain('--all-namespaces');
    for (const line of asked
      .trim()
      .split('\n')
      .filter((one) => /^get (pods|services|events|gateways)/.test(one)))
      expect(line).toMatch(/ -n (foo|bar)$/);
  },
);
