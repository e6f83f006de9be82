import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../errors/catalogue.ts';
import { generateAllureReport } from '../report/allure.ts';
import { openRun } from '../run/record/open-run.ts';
import { unpackRun } from '../../fixtures/runs/recorded-run.ts';
import { replay } from './replay.ts';
import { writeReports } from '../run/record/reports.ts';
import { loadScenario } from '../config/scenario-files.ts';

/** A run as somebody might send it, and beside it what must neither be read, run nor written. */
let folder: string;
let outside: string;
let ran: string;
const code = (ran_: string): string =>
  `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(ran_)}, 'ran');\nexport default {};\n`;

beforeEach(async () => {
  folder = await unpackRun('fault-tls');
  outside = await mkdtemp(join(tmpdir(), 'meshproof-outside-'));
  ran = join(outside, 'ran');
});
afterEach(async () => {
  expect(existsSync(ran)).toBe(false);
  await rm(folder, { recursive: true });
  await rm(outside, { recursive: true });
});

const evidence = (...names: readonly string[]): string => join(folder, 'evidence', 'direct-sidecar', ...names);
const refusal = (wanted: ErrorCode): unknown => expect.objectContaining({ code: wanted });

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(file, after);
}

describe('the id of a scenario is looked up, and never a path', () => {
  test.each(['../../../tmp/evil', '/etc/passwd', '..', 'a/../../evil', 'file:///evil', '.hidden', 'a//b', ''])(
    'a record with the id %j is refused',
    async (id) => {
      await writeFile(join(outside, 'evil.ts'), code(ran));
      await edit(join(folder, 'run.json'), (text) =>
        text.replace('"id": "direct-sidecar"', `"id": ${JSON.stringify(id)}`),
      );
      await expect(replay(folder)).rejects.toThrow(refusal('MP710'));
    },
  );

  test('an id that no scenario has is named, with the ones there are', async () => {
    await edit(join(folder, 'run.json'), (text) => text.replace('"id": "direct-sidecar"', '"id": "direct-sidecars"'));
    await rename(evidence(), join(folder, 'evidence', 'direct-sidecars'));
    await expect(replay(folder)).rejects.toThrow(refusal('MP101'));
  });

  test('a file beside the scenarios is no scenario', async () => {
    await writeFile(join(outside, 'evil.ts'), code(ran));
    const root = new URL('../../scenarios/', import.meta.url).pathname;
    const up = '../'.repeat(root.split('/').length);
    await expect(loadScenario(`${up.slice(0, -1)}${outside}/evil`)).rejects.toThrow(refusal('MP101'));
    await expect(loadScenario('../harness/cli/main')).rejects.toThrow(refusal('MP101'));
    await expect(loadScenario('constructor')).rejects.toThrow(refusal('MP101'));
  });
});

