import { MeshproofError } from '../../errors/meshproof-error.ts';

/**
 * The seed of `--shuffle`: a number, or one of its own where none was given.
 *
 * @returns undefined without the option: the scenarios have an order of their own
 * @throws MeshproofError MP103 for a seed that is no whole number.
 */
export function seedOf(shuffle: string | true | undefined): number | undefined {
  if (shuffle === undefined) return undefined;
  const seed = shuffle === true ? Date.now() % 1_000_000 : Number(shuffle);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new MeshproofError('MP103', { what: 'the seed of --shuffle must be a whole number', seen: String(shuffle) });
  return seed;
}
