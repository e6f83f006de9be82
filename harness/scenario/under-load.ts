import type { Load } from '../probe/load.ts';
import { windowOf, type LoadWindow } from '../probe/load-window.ts';
import type { ScenarioContext } from './scenario.ts';
import type { Client } from './workload.ts';

/**
 * Something that happens to the mesh while a load runs, as a step of its own: so many seconds into the load, or right
 * after the event before it where none are given.
 */
export type LoadEvent = readonly [key: string, title: string, happens: () => Promise<unknown>, at?: number];

/** A load that has ended: what became of the calls that it began between two of its seconds. */
export type LoadReport = (from: number, to: number) => LoadWindow;

/**
 * Runs a load, does each thing at its time, and sees the load through: a step for each event, and the step `load`.
 *
 * @param from the client that calls
 * @param events in the order of their times
 * @throws MeshproofError MP702 when the load could not be run, or not at its rate
 */
export async function underLoad(
  { step }: Pick<ScenarioContext<never>, 'step'>,
  from: Client,
  load: Load,
  events: readonly LoadEvent[],
): Promise<LoadReport> {
  const running = from.startLoad(load);
  for (const [key, title, happens, at] of events)
    await step(key, title, async () => {
      if (at !== undefined) await running.reaches(at);
      await happens();
    });
  const title = `see the load of ${load.perSecond} calls a second through its ${load.seconds} s`;
  const result = await step('load', title, () => running.done);
  return (begin, end) => windowOf(result, load, begin, end);
}
