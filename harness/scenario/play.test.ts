import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ScenarioResult } from './claims.ts';
import { environmentSchema, type Environment } from './environment.ts';
import { convergingMatchers, meshMatchers } from './matchers.ts';
import { play } from './play.ts';
import { scenario, type ScenarioContext, type ScenarioMeta } from './scenario.ts';

let folder: string;
let environment: Environment;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const context = { cluster: 'c', user: 'u' };
  const config = {
    'current-context': 'x',
    contexts: [{ name: 'x', context }],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user: {} }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  environment = environmentSchema.parse({
    name: 'test',
    provider: 'kind',
    status: 'ready',
    createdAt: '',
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
const claims = { first: 'the first holds', second: 'the second holds' };
const playing = (
  run: (context: Context) => Promise<void>,
  needs: ScenarioMeta['needs'] = { clusters: 2, loadBalancer: false, namespaces: [] },
  provider: Environment['provider'] = 'kind',
): Promise<ScenarioResult> =>
  play(scenario({ id: 'x', section: 's', claims, needs }, run), {
    environment: { ...environment, provider },
    runFolder: folder,
    signal: new AbortController().signal,
  });
const verdicts = ({ claims }: ScenarioResult): string[] =>
  claims.map(({ key, verdict, code }) => [key, verdict, code ?? ''].join(' ').trim());

describe('claims', () => {
  test('hold, and steps are timed', async () => {
    const result = await playing(async ({ step, claim }) => {
      await step('look', 'look', () => Promise.resolve());
      await claim('first', () => undefined);
      await claim('second', () => Promise.resolve());
    });
    expect(verdicts(result)).toEqual(['first passed', 'second passed']);
    expect(result.steps).toMatchObject([{ key: 'look', title: 'look' }]);
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

  test('one that a matcher of ours refutes has failed, at once or over time', async () => {
    expect.extend({ ...meshMatchers, ...convergingMatchers });
    const result = await playing(async ({ claim }) => {
      await claim('first', () => {
        expect(7).toBeWithin({ low: 1, high: 2 });
      });
      await claim('second', async () => {
        await expect(() => ['240.0.0.2']).toAlwaysResolveTo([]);
      });
    });
    expect(verdicts(result)).toEqual(['first failed', 'second failed']);
    expect(result.claims[1]?.reason).toContain('it resolves to 240.0.0.2');
  });

  test('may tell a figure that they found', async () => {
    const result = await playing(async ({ claim }) => {
      await claim('first', () => '0 of 9 failed');
      await claim('second', () => undefined);
    });
    expect(result.claims.map(({ note }) => note)).toEqual(['0 of 9 failed', undefined]);
  });

  test('a step of the page that was never played is an error', async () => {
    const meta = {
      id: 'x',
      section: 's',
      claims: { first: 'the first holds' },
      needs: { clusters: 2, namespaces: [] },
      walkthrough: [{ step: 'deploy', runs: 'a.1' as const }],
    };
    const result = await play(
      scenario(meta, async ({ claim }) => claim('first', () => undefined)),
      { environment, runFolder: folder, signal: new AbortController().signal },
    );
    expect(verdicts(result)).toEqual(['first passed']);
    expect(result.stopped).toMatchObject({ verdict: 'error', code: 'MP706' });
  });

  test('what was taken is put back, except when the environment ends with it', async () => {
    for (const isLast of [false, true]) {
      const meta = {
        id: 'x',
        section: 's',
        claims: { first: 'the first holds' },
        needs: { clusters: 2, namespaces: [] },
      };
      const taking = scenario(meta, async ({ claim, restore }) => {
        restore('put back', () => Promise.resolve());
        await claim('first', () => undefined);
      });
      const { steps } = await play(taking, {
        environment,
        runFolder: folder,
        signal: new AbortController().signal,
        isLast,
      });
      expect(steps.map(({ key }) => key)).toEqual(isLast ? [] : ['put-back']);
    }
  });

  test('an interrupt lets what was taken be put back, except where the environment ends with the run', async () => {
    for (const endsWithRun of [false, true]) {
      const interrupt = new AbortController();
      const back: string[] = [];
      const meta = {
        id: 'x',
        section: 's',
        claims: { first: 'the first holds' },
        needs: { clusters: 2, namespaces: [] },
      };
      const taking = scenario(meta, async ({ restore, step, signal }) => {
        restore('put back', () => Promise.resolve(void back.push('put back')));
        interrupt.abort(new Error('Ctrl-C'));
        await step('wait', 'wait', () => {
          signal.throwIfAborted();
          return Promise.resolve();
        });
      });
      await expect(
        play(taking, { environment, runFolder: folder, signal: interrupt.signal, endsWithRun }),
      ).rejects.toThrow('Ctrl-C');
      expect(back).toEqual(endsWithRun ? [] : ['put back']);
    }
  });

  test('what the provider cannot offer is not supported', async () => {
    const foreign = { ...environment, provider: 'existing' as const };
    const asking = scenario(
      { id: 'x', section: 's', claims: { first: 'the first holds' }, needs: { clusters: 2, namespaces: [] } },
      async ({ claim, containers }) => claim('first', () => containers.client(() => Promise.resolve())),
    );
    expect(
      verdicts(await play(asking, { environment: foreign, runFolder: folder, signal: new AbortController().signal })),
    ).toEqual(['first notSupported MP708']);
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

  test('claims behind a step that fails are not reached; the step says why, once', async () => {
    const result = await playing(async ({ step, claim }) => {
      await claim('first', () => undefined);
      await step('deploy', 'deploy it', () => Promise.reject(new MeshproofError('MP505', { what: 'refused' })));
    });
    expect(verdicts(result)).toEqual(['first passed', 'second notReached']);
    expect(result.claims[1]).toMatchObject({ behind: 'deploy', name: 'the second holds' });
    expect(result.stopped).toMatchObject({ key: 'deploy', step: 'deploy it', verdict: 'error', code: 'MP505' });
    expect(result.stopped?.reason).toContain('refused');
  });

  test('a path that did not come in time is the mesh’s failure, and what passed before stays passed', async () => {
    const result = await playing(async ({ step, claim }) => {
      await claim('first', () => undefined);
      await claim('second', () => undefined);
      await step('wait', 'wait for it', () => Promise.reject(new MeshproofError('MP701', { what: 'not in time' })));
    });
    expect(verdicts(result)).toEqual(['first passed', 'second passed']);
    expect(result.stopped).toMatchObject({ key: 'wait', verdict: 'failed', code: 'MP701' });
  });

  test('a proof that looked at nothing is an error', async () => {
    const meta = { id: 'x', section: 's', claims, needs: { clusters: 2, namespaces: [] } };
    const none: readonly number[] = [];
    const result = await play(
      scenario(meta, async ({ claim }) => {
        await claim('first', () => {
          for (const one of none) expect(one).toBe(1);
        });
        await claim('second', () => {
          expect(1).toBe(1);
        });
      }),
      {
        environment,
        runFolder: folder,
        signal: new AbortController().signal,
        assertions: () => expect.getState().assertionCalls,
      },
    );
    expect(verdicts(result)).toEqual(['first error MP717', 'second passed']);
  });
});

describe('keys', () => {
  const broken = [
    ['a step under the key of another step', 'look', 'look'],
    ['a step under the key of a claim', 'first', 'other'],
    ['a step whose key is a sentence', 'look at it', 'other'],
    ['a step under a key of meshproof’s own', 'put-back', 'other'],
  ] as const;
  test.each(broken)('%s ends the scenario', async (_what, one, other) => {
    const result = await playing(async ({ step }) => {
      await step(other, 'look', () => Promise.resolve());
      await step(one, 'look again', () => Promise.resolve());
    });
    expect(result.stopped).toMatchObject({ verdict: 'error', code: 'MP719' });
    expect(result.stopped?.reason).toContain(one);
    expect(verdicts(result)).toEqual(['first notReached', 'second notReached']);
  });

  test('a claim that is proven twice, or was never declared, ends the scenario', async () => {
    for (const key of ['first', 'third'] as const) {
      const result = await playing(async ({ claim }) => {
        await claim('first', () => undefined);
        // What the compiler refuses a JavaScript file may still do.
        await claim(key as 'first', () => undefined);
      });
      expect(result.stopped).toMatchObject({ code: 'MP719', reason: expect.stringContaining(key) });
      expect(verdicts(result)).toEqual(['first passed', 'second notReached']);
    }
  });

  test('a claim whose key is none, and claims that are a list, are refused where they are declared', () => {
    const declared: readonly object[] = [{ 'It holds.': 'it holds' }, { 'put-back': 'it holds' }, ['it holds']];
    for (const some of declared)
      expect(() =>
        scenario(
          { id: 'x', section: 's', claims: some as Record<string, string>, needs: { clusters: 2, namespaces: [] } },
          () => Promise.resolve(),
        ),
      ).toThrow(expect.objectContaining({ code: 'MP719' }));
  });
});

test('an unmet need makes every claim not supported, with the reason, and plays nothing', async () => {
  const result = await playing(
    () => Promise.reject(new Error('must not run')),
    {
      clusters: 2,
      ownsMesh: true,
      namespaces: [],
    },
    'existing',
  );
  expect(verdicts(result)).toEqual(['first notSupported', 'second notSupported']);
  expect(result.claims[0]?.reason).toContain('takes control planes down');
});

test('more clusters than there are are not supported', async () => {
  expect(
    verdicts(await playing(() => Promise.resolve(), { clusters: 3, loadBalancer: false, namespaces: [] })),
  ).toEqual(['first notSupported', 'second notSupported']);
});
