import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrorCode } from '../errors/catalogue.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Looking } from '../tape/tape.ts';
import { Places, tapeFile, tapeLineSchema, type Evidence, type TapeLine } from './evidence.ts';

type Answer = Extract<TapeLine, { question: string }>;
type Series = Extract<TapeLine, { looking: string }>;

/**
 * The evidence of a scenario that was played before, read from disk: every question gets the answer that it got then, and every series of looks
 * lasts as many looks as it did. Nothing outside is touched.
 */
export class RecordedEvidence implements Evidence {
  readonly path: string;
  readonly #lines: ReadonlyMap<string, TapeLine>;
  readonly #files = new Map<string, Promise<unknown>>();
  readonly #places = new Places();

  private constructor(path: string, lines: ReadonlyMap<string, TapeLine>) {
    this.path = path;
    this.#lines = lines;
  }

  /** @throws MeshproofError MP713 when the folder holds no tape, or one that cannot be read. */
  static async open(path: string): Promise<RecordedEvidence> {
    const text = await readFile(join(path, tapeFile), 'utf8').catch((cause: unknown) => {
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
    return new RecordedEvidence(path, lines);
  }

  during(title: string): void {
    this.#places.during = title;
  }

  async ask<T>(question: string): Promise<T> {
    const line = this.#next(question) as Answer | undefined;
    if (line === undefined) {
      throw new MeshproofError('MP713', {
        what: 'the run never asked this',
        where: this.path,
        expected: `an answer to “${question}” during “${this.#places.during}”`,
        seen: 'none left on the tape',
        remedy: 'The scenario has changed since the run: play it again.',
      });
    }
    if (line.refusal !== undefined) throw revived(line.refusal);
    return (line.file === undefined ? line.answer : await this.#read(line.file)) as T;
  }

  looking(name: string): Looking {
    const line = this.#next(`looking ${name}`) as Series | undefined;
    const { looks, seconds } = line ?? { looks: 1, seconds: 0 };
    let done = 1;
    return {
      end: () => seconds,
      again: () => {
        done += 1;
        return Promise.resolve(done <= looks);
      },
    };
  }

  keepBarrier(): Promise<void> {
    return Promise.resolve();
  }

  keepManifest(): Promise<void> {
    return Promise.resolve();
  }

  #next(question: string): TapeLine | undefined {
    const { during, index } = this.#places.next(question);
    return this.#lines.get(keyOf(during, question, index));
  }

  /** What several answers share is read once, and is one object: whoever remembers what came of it need not work again. */
  async #read(file: string): Promise<unknown> {
    const reading =
      this.#files.get(file) ??
      readFile(join(this.path, file), 'utf8')
        .then((text) => JSON.parse(text) as unknown)
        .catch((cause: unknown) => {
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

const keyOf = (during: string, question: string, index: number): string => `${during}\n${question}\n${index}`;

function parse(line: string): TapeLine | undefined {
  try {
    return tapeLineSchema.parse(JSON.parse(line));
  } catch {
    // Whoever reads the tape says which line it was.
    return undefined;
  }
}

function revived({ code, message, details, body }: NonNullable<Answer['refusal']>): Error {
  if (typeof code === 'string' && isErrorCode(code)) return new MeshproofError(code, { what: message, ...details });
  return Object.assign(new Error(message), code === undefined ? {} : { code }, body === undefined ? {} : { body });
}
