import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExecaError, Options } from 'execa';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { redactText } from '../tape/redact/text.ts';
import type { ErrorCode } from '../errors/catalogue.ts';

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  /** What the call is for, as the error message begins: "create cluster west". */
  readonly purpose: string;
  readonly code: ErrorCode;
  readonly where?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Deadline in milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
  /** Appends all output to this file, which is then the evidence of a failure. */
  readonly log?: string;
  /** Exit codes beside 0 that are an answer and no failure: `istioctl analyze` ends with 79 when it finds something. */
  readonly answers?: readonly number[];
  /** Called with each line of stdout and stderr, for progress. */
  readonly onLine?: (line: string) => void;
}

export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one program with an argument list (never a shell string) and captures what it prints.
 *
 * @throws MeshproofError with the call's code, the end of its output and its log, when the program is missing, fails,
 *   or outlasts its deadline; the signal's reason when it was aborted.
 */
export async function runProgram(call: ProgramCall): Promise<ProgramResult> {
  const { program, args, signal } = call;
  const options = {
    extendEnv: true,
    forceKillAfterDelay: 5_000,
    all: true,
    stripFinalNewline: true,
    stdin: call.input === undefined ? 'ignore' : 'pipe',
    maxBuffer: 256 * 1024 * 1024,
    ...(call.env === undefined ? {} : { env: call.env }),
    ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
    ...(call.input === undefined ? {} : { input: call.input }),
    ...(call.timeout === undefined ? {} : { timeout: call.timeout }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  } as const satisfies Options;
  if (call.log !== undefined) await mkdir(dirname(call.log), { recursive: true });
  const log = call.log === undefined ? undefined : createWriteStream(call.log, { flags: 'a' });
  // A log that cannot be written, on a full disk say, must not end the process; the program's own words are in memory
  // all the same.
  log?.on('error', () => undefined);
  log?.write(`$ ${redactText([program, ...args].join(' '))}\n`);
  // Loaded when something runs: commands that only read start the sooner.
  const { execa, ExecaError: Failure } = await import('execa');
  try {
    const child = execa(program, [...args], options);
    for await (const line of child.iterable({ from: 'all' })) {
      log?.write(`${redactText(line)}\n`);
      call.onLine?.(line);
    }
    const { stdout, stderr } = await child;
    return { stdout, stderr };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
    const { exitCode, stdout, stderr } = error as ExecaError & ProgramResult;
    if (exitCode !== undefined && call.answers?.includes(exitCode) === true) return { stdout, stderr };
    throw programError(call, error as ExecaError);
  } finally {
    log?.end();
  }
}

function programError(call: ProgramCall, error: ExecaError): MeshproofError {
  if (error.code === 'ENOENT') {
    return new MeshproofError('MP203', {
      what: `${call.purpose}: ${call.program} was not found`,
      where: call.where,
      cause: error,
    });
  }
  // A program's last words are on stderr; what it listed on stdout before would only push them out of view.
  const [errors, all] = [error.stderr as string | undefined, error.all as string | undefined];
  const output = (errors === undefined || errors.trim() === '' ? all : errors) ?? '';
  const end = output.split('\n').slice(-8).join('\n').trim();
  const how = error.timedOut
    ? `did not end within ${((call.timeout ?? 0) / 1000).toFixed(0)} s`
    : error.signal === undefined
      ? `exit code ${error.exitCode ?? 'unknown'}`
      : `killed by ${error.signal}`;
  return new MeshproofError(call.code, {
    what: `${call.purpose} failed (${call.program.split('/').at(-1) ?? call.program}: ${how})`,
    where: call.where,
    seen: end === '' ? undefined : end,
    evidence: call.log,
    cause: error,
  });
}
