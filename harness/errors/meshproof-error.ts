import { catalogue, type ErrorCode } from './catalogue.ts';

/** The parts of a message for the user. Only `what` is always known. */
export interface ErrorDetails {
  /** What failed, in one sentence. */
  readonly what: string;
  /** Cluster, pod or hop where it failed. */
  readonly where?: string | undefined;
  readonly expected?: string | undefined;
  readonly seen?: string | undefined;
  /** What to try; the catalogue's remedy when left out. */
  readonly remedy?: string | undefined;
  /** Path of a log or folder that holds the evidence. */
  readonly evidence?: string | undefined;
  readonly cause?: unknown;
}

/** An error with a stable code that says what failed, where, what was expected, what was seen and what to try. */
export class MeshproofError extends Error {
  override readonly name = 'MeshproofError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.what, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.details = details;
  }

  get remedy(): string {
    return this.details.remedy ?? catalogue[this.code].remedy;
  }
}

/** What the operating system says about the machine, and not about meshproof. */
const ofTheMachine: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'MP220',
  EDQUOT: 'MP220',
  EACCES: 'MP221',
  EPERM: 'MP221',
  EROFS: 'MP221',
  EMFILE: 'MP222',
  ENFILE: 'MP222',
};

/**
 * Turns anything thrown into a MeshproofError: a full disk or a missing permission gets a code of its own, and what
 * meshproof did not foresee becomes MP999 and keeps its cause.
 */
export function asMeshproofError(error: unknown): MeshproofError {
  if (error instanceof MeshproofError) return error;
  const what = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const where = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  // Node says so of a folder that is to be made, with all above it, on a file system that is read-only.
  const isReadOnly = code === 'ENOENT' && error instanceof Error && 'syscall' in error && error.syscall === 'mkdir';
  return new MeshproofError(isReadOnly ? 'MP221' : (ofTheMachine[code] ?? 'MP999'), { what, where, cause: error });
}

/** Renders an error as the plain lines that a terminal or a log shows. */
export function describeError(error: MeshproofError): string {
  const { what, where, expected, seen, evidence } = error.details;
  const rows: [string, string | undefined][] = [
    ['where', where],
    ['expected', expected],
    ['seen', seen],
    ['try', error.remedy],
    ['evidence', evidence],
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '');
  const lines = shown.map(([label, text]) => `  ${label.padEnd(9)}${text.replaceAll('\n', `\n${' '.repeat(11)}`)}`);
  return [`${error.code} ${catalogue[error.code].title}: ${what}`, ...lines].join('\n');
}

/**
 * The process exit code for an error: 2 for bad usage or configuration, 3 for an environment that failed, 1 for the
 * mesh itself.
 */
export function exitCodeOf(error: { readonly code: ErrorCode }): 1 | 2 | 3 {
  switch (catalogue[error.code].blame) {
    case 'usage':
      return 2;
    case 'mesh':
      return 1;
    case 'environment':
      return 3;
  }
}
