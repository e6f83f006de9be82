import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { remoteServiceViaEgress } from '../mesh/profile.ts';
import { remoteService } from '../mesh/services.ts';
import { stubDomainConfigMap, type StubDomainForm } from '../mesh/stub-domain.ts';
import { answersTo } from './command-output.ts';
import { cover, uncovered } from './coverage.ts';
import { commandsOf, parsePage } from './page.ts';
import { runRecordSchema } from './run-data.ts';
import { transcript } from './transcript.ts';

const fixture = (path: string): string => readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), 'utf8');
const page = parsePage(
  readFileSync(new URL('../assets/walkthrough/replicated-control-planes.zh.md', import.meta.url), 'utf8'),
);
const run = runRecordSchema.parse(JSON.parse(fixture('runs/three-scenarios.json')));

/** The manifest that a command of the page applies, with the page's variables replaced. */
function manifest(id: string, variables: Readonly<Record<string, string>> = {}): unknown {
  const text = page.commands.find((command) => command.id === id)?.text ?? '';
  const body = text.slice(text.indexOf('\n') + 1, text.lastIndexOf('\nEOF'));
  return parse(Object.entries(variables).reduce((so, [name, value]) => so.replaceAll(name, value), body));
}

describe('the page', () => {
  test('has 29 commands, each by its section and place', () => {
    expect(page.commands).toHaveLength(29);
    expect(page.commands.map(({ id }) => id)).toContain('cleanup-the-example.5');
    expect(commandsOf(page, 'cleanup-the-example.1-3').map(({ text }) => text)).toEqual([
      'kubectl delete --context=$CTX_CLUSTER1 -n foo -f @samples/sleep/sleep.yaml@',
      'kubectl delete --context=$CTX_CLUSTER1 -n foo serviceentry httpbin-bar',
      'kubectl delete --context=$CTX_CLUSTER1 ns foo',
    ]);
  });

  test('keeps here-documents whole, and the tab that a command stands in', () => {
    const [kubeDns] = commandsOf(page, 'setup-DNS.1');
    expect(kubeDns?.tab).toBe('KubeDNS');
    expect(kubeDns?.text).toMatch(/^kubectl apply -f - <<EOF\napiVersion: v1\n[\s\S]*\nEOF$/);
  });
});

describe('what builders make is what the page applies', () => {
  const server = { '$(kubectl get svc -n istio-system istiocoredns -o jsonpath={.spec.clusterIP})': '10.96.0.53' };
  test.each([
    ['setup-DNS.1', 'kube-dns'],
    ['setup-DNS.2', 'coredns<1.4.0'],
    ['setup-DNS.3', 'coredns>1.4.0'],
    ['setup-DNS.4', 'coredns=1.4.0'],
  ] as const satisfies readonly (readonly [string, StubDomainForm])[])(
    '%s: the stub domain for %s, word for word',
    (id, form) => {
      expect(stubDomainConfigMap(form, '10.96.0.53')).toEqual(manifest(id, server));
    },
  );

  /** Today's API version and spelling of what the page says. */
  const modern = (entry: unknown): unknown =>
    parseDocument(
      JSON.stringify(entry)
        .replaceAll('networking.istio.io/v1alpha3', 'networking.istio.io/v1')
        .replaceAll('"protocol":"http"', '"protocol":"HTTP"'),
    ).toJS();
  const example = {
    host: 'httpbin.bar.global',
    name: 'httpbin-bar',
    namespace: 'foo',
    address: '240.0.0.2',
    port: { name: 'http1', number: 8000, protocol: 'HTTP' },
  } as const;
  const gateway = '172.17.255.223';

  test('the ServiceEntry of the example', () => {
    const { metadata, ...rest } = remoteService({ ...example, endpoints: [{ address: gateway }] });
    expect({ ...rest, metadata: { name: metadata.name } }).toEqual(
      modern(manifest('configure-the-example-services.9', { '${CLUSTER2_GW_ADDR}': gateway })),
    );
  });

  test('the ServiceEntry with a labelled endpoint', () => {
    const { spec } = remoteService({ ...example, endpoints: [{ address: gateway, labels: { cluster: 'cluster2' } }] });
    expect({ spec }).toEqual(
      expect.objectContaining({
        spec: (
          modern(manifest('version-aware-routing-to-remote-services.1', { '${CLUSTER2_GW_ADDR}': gateway })) as {
            spec: unknown;
          }
        ).spec,
      }),
    );
  });

  test.each([
    ['STATIC', 'send-remote-traffic-via-an-egress-gateway.2', '10.96.7.7'],
    ['DNS', 'send-remote-traffic-via-an-egress-gateway.3', 'istio-egressgateway.istio-system.svc.cluster.local'],
  ] as const)(
    'the ServiceEntry through the egress gateway, %s, and the labels and network that the profile adds',
    (resolution, id, egress) => {
      const { spec } = remoteServiceViaEgress({ ...example, resolution, egress, gateway });
      const theirs = (
        modern(manifest(id, { '${CLUSTER2_GW_ADDR}': gateway, '${CLUSTER1_EGW_ADDR}': egress })) as {
          spec: { endpoints: object[] };
        }
      ).spec;
      const added = [
        { labels: { 'security.istio.io/tlsMode': 'istio' } },
        { labels: { 'security.istio.io/tlsMode': 'istio' }, network: 'mesh' },
      ];
      expect(spec).toEqual({
        ...theirs,
        endpoints: theirs.endpoints.map((endpoint, index) => ({ ...endpoint, ...added[index] })),
      });
    },
  );
});

