import type { Reporter, TestModule } from 'vitest/node';
import { everythingMustRun, notRunMark } from './needs.ts';

/**
 * Tells at the end of `npm test` which tests did not run, and why, since vitest counts them only. It fails the run for
 * a test that was left out without a reason, and for any where everything must run.
 */
export default class NotRunReporter implements Reporter {
  #filtered = false;

  onInit({ config }: Parameters<NonNullable<Reporter['onInit']>>[0]): void {
    // With `-t` the person chose themselves what runs.
    this.#filtered = config.testNamePattern !== undefined;
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    if (this.#filtered) return;
    const titles = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map(({ fullName }) => `${module.relativeModuleId} > ${fullName}`),
    );
    const { lines, failed } = notRunReport(titles, await everythingMustRun());
    if (lines.length > 0) process.stderr.write(`${lines.join('\n')}\n`);
    if (failed) process.exitCode = 1;
  }
}

/** What is to be told of tests that did not run, by their titles, and whether that fails the whole. */
export function notRunReport(
  titles: readonly string[],
  mustRun: boolean,
): { readonly lines: readonly string[]; readonly failed: boolean } {
  if (titles.length === 0) return { lines: [], failed: false };
  const unexplained = titles.filter((title) => !title.includes(notRunMark));
  const lines = [`${titles.length} tests did not run:`, ...titles.map((title) => `  ${title}`)];
  if (mustRun) return { lines: [...lines, 'Here all tests must run.'], failed: true };
  if (unexplained.length > 0)
    return { lines: [...lines, `${unexplained.length} of them give no reason.`], failed: true };
  return { lines, failed: false };
}
