import { MeshproofError } from '../errors/meshproof-error.ts';
import type { InARow, Load } from '../probe/load.ts';
import { lastBegun, windowOf, type LoadWindow } from '../probe/load-window.ts';
import type { ScenarioContext } from './scenario.ts';
import type { Client } from './workload.ts';

/**
 * Something that happens to the mesh while a load runs, as a step of its own, and what the load shows then: the next
 * one comes as soon as it does, or when its time is over.
 */
export type LoadEvent<Key extends string = string> = readonly [
  key: Key,
  title: string,
  happens: () => Promise<unknown>,
  until: InARow,
];

/** A load that has ended. */
export interface LoadReport<Key extends string = string> {
  /** Every call from the moment that an event began to the moment that the next one did. */
  readonly since: (event: Key) => LoadWindow;
  /** Of these the last ones, as many as must show what the event comes to. */
  readonly settledAfter: (event: Key) => LoadWindow;
  /** Every call of the load. */
  readonly all: LoadWindow;
  /**
   * Goes on where an event happened. Where it did not, since calls never showed what the one before it came to, this is
   * the step that ends the scenario: the claims behind it are not reached.
   *
   * @throws MeshproofError MP701 that says what calls did not show
   */
  readonly happened: (event: Key) => Promise<void>;
}

/**
 * Runs a load, lets one thing after the other happen to the mesh, each as soon as calls show what the one before it
 * came to, and ends the load: a step for each event, and the step `load`. After one that never shows nothing more
 * happens: what its calls came to instead is in the report, for a claim to judge.
 *
 * @param from the client that calls
 * @throws MeshproofError MP702 when the load could not be run, or not at its rate
 */
export async function underLoad<const Key extends string>(
  { step }: Pick<ScenarioContext<never>, 'step'>,
  from: Client,
  load: Load,
  events: readonly LoadEvent<Key>[],
): Promise<LoadReport<Key>> {
  const running = from.startLoad(load);
  const came: { readonly key: Key; readonly from: number; readonly shown: number; readonly calls: number }[] = [];
  for (const [key, title, happens, until] of events) {
    const shown = await step(key, title, async () => {
      const began = await running.moment(key);
      await happens();
      const seen = await running.shows(until);
      came.push({ key, from: began, shown: seen.at, calls: until.calls });
      return seen.shown;
    });
    if (!shown) break;
  }
  const result = await step('load', `end the load of ${load.perSecond} calls a second`, () => running.end());
  const end = (result.calls.at(-1)?.at ?? 0) + 1 / load.perSecond;
  const place = (event: Key): number => came.findIndex(({ key }) => key === event);
  return {
    since: (event) => windowOf(result, load, came[place(event)]?.from ?? end, came[place(event) + 1]?.from ?? end),
    settledAfter: (event) => lastBegun(result, came[place(event)]?.calls ?? 0, came[place(event)]?.shown ?? 0),
    all: windowOf(result, load, 0, end),
    happened: async (event) => {
      const last = events[came.length - 1];
      if (place(event) >= 0 || last === undefined) return;
      const [, title = event] = events.find(([key]) => key === event) ?? [];
      await step(`reach-${event}`, title, () => Promise.reject(notShown(last)));
    },
  };
}

const notShown = ([, title, , { what, calls, within }]: LoadEvent): MeshproofError =>
  new MeshproofError('MP701', {
    what: 'calls never showed that the next thing may happen',
    expected: `${calls} calls in a row with ${what}, within ${within / 1000} s`,
    seen: `none so many, after “${title}”`,
  });