describe('coverage', () => {
  const steps = [{ by: 'a', steps: [{ step: 'one', runs: 'uninstalling.1-2' as const }] }];

  test('names the steps of a command, and the commands without one', () => {
    const covered = cover(page, steps);
    expect(covered.find(({ command }) => command.id === 'uninstalling.2')?.steps).toEqual([
      { by: 'a', step: 'one', runs: 'uninstalling.1-2' },
    ]);
    expect(uncovered(covered)).toHaveLength(27);
  });

  test('refuses a command that the page does not have', () => {
    expect(() => cover(page, [{ by: 'a', steps: [{ step: 'one', runs: 'uninstaling.1' }] }])).toThrow(
      expect.objectContaining({
        code: 'MP709',
        details: expect.objectContaining({ expected: expect.stringContaining('uninstalling.1') }),
      }),
    );
  });
});

describe('the transcript of a real run', () => {
  const covered = cover(page, [
    {
      by: 'direct-sidecar',
      steps: [
        { step: 'deploy', runs: 'configure-the-example-services.1-7' },
        { step: 'answers-200', runs: 'configure-the-example-services.10' },
      ],
    },
    { by: 'cleanup', steps: [{ step: 'uninstall', runs: 'uninstalling.1-2', instead: 'a reason' }] },
  ]);
  const text = transcript(page, covered, run);

  test('puts each command’s own output behind it', () => {
    const actions = run.scenarios.find(({ id }) => id === 'direct-sidecar')?.steps[0]?.actions ?? [];
    const outputs = commandsOf(page, 'configure-the-example-services.1-4').map((command) =>
      answersTo(command, actions, run.clusters).map(({ output }) => output),
    );
    expect(outputs).toEqual([
      [expect.stringMatching(/^namespace\/foo serverside-applied/)],
      [expect.stringMatching(/^namespace\/foo serverside-applied/)],
      [expect.stringMatching(/^serviceaccount\/sleep .*\ndeployment\.apps\/sleep /)],
      [expect.stringMatching(/^sleep-[a-z0-9]+-[a-z0-9]+$/)],
    ]);
    expect(text).toMatch(/-- curl -I httpbin\.bar\.global:8000\/headers\nHTTP\/1\.1 200 OK\n/);
  });

  test('keeps the page’s order, and says what was not played, what was replaced and what nothing carries out', () => {
    expect(text.indexOf('kubectl create --context=$CTX_CLUSTER1 namespace foo')).toBeLessThan(
      text.indexOf('kubectl delete ns istio-system'),
    );
    expect(text).toContain('_`cleanup` › `uninstall`: not played in this run._\n\n> In its place: a reason');
    expect(text).toContain('_No step carries this out._');
  });

  test('says which lines no program printed', () => {
    expect(text).toMatch(/All else was done through the API[\s\S]*put together from[\s>]+what/);
  });

  test('opens with what the run found', () => {
    expect(text).toContain(
      '| Configure application services › Configure the example services | `direct-sidecar` | 9 of 9 ✓ |',
    );
  });
});
