import { createHash } from 'node:crypto';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Passed } from '../probe/barrier.ts';
import { redactError } from '../tape/redact/error.ts';
import { redactText } from '../tape/redact/text.ts';
import { redact } from '../tape/redact/value.ts';
import { lookingLive, type Keeping, type Looking, type Tape } from '../tape/tape.ts';
import type { EvidenceBudget } from './evidence-budget.ts';

/** Name of the list of all answers in a scenario's evidence. */
export const tapeFile = 'tape.jsonl';

const refusalSchema = z.object({
  /** A meshproof error by its code, or any other with what tells it apart. */
  code: z.union([z.string(), z.number()]).optional(),
  message: z.string(),
  details: z.partialRecord(z.enum(['what', 'where', 'expected', 'seen', 'remedy', 'evidence']), z.string()).optional(),
  body: z.unknown().optional(),
});

const count = z.int().min(0).max(10_000_000_000);

/** One line of the tape: an answer, or the length of a series of looks. */
export const tapeLineSchema = z.union([
  z.object({
    during: z.string(),
    question: z.string(),
    index: count,
    answer: z.unknown().optional(),
    /** Name of the file beside the tape that holds the answer. */
    file: z
      .string()
      .max(255)
      .regex(/^\w[\w.-]*$/)
      .optional(),
    /** Bytes of an answer that was left out, since the run's budget for evidence was used up. */
    leftOut: count.optional(),
    refusal: refusalSchema.optional(),
  }),
  z.object({
    during: z.string(),
    looking: z.string(),
    index: count,
    looks: count,
    seconds: z.number().min(0),
    /** One more look was begun, and never came back. */
    hung: z.literal(true).optional(),
  }),
]);
export type TapeLine = z.infer<typeof tapeLineSchema>;

/** Where a scenario's evidence goes to, or comes from. */
export interface Evidence extends Tape {
  readonly path: string;
  /** Says by its key which step or claim begins; the same question in another step is another one. */
  during(key: string): void;
  keepBarrier(proxy: string, passed: Passed): Promise<void>;
  keepManifest(cluster: string, object: KubernetesObject): Promise<void>;
}

/**
 * Numbers the questions of a scenario: the same one in the same step again is the next one. Recording and replay count
 * alike.
 */
export class Places {
  /** Key of the step or claim that is played. */
  during = '';
  readonly #counts = new Map<string, number>();

  next(question: string): { readonly during: string; readonly index: number } {
    const place = `${this.during}\n${question}`;
    const index = this.#counts.get(place) ?? 0;
    this.#counts.set(place, index + 1);
    return { during: this.during, index };
  }
}

/** Answers up to this length stand in the list itself. */
const short = 600;

/**
 * The evidence of one scenario on disk: every dump, exchange and manifest, numbered in the order they came, and the
 * list of all answers, from which a replay computes the verdicts again. Everything passes the redactor; what is secret
 * as a whole is asked with it left out.
 */
export class EvidenceFolder implements Evidence {
  readonly path: string;
  #count = 0;
  #begun = false;
  readonly #places = new Places();
  /** Content hash → file: what was seen again is not written again. */
  readonly #files = new Map<string, string>();
  #written: Promise<void> = Promise.resolve();

  readonly #budget: EvidenceBudget | undefined;

  /**
   * @param path of the folder
   * @param budget of the run; without one there is no limit
   */
  constructor(path: string, budget?: EvidenceBudget) {
    this.path = path;
    this.#budget = budget;
  }

  during(key: string): void {
    this.#places.during = key;
  }

  async ask<T>(
    question: string,
    live: () => Promise<T>,
    { file, keep = (answer: T): unknown => answer }: Keeping<T>,
  ): Promise<T> {
    const { during, index } = this.#places.next(question);
    try {
      const answer = await live();
      const kept = redact(keep(answer));
      const text = JSON.stringify(kept, undefined, file === undefined ? undefined : 1) as string | undefined;
      if (text === undefined) await this.#append({ during, question, index });
      else if (file === undefined && text.length <= short)
        await this.#append({ during, question, index, answer: kept });
      else {
        const kept = await this.#keep(file ?? 'answer.json', text);
        await this.#append({
          during,
          question,
          index,
          ...(kept === undefined ? { leftOut: text.length } : { file: kept }),
        });
      }
      return answer;
    } catch (error) {
      await this.#append({ during, question, index, refusal: refusalOf(error) });
      throw error;
    }
  }

  looking(name: string): Looking {
    const { during, index } = this.#places.next(`looking ${name}`);
    // A line that cannot be written fails every later one, and `written` tells.
    return lookingLive((looks, seconds, hung) => {
      const line = { during, looking: name, index, looks, seconds, ...(hung ? { hung } : {}) };
      this.#append(line).catch(() => undefined);
    });
  }

  /** What a propagation barrier saw as it opened: the hops, and the push versions that istiod gave. */
  async keepBarrier(proxy: string, passed: Passed): Promise<void> {
    await this.#keep(`${proxy}.barrier.json`, JSON.stringify(redact(passed), undefined, 2));
  }

  /** What was applied; of a Secret only which one it was. */
  async keepManifest(cluster: string, object: KubernetesObject): Promise<void> {
    await this.#keep(`${cluster}.${object.kind} ${object.metadata.name}.yaml`, stringify(redact(object)));
  }

  /**
   * Everything is on disk when this comes: also of a scenario that asked nothing, since it needs what this environment
   * has not, an empty tape. A tape that is there already is left as it is.
   */
  async written(): Promise<void> {
    await this.#written;
    if (this.#begun) return;
    await mkdir(this.path, { recursive: true });
    await writeFile(join(this.path, tapeFile), '', { flag: 'wx' }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }

  async #append(line: TapeLine): Promise<void> {
    const text = `${JSON.stringify('question' in line ? { ...line, question: redactText(line.question) } : line)}\n`;
    this.#written = this.#written.then(async () => {
      await mkdir(this.path, { recursive: true });
      // A folder that is used again, by an editor's runs say, holds the tape of the last one.
      await (this.#begun ? appendFile : writeFile)(join(this.path, tapeFile), text);
      this.#begun = true;
    });
    await this.#written;
  }

  /** @returns the name of the file; undefined when the budget has no room for it */
  async #keep(name: string, text: string): Promise<string | undefined> {
    const hash = createHash('sha256').update(text).digest('hex');
    const known = this.#files.get(hash);
    if (known !== undefined) return known;
    if (this.#budget?.take(Buffer.byteLength(text)) === false) return undefined;
    this.#count += 1;
    const file = `${String(this.#count).padStart(3, '0')}-${name.replaceAll(/[^\w.-]+/g, '_')}`;
    this.#files.set(hash, file);
    await mkdir(this.path, { recursive: true });
    await writeFile(join(this.path, file), text);
    return file;
  }
}

/** Those of some texts that are there. */
const told = <Key extends string>(texts: Readonly<Record<Key, string | undefined>>): Partial<Record<Key, string>> =>
  Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)) as Partial<Record<Key, string>>;

/** An error as plain data: enough for whoever meets it in a replay to judge it as live. */
function refusalOf(thrown: unknown): z.infer<typeof refusalSchema> {
  const error = redactError(thrown);
  if (error instanceof MeshproofError) {
    const { where, expected, seen, remedy, evidence } = error.details;
    const details = { where, expected, seen, remedy, evidence };
    return { code: error.code, message: error.message, details: told(details) };
  }
  const { code, body } = (error ?? {}) as { code?: unknown; body?: unknown };
  return {
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: error instanceof Error ? error.message : String(error),
    ...(body === undefined ? {} : { body }),
  };
}
