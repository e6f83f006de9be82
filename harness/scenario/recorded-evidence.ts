import { join } from 'node:path';
import { isErrorCode } from '../errors/catalogue.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { redactText } from '../tape/redact/text.ts';
import { isMissing, largest, readInside } from '../tape/run-folder.ts';
import type { Keeping, Looking } from '../tape/tape.ts';
import { Places, tapeFile, tapeLineSchema, type Evidence, type TapeLine } from './evidence.ts';

type Answer = Extract<TapeLine, { question: string }>;
type Series = Extract<TapeLine, { looking: string }>;

/**
 * The evidence of a scenario that was played before, read from disk: every question gets the answer that it got then,
 * and every series of looks lasts as many looks as it did. Nothing outside is touched.
 */
export class RecordedEvidence implements Evidence {
  readonly path: string;
  readonly #run: string;
  readonly #below: string;
  readonly #lines: ReadonlyMap<string, TapeLine>;
  readonly #files = new Map<string, Promise<unknown>>();
  readonly #places = new Places();

  private constructor(run: string, below: string, lines: ReadonlyMap<string, TapeLine>) {
    this.#run = run;
    this.#below = below;
    this.path = join(run, below);
    this.#lines = lines;
  }

  /**
   * Opens the evidence of one scenario.
   *
   * @param run folder of the run; nothing outside of it is read
   * @param scenario id, which is the folder's place below `evidence/`
   * @throws MeshproofError MP713 when the folder holds no tape, or one that cannot be read; MP720 when it leads outside
   *   of the run; MP721 when the tape is larger than is read.
   */
  static async open(run: string, scenario: string): Promise<RecordedEvidence> {
    const below = join('evidence', scenario);
    const path = join(run, below);
    const text = await readInside(run, join(below, tapeFile), largest.tape).catch((cause: unknown) => {
      if (!isMissing(cause)) throw cause;
      throw new MeshproofError('MP713', { what: 'there is no evidence to replay', where: join(path, tapeFile), cause });
    });
    const lines = new Map<string, TapeLine>();
    for (const [number, line] of text.split('\n').entries()) {
      if (line === '') continue;
      const parsed = parse(line);
      if (parsed === undefined)
        throw new MeshproofError('MP713', {
          what: 'a line of the tape cannot be read',
          where: `${join(path, tapeFile)}:${number + 1}`,
          seen: line.slice(0, 200),
        });
      lines.set(
        keyOf(parsed.during, 'question' in parsed ? parsed.question : `looking ${parsed.looking}`, parsed.index),
        parsed,
      );
    }
    return new RecordedEvidence(run, below, lines);
  }

  during(key: string): void {
    this.#places.during = key;
  }

  async ask<T>(question: string, _live?: () => Promise<T>, { unasked }: Keeping<T> = {}): Promise<T> {
    const line = this.#next(question) as Answer | undefined;
    if (line === undefined) {
      if (unasked !== undefined) return unasked;
      throw new MeshproofError('MP713', {
        what: 'the run never asked this',
        where: this.path,
        expected: `an answer to “${question}” during ${this.#places.during}`,
        seen: 'none left on the tape',
        remedy: 'The scenario has changed since the run: play it again.',
      });
    }
    if (line.refusal !== undefined) throw revived(line.refusal);
    if (line.leftOut !== undefined)
      throw new MeshproofError('MP713', {
        what: 'the run had no room for this answer',
        where: this.path,
        expected: `the answer to “${question}” during ${this.#places.during}`,
        seen: `${line.leftOut} bytes that were left out, since the budget for evidence was used up`,
        remedy: 'Play it again with a larger `evidenceMegabytes` in meshproof.yaml.',
      });
    return (line.file === undefined ? line.answer : await this.#read(line.file)) as T;
  }

  looking(name: string): Looking {
    const line = (this.#next(`looking ${name}`) as Series | undefined) ?? this.#otherSeries(name);
    // A run that was killed has none for what it looked at last; how long that would have lasted nobody knows.
    if (line === undefined)
      throw new MeshproofError('MP713', {
        what: 'the run has no end of this series of looks',
        where: this.path,
        expected: `how often it looked “${name}” during ${this.#places.during}`,
        seen: 'none left on the tape',
        remedy: 'The run was stopped in between, or the scenario has changed since: play it again.',
      });
    const { looks, seconds, hung } = line;
    let done = 1;
    return {
      hungAfter: hung === true ? looks : undefined,
      end: () => seconds,
      again: () => {
        done += 1;
        return Promise.resolve(done <= looks || (hung === true && done === looks + 1));
      },
    };
  }

  keepBarrier(): Promise<void> {
    return Promise.resolve();
  }

  keepManifest(): Promise<void> {
    return Promise.resolve();
  }

  /** A claim that is judged by another matcher today looks as often as it did by the one of then. */
  #otherSeries(name: string): Series | undefined {
    const during = [...this.#lines.values()].filter(
      (line): line is Series => 'looking' in line && line.during === this.#places.during,
    );
    return during.some(({ looking }) => looking === name) ? undefined : during[0];
  }

  #next(question: string): TapeLine | undefined {
    const { during, index } = this.#places.next(question);
    return this.#lines.get(keyOf(during, question, index));
  }

  /**
   * What several answers share is read once, and is one object: whoever remembers what came of it need not work again.
   */
  async #read(file: string): Promise<unknown> {
    const reading =
      this.#files.get(file) ??
      readInside(this.#run, join(this.#below, file), largest.answer)
        .then((text) => JSON.parse(text) as unknown)
        .catch((cause: unknown) => {
          if (cause instanceof MeshproofError) throw cause;
          throw new MeshproofError('MP713', {
            what: 'a file of the evidence is missing or broken',
            where: join(this.path, file),
            seen: cause instanceof Error ? cause.message : String(cause),
            cause,
          });
        });
    this.#files.set(file, reading);
    return await reading;
  }
}

/** Older tapes have questions that were not redacted yet. */
const keyOf = (during: string, question: string, index: number): string =>
  `${during}\n${redactText(question)}\n${index}`;

function parse(line: string): TapeLine | undefined {
  try {
    return tapeLineSchema.parse(JSON.parse(line));
  } catch {
    // Whoever reads the tape says which line it was.
    return undefined;
  }
}

function revived({ code, message, details, body }: NonNullable<Answer['refusal']>): Error {
  if (typeof code === 'string' && isErrorCode(code)) return new MeshproofError(code, { ...details, what: message });
  return Object.assign(new Error(message), code === undefined ? {} : { code }, body === undefined ? {} : { body });
}
