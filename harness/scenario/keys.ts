import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** What names a claim or a step within its scenario: it stays when the sentence is reworded. */
const pattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const longest = 100;

export const keySchema = z.string().max(longest).regex(pattern, 'lower-case words and dashes');

/** A step by its key, and the sentence that reports show for it. */
export interface Keyed {
  readonly key: string;
  readonly title: string;
}

/** Steps that every scenario has without playing them itself. */
export const ownSteps = {
  between: { key: 'between-steps', title: 'between its steps' },
  after: { key: 'after-scenario', title: 'after the scenario' },
  takeAway: { key: 'take-away', title: 'take away what it applied' },
  putBack: { key: 'put-back', title: 'put back what was taken' },
} as const satisfies Record<string, Keyed>;

const taken = new Set<string>(Object.values(ownSteps).map(({ key }) => key));

/**
 * Checks that something can be the key of a claim or a step.
 *
 * @param scenario id of the scenario that has it
 * @param others keys that the scenario has already
 * @throws MeshproofError MP719 when it is no key, or not the only one of its name.
 */
export function checkKey(scenario: string, key: string, others: ReadonlySet<string>): void {
  const refuse = (what: string, expected: string): never => {
    throw new MeshproofError('MP719', { what: `the scenario ${scenario} ${what}`, expected, seen: key.slice(0, 200) });
  };
  if (!keySchema.safeParse(key).success)
    refuse('has a claim or a step whose key is none', 'a short name in lower case such as call-succeeds');
  if (taken.has(key)) refuse('has a step under a key of meshproof’s own', `none of ${[...taken].join(', ')}`);
  if (others.has(key)) refuse('has two claims or steps under one key', 'a key of its own for each claim and step');
}

/** A key made of a sentence, for records of the time when sentences were all that there was. */
export function keyOfSentence(sentence: string): string {
  const words = sentence.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return ['s', ...words].join('-').slice(0, longest).replace(/-$/, '');
}

/** Gives a claim or a step of an earlier record a key; for schemas of what is read from disk. */
export const withKey =
  (sentence: 'name' | 'title' | 'step') =>
  (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || 'key' in value) return value;
    const known = (value as Readonly<Record<string, unknown>>)[sentence];
    return typeof known === 'string' ? { ...value, key: keyOfSentence(known) } : value;
  };
