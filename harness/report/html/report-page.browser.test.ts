import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../../machine/needs.ts';
import { provideChromium } from '../../toolchain/chromium.ts';
import { runRecordSchema, type RunData } from '../run-data.ts';
import { reportPage } from './report-page.ts';

let browser: Browser;
let folder: string;
let url: string;

beforeAll(async () => {
  const { program, environment } = await provideChromium(AbortSignal.timeout(240_000));
  browser = await chromium.launch({
    executablePath: program,
    env: { ...process.env, ...environment },
    args: ['--no-sandbox'],
  });
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  url = pathToFileURL(join(folder, 'report.html')).href;
  const run = runRecordSchema.parse(
    JSON.parse(await readFile(new URL('../../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
  );
  await writeFile(join(folder, 'report.html'), reportPage(broken(run)));
}, 300_000);

afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

/** The real run, with one hop of its second scenario missing. */
function broken(run: RunData): RunData {
  const hops: RunData['scenarios'][number]['claims'][number]['hops'] = [
    {
      proxy: 'west foo/sleep-76d5b8b4b6-mzkk5',
      hop: 'listener',
      expected: 'a listener for 240.0.0.2:8000',
      found: '0.0.0.0_8000',
      nearest: [],
    },
    {
      proxy: 'east istio-system/istio-ingressgateway-f544f446c-v2997',
      hop: 'filter chain',
      expected: 'a filter chain for the SNI',
      nearest: ['another SNI'],
    },
  ];
  return {
    ...run,
    scenarios: run.scenarios.map((scenario, at) =>
      at === 1
        ? {
            ...scenario,
            claims: scenario.claims.map((claim, index) =>
              index === 0 ? { ...claim, verdict: 'failed' as const, reason: 'the path breaks', hops } : claim,
            ),
          }
        : scenario,
    ),
  };
}

/** The page in a browser without any network; what it complains about is collected. */
async function opened<T>(work: (page: Page) => Promise<T>, options: BrowserContextOptions = {}): Promise<T> {
  const context = await browser.newContext({ offline: true, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(request.url()));
  await page.goto(url);
  const result = await work(page);
  expect(complaints).toEqual([]);
  await context.close();
  return result;
}

const describe = await describeWith('browser');
describe('report.html in a browser', () => {
  test('shows verdict, topology and the broken hop, and stays within a narrow window', async () => {
    await opened(
      async (page) => {
        expect(await page.locator('svg.topology').isVisible()).toBe(true);
        expect(await page.locator('svg.topology .line.failed').count()).toBe(1);
        expect(await page.locator('#direct-sidecar .hop.failed').innerText()).toContain('another SNI');
        const [wanted, given] = await page.evaluate<[number, number]>(
          '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
        );
        expect(wanted).toBe(given);
      },
      { viewport: { width: 420, height: 800 } },
    );
  });

  test('is usable by keyboard: skip link, steps and filter', async () => {
    await opened(async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('to the scenarios');
      const steps = page.locator('#prerequisites > details > summary');
      await steps.focus();
      await page.keyboard.press('Enter');
      expect(await page.locator('#prerequisites .steps').isVisible()).toBe(true);
      await page.locator('#broken').focus();
      await page.keyboard.press('Space');
      expect(await page.locator('#prerequisites').isVisible()).toBe(false);
      expect(await page.locator('#direct-sidecar').isVisible()).toBe(true);
    });
  });

  test('is light or dark as the reader has it', async () => {
    const background = (colorScheme: 'light' | 'dark'): Promise<string> =>
      opened((page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor'), { colorScheme });
    expect(await background('light')).toBe('rgb(255, 255, 255)');
    expect(await background('dark')).toBe('rgb(13, 17, 23)');
  });

  test('prints without controls, on more than one page', async () => {
    await opened(async (page) => {
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('.controls').isVisible()).toBe(false);
      expect((await page.pdf()).toString('latin1').match(/\/Type \/Page\b/g)?.length ?? 0).toBeGreaterThan(1);
    });
  });
});
