import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BaseSequencer, createVitest, type Reporter, type TestCase, type TestSpecification } from 'vitest/node';
import { codeFile, codeRoot, packageRoot } from '../../assets/package-files.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { diagnosisTold } from '../../diagnose/diagnose.ts';
import type { Progress, Say } from '../../progress/progress.ts';
import type { Environment } from '../../scenario/environment.ts';
import { scenarioResultSchema, type ScenarioResult } from '../../scenario/claims.ts';
import { describeCauses } from '../../report/causes.ts';
import { countVerdicts } from '../../report/run-data.ts';
import { signs, worstOfScenario } from '../../report/summary.ts';
import { writeReports } from '../record/reports.ts';
import type { RunRecord } from '../record/run-record.ts';
import { isThere, longestPause, pausedFile } from '../../scenario/pause.ts';
import type { OnRed } from '../plan.ts';
import type { ScenarioFile } from '../../config/scenario-files.ts';

export interface Order {
  /** The scenarios, in the order they are played unless they are shuffled. */
  readonly scenarios: readonly ScenarioFile[];
  /** Seed of a random order. */
  readonly shuffle: number | undefined;
  /**
   * True when the environment is taken down right afterwards: the last scenario then need not put back what it took.
   */
  readonly endsWithThem: boolean;
  /** Bytes of evidence that the whole run may write. */
  readonly evidenceBytes: number;
  readonly onRed: OnRed;
}

/**
 * Plays scenarios by vitest's own Node API, one after the other, and records each as it ends.
 *
 * @throws MeshproofError MP999 when vitest itself failed: a scenario file that does not load, or a test without a
 *   result.
 */
export async function playScenarios(
  environment: Environment,
  { scenarios, shuffle, endsWithThem, evidenceBytes, onRed }: Order,
  record: RunRecord,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const broken: string[] = [];
  let tell: Say = () => undefined;

  const reporter: Reporter = {
    onTestCaseReady: (test) => {
      tell(`playing ${test.name}`);
    },
    onTestCaseResult: async (test: TestCase) => {
      const parsed = scenarioResultSchema.safeParse(test.meta().meshproof);
      if (parsed.success) {
        await record.addScenario(parsed.data);
        // After each scenario, so that a run that is killed leaves reports of all that it played.
        await writeReports(record.folder, record.data);
        for (const line of describeScenario(parsed.data)) progress.note(line);
      } else broken.push(`${test.name}: ${(test.result().errors ?? []).map(({ message }) => message).join('; ')}`);
    },
    onTestRunEnd: (_modules, errors) => {
      for (const error of errors) broken.push(error.message);
    },
    onTestModuleEnd: (module) => {
      for (const error of module.errors()) broken.push(`${module.moduleId}: ${error.message}`);
    },
  };

  const before = (['SIGINT', 'SIGTERM'] as const).map((name) => [name, process.listeners(name)] as const);
  process.env['VITEST'] = 'true';
  const vitest = await createVitest('test', {
    root: packageRoot,
    config: false,
    watch: false,
    // Nothing is looked for: the files are handed over below.
    include: [],
    setupFiles: [codeFile('harness/scenario/vitest-setup')],
    // Compiled code needs no transformation, and whoever imports it must get one and the same module.
    server: { deps: { external: [new RegExp(`^${codeRoot.replace(/\W/g, '\\$&')}/.*\\.js$`)] } },
    pool: 'forks',
    // Scenarios share the clusters, so they take turns; each one cleans up after itself.
    fileParallelism: false,
    isolate: false,
    // A proof plays the scenario once more.
    testTimeout: onRed.pauses ? longestPause + 600_000 : 600_000,
    retry: 0,
    reporters: [
      reporter,
      [
        fileURLToPath(import.meta.resolve('allure-vitest/reporter')),
        { resultsDir: join(record.folder, 'allure-results'), reportMatchers: false },
      ],
    ],
    sequence:
      shuffle === undefined
        ? { sequencer: inOrder(scenarios) }
        : { shuffle: { files: true, tests: false }, seed: shuffle },
    provide: {
      environment: JSON.stringify(environment),
      runFolder: record.folder,
      evidenceBytes,
      prove: onRed.prove,
      pauses: onRed.pauses,
      lastScenario: endsWithThem && shuffle === undefined ? (scenarios.at(-1)?.id ?? '') : '',
    },
  });
  // vitest would end the process at a signal; an orderly end takes the environment down first.
  for (const [name, known] of before)
    for (const listener of process.listeners(name)) if (!known.includes(listener)) process.off(name, listener);
  const cancel = (): void => void vitest.cancelCurrentRun('keyboard-input');
  signal.addEventListener('abort', cancel);
  const noMore = onRed.pauses ? tellOfPauses(record.folder, progress) : () => undefined;
  try {
    await progress.group('scenarios', [
      {
        title: scenarios.length === 1 ? (scenarios[0]?.id ?? '') : `${scenarios.length} scenarios`,
        run: async (say) => {
          tell = say;
          await vitest.standalone();
          const project = vitest.getRootProject();
          await vitest.runTestSpecifications(
            scenarios.map(({ file }) => project.createSpecification(file)),
            true,
          );
        },
      },
    ]);
  } finally {
    noMore();
    signal.removeEventListener('abort', cancel);
    await vitest.close();
  }
  signal.throwIfAborted();
  if (broken.length > 0)
    throw new MeshproofError('MP999', { what: 'scenarios could not be played', seen: broken.join('\n') });
}

