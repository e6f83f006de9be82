import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

// A vitest of its own is started in each.
vi.setConfig({ testTimeout: 60_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;
beforeAll(async () => {
  // Inside of the project, where its packages are found.
  await mkdir(join(root, 'reports'), { recursive: true });
  folder = await mkdtemp(join(root, 'reports', 'not-run-'));
  await writeFile(join(folder, 'vitest.config.ts'), 'export default {};\n');
  const needs = join(root, 'harness/machine/needs.ts');
  await writeFile(
    join(folder, 'needy.test.ts'),
    `import { beforeAll, expect, test } from 'vitest';
import { describeWith } from '${needs}';
test('what needs nothing', () => { expect(1).toBe(1); });
const describe = await describeWith('Go', 'engine');
describe('what needs the machine', () => {
  beforeAll(() => { throw new Error('a hook ran'); });
  test('builds', () => { expect(1).toBe(2); });
});
`,
  );
  await writeFile(
    join(folder, 'silent.test.ts'),
    `import { test } from 'vitest';\ntest.skip('no reason', () => {});\n`,
  );
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs vitest on a machine whose PATH has neither Go nor Docker, as nobody in particular. */
async function run(
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | undefined; readonly all: string }> {
  const reporter = join(root, 'harness/machine/not-run-reporter.ts');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { exitCode, all } = await execa(
    process.execPath,
    [vitest, 'run', '--root', folder, '--reporter=default', `--reporter=${reporter}`, file],
    {
      cwd: folder,
      reject: false,
      all: true,
      env: { PATH: folder, NO_COLOR: '1', CI: '', MESHPROOF_TESTS: '', ...env },
    },
  );
  return { code: exitCode, all };
}

test('what the machine lacks is reported with its reason, and is no failure', async () => {
  const { code, all } = await run('needy.test.ts', {});
  expect(all).toContain(
    '1 tests did not run:\n  needy.test.ts > what needs the machine (not run on this machine: go is not',
  );
  expect(all).not.toContain('a hook ran');
  expect(all).toMatch(/1 passed \| 1 skipped/);
  expect(code).toBe(0);
});

test('where all must run, the same is a failure', async () => {
  const { code, all } = await run('needy.test.ts', { MESHPROOF_TESTS: 'all' });
  expect(all).toContain('Here all tests must run.');
  expect(code).toBe(1);
});

test('a test that is left out without a reason is one everywhere', async () => {
  const { code, all } = await run('silent.test.ts', {});
  expect(all).toContain('1 of them give no reason.');
  expect(code).toBe(1);
});
