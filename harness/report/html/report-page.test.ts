import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { recordedDump } from '../../probe/recorded.ts';
import { traceGateway, traceOutbound } from '../../probe/trace.ts';
import { Journal } from '../../scenario/journal.ts';
import { runRecordSchema, type RunData } from '../run-data.ts';
import { reportPage } from './report-page.ts';

const run = runRecordSchema.parse(
  JSON.parse(readFileSync(new URL('../../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
);
const sni = 'outbound_.8000_._.httpbin.bar.global';
const [sidecar, gateway] = [
  'west foo/sleep-76d5b8b4b6-mzkk5',
  'east istio-system/istio-ingressgateway-f544f446c-v2997',
];

/**
 * Traces through the recorded dumps, as a run notes them: of a host that is there, or of one that the gateway does not
 * know.
 */
function traced(host: string): RunData['scenarios'][number]['claims'][number]['hops'] {
  const journal = new Journal();
  journal.noteHops(
    traceOutbound(recordedDump('sleep'), sidecar, {
      host: 'httpbin.bar.global',
      port: 8000,
      sni,
      cluster: 'outbound|8000||httpbin.bar.global',
    }),
  );
  journal.noteHops(
    traceGateway(recordedDump('ingress-gateway'), gateway, { port: 15443, sni: sni.replace('httpbin.bar', host) }),
  );
  return journal.take().hops;
}

/** The real run with its first claim replaced. */
function withClaim(changes: Partial<RunData['scenarios'][number]['claims'][number]>): RunData {
  return {
    ...run,
    scenarios: run.scenarios.map((scenario, at) =>
      at > 0
        ? scenario
        : {
            ...scenario,
            claims: scenario.claims.map((claim, index) => (index > 0 ? claim : { ...claim, ...changes })),
          },
    ),
  };
}

describe('report.html', () => {
  test('tells a cause at its top, once, with every scenario that it turned red', () => {
    const cause = {
      code: 'MP825',
      layer: 'mesh objects' as const,
      cluster: 'east',
      object: 'AuthorizationPolicy bar/deny',
      does: 'refuses <calls>',
      try: 'Delete it.',
      seen: [],
    };
    const [first, second, ...others] = run.scenarios;
    if (first === undefined || second === undefined) throw new Error('no scenarios');
    const scenarios = [{ ...first, causes: [cause] }, { ...second, causes: [cause] }, ...others];
    const page = reportPage({ ...run, scenarios });
    expect(page.split('refuses &lt;calls&gt;')).toHaveLength(2);
    expect(page.indexOf('refuses &lt;calls&gt;')).toBeLessThan(page.indexOf('Where the traffic went'));
    for (const { id } of [first, second]) expect(page).toContain(`<a href="#${id.replaceAll('/', '-')}">${id}</a>`);
  });

  test('shows where calls ended, though every hop is there', () => {
    const hop = 'west foo/sleep-76d5b8b4b6-mzkk5 → 172.18.0.9:15443 · connection';
    const failed = withClaim({
      hops: traced('httpbin.bar'),
      verdict: 'failed',
      diagnosis: { code: 'MP815', hop, cause: 'it does not answer', try: 'Look.' },
    });
    expect(reportPage(failed)).toMatch(/class="line failed"[^>]*>\s*<title>foo\/sleep → istio-ingressgateway:/);
    expect(reportPage(failed)).toMatch(
      /class="line passed"[^>]*>\s*<title>istio-ingressgateway → httpbin\.bar\.global:/,
    );
    const refused = withClaim({
      hops: traced('httpbin.bar'),
      verdict: 'failed',
      diagnosis: { code: 'MP812', hop: 'east bar/httpbin-7d9f4b6c5d-abcde · authorization policy', cause: '', try: '' },
    });
    expect(reportPage(refused)).toMatch(
      /class="line failed"[^>]*>\s*<title>istio-ingressgateway → httpbin\.bar\.global:/,
    );
  });

  test('draws when each cluster had what, where a run tells it', () => {
    expect(reportPage(run)).not.toContain('When each cluster had what');
    const bringUp = [
      { cluster: 'west', what: 'istiod', from: 22, to: 30 },
      { cluster: 'east', what: 'node', from: 2, to: 12 },
    ] as const;
    const page = reportPage({
      ...run,
      phases: { ...run.phases, clusters: { from: 2, to: 20 } },
      bringUp: [...bringUp],
    });
    expect(page).toContain('When each cluster had what');
    expect(page.indexOf('node · east')).toBeLessThan(page.indexOf('istiod · west'));
    expect(page).toMatch(/istiod · west<\/text>[^]*?>28 s<\/text>/);
  });

  test('needs nothing from the network: no script, no reference outside of itself', () => {
    const page = reportPage(run);
    expect(page).not.toMatch(/<script|src=|href="https?:|url\(['"]?http|@import/);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links).toEqual(expect.arrayContaining(['prerequisites', 'direct-sidecar', 'dns-stub-domain']));
    for (const id of links) expect(page).toContain(`id="${id ?? ''}"`);
  });

  test('draws each proxy that a trace went through, and a whole path as a line that holds', () => {
    const page = reportPage(withClaim({ hops: traced('httpbin.bar') }));
    expect(page).toMatch(/<title>west foo\/sleep<\/title>/);
    expect(page).toMatch(
      /<path class="line passed" [^>]*><title>foo\/sleep → istio-ingressgateway: every hop is there/,
    );
    expect(page.match(/class="hop passed"/g)).toHaveLength(9);
  });

  test('shows the hop that broke in red, with what came nearest', () => {
    const page = reportPage(withClaim({ verdict: 'failed', reason: 'the path breaks', hops: traced('httpbin.baz') }));
    const hop = /<li class="hop failed"[^>]*>(.*?)<\/li>/.exec(page)?.[1] ?? '';
    const [where, expected, nearest] = hop.split('<br>');
    expect(where).toBe('<b>east istio-system/istio-ingressgateway</b> filter chain');
    expect(expected).toBe('expected a filter chain for SNI outbound_.8000_._.httpbin.baz.global');
    expect(nearest).toMatch(/^nearest: outbound_\.8000_\._\.httpbin\.bar\.global/);
    expect(page).toMatch(/<path class="line failed"/);
    expect(page).toContain('<section class="scenario failed" id="prerequisites"');
  });

  test('what a mesh says never becomes markup', () => {
    const page = reportPage(
      withClaim({ verdict: 'failed', reason: '<img src=x onerror=alert(1)>', name: 'a "quoted" & <b>bold</b> claim' }),
    );
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(page).toContain('a &quot;quoted&quot; &amp; &lt;b&gt;bold&lt;/b&gt; claim');
  });

  test('of a run that ended early says why, and shows what it had', () => {
    const page = reportPage({
      ...run,
      verdict: 'error',
      error: { code: 'MP901', message: 'MP901 interrupted: stopped by SIGINT' },
      scenarios: [],
    });
    expect(page).toContain('The run did not come to a verdict');
    expect(page).toContain('MP901 interrupted: stopped by SIGINT');
  });
});