describe('what is read lies inside of the run folder', () => {
  test.each(['../../../../etc/passwd', '/etc/passwd', '..', 'a/b.json', '', '.hidden'])(
    'a tape that names the file %j is refused',
    async (file) => {
      await edit(evidence('tape.jsonl'), (text) =>
        text.replace(/"file":"[^"]+"/, () => `"file":${JSON.stringify(file)}`),
      );
      await expect(replay(folder)).rejects.toThrow(refusal('MP713'));
    },
  );

  test.each([
    ['a file of the evidence', 'MP720', () => readdirFirst(evidence(), /curl\.json$/)],
    ['the tape', 'MP720', () => Promise.resolve(evidence('tape.jsonl'))],
    ['the folder of a scenario', 'MP720', () => Promise.resolve(evidence())],
    ['the folder of the evidence', 'MP720', () => Promise.resolve(join(folder, 'evidence'))],
    ['the environment', 'MP720', () => Promise.resolve(join(folder, 'evidence', 'environment.json'))],
    ['the record', 'MP720', () => Promise.resolve(join(folder, 'run.json'))],
  ] as const)('%s as a link out of it: %s', async (_what, wanted, find) => {
    const file = await find();
    await rename(file, join(outside, 'elsewhere'));
    await symlink(join(outside, 'elsewhere'), file);
    await expect(replay(folder)).rejects.toThrow(refusal(wanted));
  });

  test('a link that stays inside is followed', async () => {
    const tape = evidence('tape.jsonl');
    await rename(tape, join(folder, 'evidence', 'moved'));
    await symlink('../moved', tape);
    expect((await replay(folder)).differences).toEqual([]);
  });

  test('a pipe, and a file larger than any run writes, are refused', async () => {
    const tape = evidence('tape.jsonl');
    const kept = await readFile(tape);
    await rm(tape);
    await execa('mkfifo', [tape]);
    await expect(replay(folder)).rejects.toThrow(refusal('MP720'));
    await rm(tape);
    await writeFile(tape, kept);
    await execa('truncate', ['--size', '300M', join(folder, 'run.json')]);
    await expect(openRun(folder)).rejects.toThrow(refusal('MP721'));
  });

  test('a series of looks without an end ends', async () => {
    await edit(evidence('tape.jsonl'), (text) => text.replace(/"looks":\d+/, '"looks":1e18'));
    await expect(replay(folder)).rejects.toThrow(refusal('MP713'));
  });

  test('the programs that an environment names are not run', async () => {
    const evil = join(outside, 'kubectl');
    await writeFile(evil, `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 });
    await edit(join(folder, 'evidence', 'environment.json'), (text) =>
      text.replaceAll(/"(kubectl|istioctl|kind|docker)": "\/[^"]+"/g, (_all, name: string) => `"${name}": "${evil}"`),
    );
    expect((await replay(folder)).differences).toEqual([]);
    await edit(join(folder, 'evidence', 'environment.json'), (text) =>
      text.replace('"provider": "kind"', '"provider": 1'),
    );
    await expect(replay(folder)).rejects.toThrow(refusal('MP713'));
  });
});

describe('reports of it', () => {
  test('replace a link that has a report’s name, and leave what it led to', async () => {
    await writeFile(join(outside, 'profile'), 'mine');
    for (const name of ['report.html', 'walkthrough.md', 'conformance.yaml'])
      await symlink(join(outside, 'profile'), join(folder, name));
    await writeReports(folder, (await openRun(folder)).data);
    expect(await readFile(join(outside, 'profile'), 'utf8')).toBe('mine');
    expect((await lstat(join(folder, 'report.html'))).isFile()).toBe(true);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<h1>The mesh does not hold</h1>');
  });

  test('a link of the record leads to its evidence, wherever the record says that lies', async () => {
    await edit(join(folder, 'run.json'), (text) =>
      text.replaceAll(/"evidence": "[^"]+"/g, '"evidence": "javascript:alert(1)//"'),
    );
    await writeReports(folder, (await openRun(folder)).data);
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, to = '']) => to);
    expect(links.filter((to) => !/^#[\w-]+$|^evidence\/[\w/-]+\/$/.test(to))).toEqual([]);
    expect(links).toContain('evidence/direct-sidecar/');
    expect(page).not.toContain('javascript:');
  });

  test('Allure takes no configuration from it, and writes nowhere else', async () => {
    const results = join(folder, 'allure-results');
    const result = {
      uuid: '1',
      name: 'one',
      fullName: 'one',
      status: 'passed',
      stage: 'finished',
      start: 1,
      stop: 2,
      labels: [],
      steps: [],
      attachments: [{ name: 'note', source: '1-attachment.html', type: 'text/html' }],
      parameters: [],
      descriptionHtml: '<script>canary()</script>',
      links: [{ name: 'x', url: 'javascript:canary()', type: 'issue' }],
    };
    await mkdir(results);
    await writeFile(join(results, '1-result.json'), JSON.stringify(result));
    await writeFile(join(results, '1-attachment.html'), '<script>canary()</script>');
    for (const place of [folder, results])
      for (const name of ['allurerc.js', 'allurerc.mjs', 'allurerc.cjs', 'allurerc.ts'])
        await writeFile(join(place, name), code(ran));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await generateAllureReport(folder);
    const page = await readFile(join(folder, 'allure-report', 'index.html'), 'utf8');
    const inside = [...page.matchAll(/'([A-Za-z0-9+/=]{40,})'|"([A-Za-z0-9+/=]{40,})"/g)].map(([, one, two]) =>
      Buffer.from(one ?? two ?? '', 'base64').toString(),
    );
    expect(inside.join('\n')).toContain('"name":"one"');
    expect(inside.join('\n')).not.toMatch(/javascript:canary|descriptionHtml":"<script|text\/html/);

    await rm(join(folder, 'allure-report'), { recursive: true });
    await symlink(outside, join(folder, 'allure-report'));
    await expect(generateAllureReport(folder)).rejects.toThrow(refusal('MP720'));
    expect(existsSync(join(outside, 'index.html'))).toBe(false);

    await rm(join(folder, 'allure-report'));
    await rename(results, join(outside, 'results'));
    await symlink(join(outside, 'results'), results);
    await expect(generateAllureReport(folder)).rejects.toThrow(refusal('MP720'));
  });
});

async function readdirFirst(within: string, wanted: RegExp): Promise<string> {
  const name = (await readdir(within)).find((one) => wanted.test(one));
  return join(within, name ?? '');
}
