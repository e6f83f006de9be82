import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ScenarioResult } from './claims.ts';
import { environmentSchema, type Environment } from './environment.ts';
import { play } from './play.ts';
import { scenario, type ScenarioContext } from './scenario.ts';

let folder: string;
let environment: Environment;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const context = { cluster: 'c', user: 'u' };
  const config = { 'current-context': 'x', contexts: [{ name: 'x', context }], clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }], users: [{ name: 'u', user: {} }] };
  await writeFile(kubeconfig, JSON.stringify(config));
  environment = environmentSchema.parse({
    name: 'test',
    provider: 'kind',
    status: 'ready',
    createdAt: '',
    offers: { loadBalancer: false, ownsMesh: true },
    programs: { kubectl: 'kubectl', istioctl: 'istioctl', kind: 'kind', docker: 'docker' },
    versions: { kubernetes: '', istio: '', edition: 'source' },
    images: { httpbin: '', httpbinPort: 8080, curl: '' },
    clusterNames: ['west', 'east'],
    clusters: ['west', 'east'].map((name) => ({ name, kubeconfig, context: 'x' })),
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Context = ScenarioContext<'first' | 'second'>;
const playing = (run: (context: Context) => Promise<void>, needs = { clusters: 2, loadBalancer: false }): Promise<ScenarioResult> =>
  play(scenario({ id: 'x', section: 's', claims: ['first', 'second'], needs }, run), { environment, runFolder: folder, signal: new AbortController().signal });
const verdicts = ({ claims }: ScenarioResult): string[] => claims.map(({ name, verdict, code }) => [name, verdict, code ?? ''].join(' ').trim());

describe('claims', () => {
  test('hold, and steps are timed', async () => {
    const result = await playing(async ({ step, claim }) => {
      await step('look', () => Promise.resolve());
      await claim('first', () => undefined);
      await claim('second', () => Promise.resolve());
    });
    expect(verdicts(result)).toEqual(['first passed', 'second passed']);
    expect(result.steps.map(({ title }) => title)).toEqual(['look']);
  });

  test('one that fails does not stop the next', async () => {
    const result = await playing(async ({ claim }) => {
      await claim('first', () => {
        expect(1).toBe(2);
      });
      await claim('second', () => undefined);
    });
    expect(verdicts(result)).toEqual(['first failed', 'second passed']);
    expect(result.claims[0]?.reason).toContain('expected 1 to be 2');
  });

  test('one that is declared and never proven is an error', async () => {
    const result = await playing(async ({ claim }) => {
      await claim('second', () => undefined);
    });
    expect(verdicts(result)).toEqual(['first error MP705', 'second passed']);
  });

  test('a probe that could not run says nothing about the mesh; a path that never came does', async () => {
    const result = await playing(async ({ claim }) => {
      await claim('first', () => Promise.reject(new MeshproofError('MP702', { what: 'no pod' })));
      await claim('second', () => Promise.reject(new MeshproofError('MP701', { what: 'not in time' })));
    });
    expect(verdicts(result)).toEqual(['first error MP702', 'second failed MP701']);
  });

  test('a step that fails leaves the claims behind it unproven, with its reason', async () => {
    const result = await playing(async ({ step, claim }) => {
      await claim('first', () => undefined);
      await step('deploy', () => Promise.reject(new MeshproofError('MP505', { what: 'refused' })));
    });
    expect(verdicts(result)).toEqual(['first passed', 'second error MP505']);
    expect(result.claims[1]?.reason).toContain('refused');
  });
});

test('an unmet need makes every claim not supported, with the reason, and plays nothing', async () => {
  const result = await playing(() => Promise.reject(new Error('must not run')), { clusters: 2, loadBalancer: true });
  expect(verdicts(result)).toEqual(['first notSupported', 'second notSupported']);
  expect(result.claims[0]?.reason).toContain('LoadBalancer');
});

test('more clusters than there are are not supported', async () => {
  expect(verdicts(await playing(() => Promise.resolve(), { clusters: 3, loadBalancer: false }))).toEqual(['first notSupported', 'second notSupported']);
});
