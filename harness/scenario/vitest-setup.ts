import { step as allureStep, attachment, ContentType, description, epic, feature, label } from 'allure-js-commons';
import { expect, inject, test } from 'vitest';
import { environmentSchema } from './environment.ts';
import { convergingMatchers, meshMatchers } from './matchers.ts';
import { play } from './play.ts';
import { registerScenariosWith } from './scenario.ts';

declare module 'vitest' {
  interface ProvidedContext {
    environment: string;
    runFolder: string;
    /** Id of the scenario after which the environment is taken down; "" when it stays. */
    lastScenario: string;
    /** Bytes of evidence that the run may write. */
    evidenceBytes: number;
  }
}

expect.extend({ ...meshMatchers, ...convergingMatchers });

/**
 * Each scenario that is imported becomes one test; its claims are in the test's meta, and its failure lists those that
 * do not hold.
 */
registerScenariosWith((scenario) => {
  test(scenario.meta.id, async ({ task, signal }) => {
    await epic(scenario.meta.section);
    await feature(scenario.meta.id);
    await label('scenario', scenario.meta.id);
    const environment = environmentSchema.parse(JSON.parse(inject('environment')));
    const result = await play(scenario, {
      environment,
      runFolder: inject('runFolder'),
      evidenceBytes: inject('evidenceBytes'),
      signal,
      assertions: () => expect.getState().assertionCalls,
      isLast: inject('lastScenario') === scenario.meta.id,
      narrate: async (title, work, done) =>
        await allureStep(title, async () => {
          try {
            return await work();
          } finally {
            for (const { title: name, text } of done()) await attachment(name, text, ContentType.TEXT);
          }
        }),
    });
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
