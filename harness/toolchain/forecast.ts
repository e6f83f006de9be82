import type { Measured } from './measured-times.ts';
import type { Recipe } from './recipe.ts';
import type { Edition } from './selection.ts';

/** Cores of the machine that the manifest's seconds were measured on. */
const referenceCores = 2;
/** Of a build this share waits for the network, the disk or the linker, however many cores there are. */
const serialShare = 0.2;

/** How many artifacts are made at once: compilers fill the cores, downloads wait on the network and the disk. */
export const laneWidths = (edition: Edition, cores: number): { readonly compile: number; readonly fetch: number } => ({
  // One build more than there are cores, since one that downloads or links leaves a core to the others.
  compile: cores + 1,
  fetch: edition === 'release' ? 4 : 1,
});

/** The order in which artifacts are begun: the longest build first, what is fetched in the manifest's order. */
export const beginOrder = (recipe: Recipe): number => (recipe.from === 'go' ? -recipe.seconds : 0);

/**
 * Seconds that one artifact will take, beside the others: as this machine took them before, else as the manifest has
 * them. Another version counts by the longest that any took: what is compiled already makes a build look short.
 *
 * @param measured what is known of the recipe, the newest last
 */
export function expectedSeconds(recipe: Recipe, measured: Measured, cores: number): number {
  const same = measured.filter(({ version }) => version === recipe.version).at(-1);
  const known = same ?? measured.toSorted((left, right) => left.seconds - right.seconds).at(-1);
  const { seconds, cores: then } = known ?? { seconds: recipe.seconds, cores: referenceCores };
  if (recipe.from !== 'go') return seconds;
  const share = (count: number): number => serialShare + (1 - serialShare) / count;
  return (seconds * share(cores)) / share(then);
}

/** One artifact that is still to be made, and how long that will take. */
export interface Pending {
  readonly recipe: Recipe;
  readonly seconds: number;
}

/** Seconds until all of them are made: as many at a time, and in that order, as a run makes them. */
export function forecast(pending: readonly Pending[], edition: Edition, cores: number): number {
  const widths = laneWidths(edition, cores);
  const free = { compile: Array<number>(widths.compile).fill(0), fetch: Array<number>(widths.fetch).fill(0) };
  const ends = new Map<string, number>();
  const make = ({ recipe, seconds }: Pending): void => {
    const lane = free[recipe.from === 'go' ? 'compile' : 'fetch'];
    const place = lane.indexOf(Math.min(...lane));
    const end = Math.max(lane[place] ?? 0, readyAt(recipe, ends)) + seconds;
    lane[place] = end;
    ends.set(recipe.id, end);
  };
  const inOrder = [...pending].sort((left, right) => beginOrder(left.recipe) - beginOrder(right.recipe));
  // Those that take what another one compiled wait for it without a place in the lane.
  const waits = ({ recipe }: Pending): boolean =>
    recipe.from === 'go' && inOrder.some((other) => other.recipe.id === recipe.shares);
  for (const one of inOrder.filter((one) => !waits(one))) make(one);
  for (const one of inOrder.filter(waits)) make(one);
  return Math.max(0, ...ends.values());
}

const readyAt = (recipe: Recipe, ends: ReadonlyMap<string, number>): number =>
  recipe.from === 'go' && recipe.shares !== undefined ? (ends.get(recipe.shares) ?? 0) : 0;
