import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['harness/**/*.test.ts', 'scenarios/**/*.test.ts'],
          // To load everything anew for each file takes longer than the tests. Many wait for programs that they start.
          pool: 'forks',
          isolate: false,
          maxWorkers: 3,
          // Some start the whole command line, which takes seconds on a busy machine.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // The whole command line against API servers that record every request: minutes, not seconds.
          name: 'slow',
          include: ['harness/**/*.slow.ts'],
          testTimeout: 400_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'conformance',
          // Scenario files are the tests: the set-up file turns each scenario() that is imported into one.
          include: ['scenarios/**/*.ts'],
          exclude: ['scenarios/**/*.test.ts'],
          setupFiles: ['harness/scenario/vitest-setup.ts'],
          globalSetup: ['harness/environment/kept-environment.ts'],
          pool: 'forks',
          // Scenarios share two clusters, so they take turns; each one owns its hosts and cleans up after itself.
          fileParallelism: false,
          isolate: false,
          testTimeout: 300_000,
          retry: 0,
        },
      },
    ],
  },
});
