import { z } from 'zod';
import type { CurlExchange } from '../probe/curl.ts';
import type { Hop } from '../probe/trace.ts';
import { redactManifest } from '../tape/redact/manifest.ts';
import { redactText } from '../tape/redact/text.ts';
import { redact } from '../tape/redact/value.ts';

/** One thing that was done to a cluster, as the command that does the same by hand, with what came back. */
export const actionSchema = z.object({
  cluster: z.string(),
  command: z.string(),
  /** What the command reads from its standard input, a manifest say. */
  input: z.string().optional(),
  output: z.string(),
});

export type Action = z.infer<typeof actionSchema>;

/** An action as it would be typed, with what it reads as a here-document. */
export const typed = ({ command, input }: Pick<Action, 'command' | 'input'>): string =>
  `$ ${command}${input === undefined ? '' : ` <<EOF\n${input.trimEnd()}\nEOF`}`;

/** What was done and seen since the notes were taken the last time. */
export interface Notes {
  readonly actions: Action[];
  /** The last trace through each proxy. */
  readonly hops: Hop[];
  /** The last call. */
  readonly exchange: CurlExchange | undefined;
}

const longest = 4_000;

/** Notes what steps and claims do while they do it; whoever plays them takes the notes out after each. */
export class Journal {
  #actions: Action[] = [];
  #hops = new Map<string, readonly Hop[]>();
  #exchange: CurlExchange | undefined;

  /** Notes an action, redacted: of a Secret that it applies only its name. */
  note(action: Action): void {
    const { cluster, command, input, output } = action;
    this.#actions.push({
      cluster,
      command: redactText(command),
      ...(input === undefined ? {} : { input: redactManifest(input) }),
      output: shorten(redact(output)),
    });
  }

  /** Notes a call; of several the last one that failed counts, or the last one. */
  noteExchange(exchange: CurlExchange): void {
    const failed = ({ status, exitCode }: CurlExchange): boolean => exitCode !== 0 || status >= 400;
    if (this.#exchange === undefined || failed(exchange) || !failed(this.#exchange)) this.#exchange = exchange;
  }

  /** Notes a trace through one proxy; of several the last one counts. */
  noteHops(hops: readonly Hop[]): void {
    const [first] = hops;
    // A trace that is reported again goes to the end, so that the notes keep the order in which the path was looked at.
    if (first === undefined) return;
    this.#hops.delete(first.proxy);
    this.#hops.set(first.proxy, hops);
  }

  /** All notes since they were taken the last time; they stay. */
  look(): Notes {
    return { actions: [...this.#actions], hops: [...this.#hops.values()].flat(), exchange: this.#exchange };
  }

  /** All notes since the last call. */
  take(): Notes {
    const notes = this.look();
    this.#actions = [];
    this.#hops.clear();
    this.#exchange = undefined;
    return notes;
  }
}

const shorten = (text: string): string =>
  text.length <= longest ? text : `${text.slice(0, longest)}\n… ${text.length - longest} more characters`;
