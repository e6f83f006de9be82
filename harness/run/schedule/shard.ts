import { MeshproofError } from '../../errors/meshproof-error.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { usualSeconds } from './last-seconds.ts';

/** One part of a run that several machines share. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/**
 * Reads a place among several, e.g. `2/3`.
 *
 * @param option by which it was given
 * @throws MeshproofError MP103 for what is no place among that many.
 */
export function parseShard(text: string, option = '--shard'): Shard {
  const [, index, count] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (index === undefined || count === undefined || index < 1 || index > count)
    throw new MeshproofError('MP103', {
      what: `${option} is a place and how many there are`,
      expected: 'e.g. 2/3: the second of three',
      seen: text,
    });
  return { index, count };
}

/**
 * The scenarios of one shard, in the order they came in. The heaviest goes first to the shard that has least so far;
 * together all shards have every scenario once. What it weighs comes from what it declares and not from earlier runs,
 * since every machine must come to the same split.
 *
 * @throws MeshproofError MP103 when there are more shards than scenarios: an empty one would prove nothing, and be
 *   green.
 */
export function scenariosOfShard(scenarios: readonly Scenario[], { index, count }: Shard): Scenario[] {
  if (count > scenarios.length)
    throw new MeshproofError('MP103', {
      what: `${scenarios.length} scenarios cannot be split into ${count} shards`,
      expected: `at most ${scenarios.length}`,
      seen: `--shard ${index}/${count}`,
    });
  const shards = Array.from({ length: count }, () => ({ seconds: 0, ids: new Set<string>() }));
  const heaviestFirst = [...scenarios].sort(
    (left, right) => usualSeconds(right) - usualSeconds(left) || left.meta.id.localeCompare(right.meta.id, 'en'),
  );
  for (const scenario of heaviestFirst) {
    const lightest = shards.reduce((least, one) => (one.seconds < least.seconds ? one : least));
    lightest.seconds += usualSeconds(scenario);
    lightest.ids.add(scenario.meta.id);
  }
  return scenarios.filter(({ meta }) => shards[index - 1]?.ids.has(meta.id) === true);
}
