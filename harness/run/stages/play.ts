import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createVitest, type Reporter, type TestCase } from 'vitest/node';
import { codeFile, codeRoot, packageRoot } from '../../assets/package-files.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import type { Progress, Say } from '../../progress/progress.ts';
import type { Environment } from '../../scenario/environment.ts';
import { scenarioResultSchema } from '../../scenario/claims.ts';
import { isThere, longestPause, pausedFile } from '../../scenario/pause.ts';
import { writeReports } from '../record/reports.ts';
import { listScenarios, type ListedScenario } from '../../config/scenario-files.ts';
import { describeScenario } from '../../report/scenario-lines.ts';
import { verdictOfRun } from '../../report/run-data.ts';
import { keepRunEnvironment } from '../record/run-environment.ts';
import { lastSeconds, usualSeconds } from '../schedule/last-seconds.ts';
import { packed } from '../schedule/packing.ts';
import { inOrder } from '../schedule/sequencer.ts';
import { serveTurns } from '../schedule/turn-server.ts';
import { leavesEnvironment, type RunRequest, type Stage } from '../request.ts';

/**
 * Plays the scenarios of a request, and judges the run by them.
 *
 * @throws MeshproofError MP999 when vitest itself failed.
 */
export async function play(request: RunRequest, environment: Environment, stage: Stage): Promise<void> {
  const { record, progress } = stage;
  await record.save({ setUp: environment.setUp });
  await keepRunEnvironment(record.folder, environment);
  const scenarios = await listScenarios(request.config.scenarios, request.only);
  if (scenarios.length > 0) {
    if (request.shuffle !== undefined) {
      await record.save({ shuffle: request.shuffle });
      progress.note(`shuffled with seed ${request.shuffle}`);
    }
    await record.phase('scenarios', () => playScenarios(request, environment, scenarios, stage));
  }
  await record.save({ verdict: verdictOfRun(record.data) });
}

/** How many scenarios play at the same time where nobody says: they wait more than they compute. */
const usualAtOnce = (): number => Math.min(2 * availableParallelism(), 8);

/**
 * Plays scenarios by vitest's own Node API and its pool of processes, side by side where they touch nothing in common,
 * and records each as it ends.
 *
 * @throws MeshproofError MP999 when vitest itself failed: a scenario file that does not load, or a test without a
 *   result.
 */
async function playScenarios(
  request: RunRequest,
  environment: Environment,
  scenarios: readonly ListedScenario[],
  { record, progress, signal }: Stage,
): Promise<void> {
  const { shuffle, config, onRed = { prove: false, pauses: false } } = request;
  // A mesh that is looked at, or in which a cause is undone, is nobody else's meanwhile.
  const atOnce = onRed.prove || onRed.pauses ? 1 : Math.min(config.atOnce ?? usualAtOnce(), scenarios.length);
  const took = await lastSeconds(config.reports);
  const order = packed(
    scenarios.map((one) => ({
      ...one,
      needs: one.meta.needs,
      plays: one.meta.plays,
      seconds: took.get(one.id) ?? usualSeconds(one),
    })),
    atOnce,
  );
  const ids = scenarios.map(({ id }) => id);
  // The last scenario before the environment is taken down need not put back what it took, if nobody plays beside it.
  const last = order.at(-1);
  const ends = last !== undefined && (atOnce === 1 || last.needs.ownsMesh === true);
  const isLast = ends && !leavesEnvironment(request) && shuffle === undefined ? last.id : '';
  const broken: string[] = [];
  let tell: Say = () => undefined;
  const reports = new NewestOnly(() => writeReports(record.folder, record.data));

  const turns = await serveTurns(
    order,
    (playing) => {
      if (playing.length > 0) tell(`playing ${playing.join(', ')}`);
    },
    shuffle === undefined,
  );
  const reporter: Reporter = {
    onTestCaseResult: async (test: TestCase) => {
      const parsed = scenarioResultSchema.safeParse(test.meta().meshproof);
      if (parsed.success) {
        await record.addScenario(parsed.data, ids);
        // After each scenario, so that a run that is killed leaves reports of all that it played.
        await reports.write();
        const before = record.data.scenarios.filter(({ id }) => id !== parsed.data.id);
        for (const line of describeScenario(parsed.data, before)) progress.note(line);
      } else broken.push(`${test.name}: ${(test.result().errors ?? []).map(({ message }) => message).join('; ')}`);
    },
    onTestRunEnd: (_modules, errors) => {
      for (const error of errors) broken.push(error.message);
    },
    onTestModuleEnd: (module) => {
      for (const { id, file } of order) if (file === module.moduleId) turns.over(id);
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
    // Each cleans up after itself; those that touch the same things take turns.
    fileParallelism: atOnce > 1,
    maxWorkers: atOnce,
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
      shuffle === undefined ? { sequencer: inOrder(order) } : { shuffle: { files: true, tests: false }, seed: shuffle },
    provide: {
      environment: JSON.stringify(environment),
      runFolder: record.folder,
      evidenceBytes: config.evidenceMegabytes * 1_000_000,
      atOnce,
      turns: turns.path,
      prove: onRed.prove,
      pauses: onRed.pauses,
      lastScenario: isLast,
      endsWithRun: !leavesEnvironment(request),
    },
  });
  // vitest would end the process at a signal; an orderly end takes the environment down first.
  for (const [name, known] of before)
    for (const listener of process.listeners(name)) if (!known.includes(listener)) process.off(name, listener);
  const cancel = (): void => void vitest.cancelCurrentRun('keyboard-input');
  signal.addEventListener('abort', cancel);
  const noMore = onRed.pauses ? reportPauses(record.folder, progress) : () => undefined;
  try {
    await progress.group('scenarios', [
      {
        title: scenarios.length === 1 ? (scenarios[0]?.id ?? '') : `${scenarios.length} scenarios`,
        run: async (say) => {
          tell = say;
          await vitest.standalone();
          const project = vitest.getRootProject();
          await vitest.runTestSpecifications(
            order.map(({ file }) => project.createSpecification(file)),
            true,
          );
        },
      },
    ]);
  } finally {
    noMore();
    signal.removeEventListener('abort', cancel);
    await vitest.close();
    await turns.close();
  }
  signal.throwIfAborted();
  if (broken.length > 0)
    throw new MeshproofError('MP999', { what: 'scenarios could not be played', seen: broken.join('\n') });
}

/** Writes something again and again: one at a time, and what came meanwhile only once, as it is then. */
class NewestOnly {
  readonly #work: () => Promise<void>;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Comes when what is true now is written. */
  async write(): Promise<void> {
    this.#next ??= this.#writing.then(async () => {
      this.#next = undefined;
      await (this.#writing = this.#work());
    });
    await this.#next;
  }
}

/**
 * Says when the run is paused, where to look and how it goes on.
 *
 * @returns what ends it
 */
function reportPauses(folder: string, progress: Progress): () => void {
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
