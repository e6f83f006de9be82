import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import {
  attachment,
  ContentType,
  description,
  epic,
  feature,
  historyId,
  label,
  step as allureStep,
  testCaseId,
} from 'allure-js-commons';
import { expect, inject, onTestFinished, test } from 'vitest';
import { pauseUntilToldToGoOn } from './pause.ts';
import { proveCause } from './prove.ts';
import type { ScenarioResult } from './claims.ts';
import { environmentSchema } from './environment.ts';
import { interruptedWithin } from './interrupt.ts';
import { convergingMatchers, meshMatchers } from './matchers.ts';
import { play } from './play.ts';
import { registerScenariosWith } from './scenario.ts';
import { takeTurn } from './turn.ts';

declare module 'vitest' {
  interface ProvidedContext {
    environment: string;
    runFolder: string;
    /** Id of the scenario after which the environment is taken down; "" when it stays. */
    lastScenario: string;
    /** Whether the environment is taken down when the run ends, also by an interrupt. */
    endsWithRun: boolean;
    /** How many scenarios play at the same time. */
    atOnce: number;
    /** The Unix socket at which a scenario is given its turn; "" where they play one after the other. */
    turns: string;
    /** Bytes of evidence that the run may write. */
    evidenceBytes: number;
    /** Whether the first cause of a red scenario is proven, by undoing it. */
    prove: boolean;
    /** Whether the first thing that does not hold keeps the mesh as it is until somebody has looked. */
    pauses: boolean;
  }
}

expect.extend({ ...meshMatchers, ...convergingMatchers });

/**
 * Each scenario that is imported becomes one test; its claims are in the test's meta, and its failure lists those that
 * do not hold.
 */
registerScenariosWith((scenario) => {
  test(scenario.meta.id, async ({ task, signal }) => {
    // A scenario waits for many things at once by this one signal, which Node would take for a leak.
    setMaxListeners(0, signal);
    const endTurn = await takeTurn(inject('turns'), scenario.meta.id, signal);
    onTestFinished(endTurn);
    await epic(scenario.meta.section);
    await feature(scenario.meta.id);
    await label('scenario', scenario.meta.id);
    // By ids and keys, so that Allure's history survives a file that moves and a sentence that is reworded.
    await testCaseId(scenario.meta.id);
    await historyId(scenario.meta.id);
    const environment = environmentSchema.parse(JSON.parse(inject('environment')));
    const runFolder = inject('runFolder');
    const options = {
      environment,
      evidenceBytes: inject('evidenceBytes'),
      atOnce: inject('atOnce'),
      signal,
      assertions: () => expect.getState().assertionCalls,
    };
    const withProof = async (): Promise<ScenarioResult> => {
      const played = await play(scenario, {
        ...options,
        runFolder,
        endsWithRun: inject('endsWithRun'),
        isLast: inject('lastScenario') === scenario.meta.id,
        onRed: inject('pauses') ? (what) => pauseUntilToldToGoOn(runFolder, what, signal) : undefined,
        narrate: async ({ key, title }, work, done) =>
          await allureStep(title, async ({ parameter }) => {
            await parameter('key', key);
            try {
              return await work();
            } finally {
              for (const { title: name, text } of done()) await attachment(name, text, ContentType.TEXT);
            }
          }),
      });
      const playAgain = (): Promise<ScenarioResult> =>
        play(scenario, { ...options, runFolder: join(runFolder, 'proof') });
      return inject('prove') ? await proveCause({ environment, result: played, playAgain }) : played;
    };
    const playing = withProof();
    // An interrupt ends the test at once, and then its process, while the scenario still undoes what it did.
    onTestFinished(async () => {
      await playing.catch(() => undefined);
    }, interruptedWithin);
    const result = await playing;
    task.meta.meshproof = result;
    if (result.replaced.length > 0)
      await description(result.replaced.map(({ was, by }) => `Stands in for ${was}. ${by}`).join('\n\n'));
    const broken = result.claims.filter(({ verdict }) => verdict === 'failed' || verdict === 'error');
    const { stopped } = result;
    const told = [
      ...broken.map(({ name, reason }) => `${name}\n${reason ?? ''}`),
      ...(stopped === undefined ? [] : [`${stopped.step}\n${stopped.reason ?? ''}`]),
      ...result.claims.flatMap(({ name, verdict }) => (verdict === 'notReached' ? [`not reached: ${name}`] : [])),
    ];
    if (told.length > 0) throw new Error(told.join('\n\n'));
  });
});
