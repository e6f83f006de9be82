import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateAllureReport } from './allure.ts';

test('Allure results become one page that holds them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  const result = {
    uuid: '1',
    name: 'direct-sidecar',
    fullName: 'direct-sidecar',
    status: 'passed',
    stage: 'finished',
    start: 1,
    stop: 2,
    labels: [{ name: 'epic', value: 'Configure application services' }],
    steps: [],
    attachments: [],
    parameters: [],
    links: [],
  };
  await mkdir(join(folder, 'allure-results'));
  await writeFile(join(folder, 'allure-results', '1-result.json'), JSON.stringify(result));
  await generateAllureReport(folder);
  const page = await readFile(join(folder, 'allure-report', 'index.html'), 'utf8');
  expect(page).toContain('<title>');
  expect(page.length).toBeGreaterThan(100_000);
  await rm(folder, { recursive: true });
});
