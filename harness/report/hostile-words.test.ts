import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { conformanceReport } from './conformance.ts';
import { formatDiff } from './diff/run-diff.ts';
import { reportPage } from './html/report-page.ts';
import { codeSpan, fenced, inline } from './markdown.ts';
import { runRecordSchema, type RunData } from './run-data.ts';
import { summary } from './summary.ts';

/** What a pod may print to get out of where it is shown. */
const words = [
  '</pre><script>canary()</script><img src=x onerror=canary()>',
  '"><svg onload=canary()>',
  '```\n````\n~~~~\n::stop-commands::x\n##[error]y',
  '[canary](javascript:canary()) ![x](https://canary.example/p.png) <https://canary.example>',
  '| a | b |\n|---|---|',
  '\u001b[2J\u001b]0;canary\u0007\u202e\u0000\u2028',
].join('\n');

const run = runRecordSchema.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
);
/** The real run with these words wherever a pod's may come. */
const hostile: RunData = {
  ...run,
  verdict: 'failed',
  error: { code: 'MP999', message: words },
  clusters: [...run.clusters, words],
  versions: { kubernetes: words, istio: words, edition: words },
  scenarios: run.scenarios.map((scenario) => ({
    ...scenario,
    section: words,
    replaced: [{ was: words, by: words }],
    steps: scenario.steps.map((step) => ({ ...step, title: words })),
    claims: scenario.claims.map((claim) => ({
      ...claim,
      name: words,
      verdict: 'failed',
      reason: words,
      code: words,
      note: words,
      diagnosis: { code: words, hop: words, cause: words, try: words },
      hops: [{ proxy: words, hop: 'listener', expected: words, found: undefined, nearest: [words] }],
      actions: [{ cluster: words, command: words, input: words, output: words }],
    })),
  })),
};

/** The lines of a Markdown text that stand in no fence. */
function outsideOfFences(markdown: string): string[] {
  let fence: string | undefined;
  return markdown.split('\n').filter((line) => {
    const [, ticks] = /^ {0,5}(`{3,}|~{3,})[^`]*$/.exec(line) ?? [];
    if (fence === undefined && ticks !== undefined) {
      fence = ticks;
      return false;
    }
    if (fence === undefined) return true;
    if (ticks?.startsWith(fence) === true && /^\s*`+\s*$/.test(line)) fence = undefined;
    return false;
  });
}

const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/;

describe('words of a pod in Markdown', () => {
  const change = {
    scenario: words,
    claim: words,
    says: words,
    base: 'passed',
    head: 'failed',
    reason: words,
    diagnosis: words,
  } as const;
  const diff = formatDiff({
    base: words,
    head: words,
    regressions: [change],
    otherVerdicts: [],
    unmatched: [words],
    timings: [{ what: words, base: 1, head: 9 }],
    config: [{ kind: 'route', path: words, base: words, head: undefined, resources: [words, words], proxies: [words] }],
    dumps: { compared: 1, note: undefined },
  });

  test.each([
    ['the summary', summary(hostile)],
    ['a comparison', diff],
  ])('%s: none of it is markup, a link, a row or a fence', (_what, text) => {
    expect(text).not.toMatch(obeyed);
    const open = outsideOfFences(text).join('\n');
    // Every fence that was opened was closed: the last line is outside again.
    expect(outsideOfFences(`${text}\nlast`)).toContain('last');
    const prose = open.replaceAll(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, '');
    expect(prose).not.toMatch(/(?<!\\)<(script|img|svg|https|\/pre)/);
    expect(prose).not.toMatch(/(?<!\\)\]\(/);
    expect(prose).not.toMatch(/^\s*(::|##\[)/m);
    expect(prose).not.toMatch(/^\| a \|/m);
  });

  test('a fence is longer than any in its text, and a code span than any ticks', () => {
    expect(fenced('', 'a\n`````\nb').split('\n')[0]).toBe('``````');
    expect(fenced('yaml', 'a', '  ')).toBe('  ```yaml\n  a\n  ```');
    expect(codeSpan('a``b`')).toBe('``` a``b` ```');
    expect(codeSpan('a\nb')).toBe('`a b`');
    expect(inline('a\n|b| <c> [d](e) `f`')).toBe('a \\|b\\| \\<c\\> \\[d\\](e) \\`f\\`');
  });
});

test('report.html holds no element and no address of theirs, and no script may run', () => {
  const page = reportPage(hostile);
  expect(page).not.toMatch(obeyed);
  expect(page).not.toMatch(/<(script|img|iframe|object|embed|link|base|form)\b/i);
  expect(page.replaceAll(/="[^"]*"/g, '=x')).not.toMatch(/<[a-z][^>]*\son\w+=/i);
  const addresses = [...page.matchAll(/(?:href|src|action|xlink:href)="([^"]*)"/g)].map(([, to = '']) => to);
  expect(addresses.filter((to) => !/^(#[\w-]+|evidence\/[\w./-]+\/)$/.test(to))).toEqual([]);
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(page)?.[1] ?? '';
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    expect.stringMatching(/^style-src 'sha256-[\w+/=]+'$/),
    "base-uri 'none'",
    "form-action 'none'",
  ]);
});

test('conformance.yaml is the same YAML with it', () => {
  const text = conformanceReport(hostile);
  expect(text).not.toMatch(obeyed);
  expect(parse(text)).toMatchObject({
    kind: 'ConformanceReport',
    platform: { clusters: expect.arrayContaining(run.clusters) },
  });
});
