import {
  Listr,
  ListrLogger,
  PRESET_TIMER,
  ProcessOutput,
  type ListrDefaultRendererLogLevels,
  type ListrTask,
} from 'listr2';
import pLimit from 'p-limit';
import { redactText } from '../tape/redact/text.ts';
import { forTerminal } from './visible.ts';

/** Reports what a task is doing right now, e.g. "compiled 812 packages, about 3 min left". */
export type Say = (text: string) => void;

export interface Task {
  readonly title: string;
  readonly run: (say: Say, signal: AbortSignal) => Promise<void>;
}

export interface GroupOptions {
  /** How many tasks run at once (default: all). */
  readonly concurrency?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Shows long work while it goes on. Everything goes to stderr: stdout belongs to results. */
export interface Progress {
  /**
   * Runs tasks side by side. The first failure aborts its siblings; the group ends when all have ended, and throws that
   * first failure.
   */
  group(title: string, tasks: readonly Task[], options?: GroupOptions): Promise<void>;
  /** One line that stays. */
  note(line: string): void;
}

/** Picks the live view on a terminal, plain lines everywhere else (no TTY, NO_COLOR, CI). */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const live = stream.isTTY && process.env['NO_COLOR'] === undefined && process.env['CI'] === undefined;
  return live ? liveProgress(stream) : plainProgress((line) => stream.write(`${line}\n`));
}

/** A progress that shows nothing, for library use and tests. */
export const silentProgress: Progress = {
  group: (_title, tasks, options) => runGroup(tasks, options, () => () => undefined),
  note: () => undefined,
};

/** What is shown may come from a cluster: it holds no secrets, and nothing that a terminal obeys. */
const shown = (text: string): string => forTerminal(redactText(text));

/** One line when a task begins, one when it ends, and at most one every ten seconds between. */
export function plainProgress(out: (line: string) => void, quietFor = 10_000): Progress {
  const write = (line: string): void => {
    out(shown(line));
  };
  const begun = performance.now();
  const clock = (): string => `[${((performance.now() - begun) / 1000).toFixed(1).padStart(6)}s]`;
  return {
    note: (line) => {
      write(`${clock()} ${line}`);
    },
    group: (title, tasks, options) =>
      runGroup(tasks, options, (task) => {
        const started = performance.now();
        let last = started;
        write(`${clock()} ${title} · ${task.title}`);
        return (event) => {
          const seconds = ((performance.now() - started) / 1000).toFixed(1);
          if (event.kind === 'done') write(`${clock()} ${title} · ${task.title}: done in ${seconds} s`);
          else if (event.kind === 'failed') write(`${clock()} ${title} · ${task.title}: FAILED after ${seconds} s`);
          else if (performance.now() - last >= quietFor) {
            last = performance.now();
            write(`${clock()} ${title} · ${task.title}: ${event.text}`);
          }
        };
      }),
  };
}

type TaskEvent =
  { readonly kind: 'done' } | { readonly kind: 'failed' } | { readonly kind: 'says'; readonly text: string };

function liveProgress(stream: NodeJS.WriteStream): Progress {
  // While a group redraws itself, a line written in between would be overdrawn: it waits for the group's end.
  let groups = 0;
  const held: string[] = [];
  const flush = (): void => {
    if (groups === 0) for (const line of held.splice(0)) stream.write(`${line}\n`);
  };
  return {
    note: (line) => {
      held.push(shown(line));
      flush();
    },
    group: async (title, tasks, options = {}) => {
      const rows = tasks.map((task) => new Row(shown(`${title} · ${task.title}`)));
      const view = new Listr(
        rows.map((row) => row.shown),
        {
          concurrent: true,
          exitOnError: false,
          renderer: 'default',
          rendererOptions: {
            // The list belongs on stderr; the second stream is only watched for lines that would tear the picture.
            logger: new ListrLogger<ListrDefaultRendererLogLevels>({
              useIcons: true,
              processOutput: new ProcessOutput(stream, process.stdout),
            }),
            timer: PRESET_TIMER,
            collapseErrors: false,
            showErrorMessage: false,
          },
          // The library looks at stdout, which may be a pipe to `jq`; whether to be live was decided above, by the
          // stream that is written to.
          forceTTY: true,
          registerSignalListeners: false,
        },
      );
      groups += 1;
      const viewed = view.run();
      try {
        await runGroup(tasks, options, (task) => (event) => rows[tasks.indexOf(task)]?.tell(event));
      } finally {
        // A task that never began, because a sibling failed first, ends with the group.
        for (const row of rows) row.tell({ kind: 'failed' });
        await viewed;
        groups -= 1;
        flush();
      }
    },
  };
}

/**
 * One row of the live list: a promise that the list waits on, and the line below it. Events may come before the list
 * has begun the row.
 */
class Row {
  readonly shown: ListrTask;
  readonly #ended: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #show: (text: string) => void = () => undefined;

  constructor(title: string) {
    this.#ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // The list looks at it when it begins the row, which may be after the end.
    this.#ended.catch(() => undefined);
    this.shown = {
      title,
      task: (_context, row) => {
        this.#show = (text) => {
          row.output = shown(text);
        };
        return this.#ended;
      },
    };
  }

  tell(event: TaskEvent): void {
    if (event.kind === 'says') this.#show(event.text);
    else if (event.kind === 'done') this.#resolve();
    else this.#reject(new Error('failed'));
  }
}

async function runGroup(
  tasks: readonly Task[],
  options: GroupOptions = {},
  begin: (task: Task) => (event: TaskEvent) => void,
): Promise<void> {
  const siblings = new AbortController();
  const signal = options.signal === undefined ? siblings.signal : AbortSignal.any([options.signal, siblings.signal]);
  const limit = pLimit(options.concurrency ?? Math.max(tasks.length, 1));
  const failures: unknown[] = [];
  await Promise.all(
    tasks.map((task) =>
      limit(async () => {
        if (signal.aborted) return;
        const tell = begin(task);
        try {
          await task.run((text) => {
            tell({ kind: 'says', text });
          }, signal);
          tell({ kind: 'done' });
        } catch (error) {
          tell({ kind: 'failed' });
          failures.push(error);
          siblings.abort(error);
        }
      }),
    ),
  );
  options.signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
