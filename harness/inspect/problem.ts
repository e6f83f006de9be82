import type { ErrorCode } from '../errors/catalogue.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

/**
 * Something that was found before anything was made: as a problem it keeps a run from beginning, as a warning it does
 * not.
 */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

/** An error as a problem, with what was seen. */
export const problemOf = ({ code, message, details: { where, seen }, remedy }: MeshproofError): Problem => ({
  code,
  message: [message, where, seen].filter((text) => text !== undefined && text !== '').join(': '),
  remedy,
});

export const formatProblem = ({ code, message, remedy }: Problem): string => `${code} ${message}\n  try: ${remedy}`;

/**
 * Ends a run that has not begun.
 *
 * @throws MeshproofError of the first problem, which names all others, when there is one.
 */
export function throwFirst([first, ...others]: readonly Problem[]): void {
  if (first === undefined) return;
  throw new MeshproofError(first.code, {
    what: first.message,
    remedy: first.remedy,
    ...(others.length === 0 ? {} : { seen: ['also:', ...others.map(formatProblem)].join('\n') }),
  });
}
