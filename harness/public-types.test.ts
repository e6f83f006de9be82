import { expectTypeOf, test } from 'vitest';
import { defineConfig, expect, scenario, type ConfigFile, type CurlExchange, type MeshCluster } from './index.ts';

/** Checked by the compiler; nothing of it has to run. */
const never = (check: () => unknown): void => {
  expectTypeOf(check).toBeFunction();
};
declare const cluster: MeshCluster;
declare const exchange: CurlExchange;

test('a claim can only be proven under a name that is declared', () => {
  never(() =>
    scenario(
      {
        id: 'x',
        section: 'X',
        claims: { one: 'it holds', two: 'it holds as well' },
        needs: { clusters: 2, namespaces: [] },
      },
      async ({ client, server, claim }) => {
        expectTypeOf(client).toEqualTypeOf(cluster);
        expectTypeOf(server).toEqualTypeOf(cluster);
        await claim('one', () => 'a figure');
        // @ts-expect-error -- no such claim
        await claim('three', () => undefined);
      },
    ),
  );
  // @ts-expect-error -- a scenario says what it needs
  never(() => scenario({ id: 'x', section: 'X', claims: {} }, () => Promise.resolve()));
});

test('matchers know what they look at and what they expect', () => {
  never(() => {
    expectTypeOf(expect(exchange).toHaveStatus).parameters.toEqualTypeOf<[status: number]>();
    expectTypeOf(expect(() => exchange).toEventuallyHaveStatus(200)).toEqualTypeOf<Promise<void>>();
  });
  never(() => expect(() => exchange).not.toEverHaveStatus(200));
  never(() => {
    // @ts-expect-error -- a status is a number
    expect(exchange).toHaveStatus('200');
  });
});

test('a config has the keys that there are, with the values they take', () => {
  expectTypeOf(defineConfig).parameters.toEqualTypeOf<[config: ConfigFile]>();
  never(() => defineConfig({ provider: 'existing', contexts: { west: 'a' }, scenarios: ['mesh/**/*.scenario.ts'] }));
  // @ts-expect-error -- no such provider
  never(() => defineConfig({ provider: 'minikube' }));
  // @ts-expect-error -- no such key
  never(() => defineConfig({ cluster: ['west'] }));
});