/**
 * Says when the run is paused, where to look and how it goes on.
 *
 * @returns what ends it
 */
function tellOfPauses(folder: string, progress: Progress): () => void {
  let paused = false;
  const file = pausedFile(folder);
  const timer = setInterval(() => {
    void isThere(file).then((now) => {
      if (now && !paused)
        progress.note(
          [
            `paused, with the mesh as it is: ${readFileSync(file, 'utf8').trim()}`,
            '  look      npx meshproof exec -- bash, in another terminal',
            `  go on     press Enter, or remove ${file}`,
          ].join('\n'),
        );
      paused = now;
    });
  }, 500);
  return () => {
    clearInterval(timer);
  };
}

/** vitest plays what took longest the last time first; a walkthrough has an order of its own. */
function inOrder(scenarios: readonly ScenarioFile[]): typeof BaseSequencer {
  const place = ({ moduleId }: TestSpecification): number => scenarios.findIndex(({ file }) => file === moduleId);
  return class extends BaseSequencer {
    override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      return Promise.resolve([...files].sort((left, right) => place(left) - place(right)));
    }
  };
}

/** One line for the scenario, one more for each claim that does not hold. */
function describeScenario({ id, claims, seconds, replaced, stopped, causes = [], leftOut }: ScenarioResult): string[] {
  const verdict = worstOfScenario({ claims, stopped });
  const rows = claims
    .filter((claim) => claim.verdict !== 'passed' && claim.verdict !== 'notReached')
    .map(({ verdict: one, name, reason = '', diagnosis }, index, broken) => {
      // Claims that are not supported most often have one reason, which is told once.
      if (index > 0 && broken[index - 1]?.reason === reason)
        return `  ${signs[one]} ${name}\n      for the same reason`;
      const told = diagnosis === undefined ? [] : diagnosisTold(diagnosis);
      return [`  ${signs[one]} ${name}`, ...[...told, ...reason.split('\n')].map((line) => `      ${line}`)].join('\n');
    });
  const { notReached } = countVerdicts(claims);
  const stop =
    stopped === undefined
      ? []
      : [
          [
            `  ${signs[stopped.verdict]} the step “${stopped.step}” failed`,
            ...(stopped.diagnosis === undefined ? [] : diagnosisTold(stopped.diagnosis)).map((line) => `      ${line}`),
            ...(stopped.reason ?? '').split('\n').map((line) => `      ${line}`),
          ].join('\n'),
          ...(notReached === 0 ? [] : [`  ${signs.notReached} ${notReached} claims behind it were not reached`]),
        ];
  const notes = claims
    .filter(({ verdict: one, note }) => one === 'passed' && note !== undefined)
    .map(({ name, note }) => `    ${name}: ${note ?? ''}`);
  const modern = replaced.map(({ was }) => `    modern Istio: stands in for ${was}`);
  const unkept =
    leftOut === undefined
      ? []
      : [
          `    ${leftOut.answers} answers (${(leftOut.bytes / 1e6).toFixed(0)} MB) are not in the evidence: evidenceMegabytes is used up`,
        ];
  return [
    `${signs[verdict]} ${id}: ${countVerdicts(claims).passed} of ${claims.length} claims hold, ${seconds.toFixed(1)} s`,
    // The cause first, and once: what each claim saw of it follows.
    ...describeCauses(causes).map((line) => `  ${line}`),
    ...rows,
    ...stop,
    ...notes,
    ...modern,
    ...unkept,
  ];
}
