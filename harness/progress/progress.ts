import { Listr, ProcessOutput, type ListrTask } from 'listr2';
import pLimit from 'p-limit';

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
   * Runs tasks side by side. The first failure aborts its siblings; the group ends when all have ended, and throws that first failure.
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

/** One line when a task begins, one when it ends, and at most one every ten seconds between. */
export function plainProgress(write: (line: string) => void, quietFor = 10_000): Progress {
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

type TaskEvent = { readonly kind: 'done' } | { readonly kind: 'failed' } | { readonly kind: 'says'; readonly text: string };

function liveProgress(stream: NodeJS.WriteStream): Progress {
  // While a group redraws itself, a line written in between would be overdrawn: it waits for the group's end.
  let groups = 0;
  const held: string[] = [];
  const flush = (): void => {
    if (groups === 0) for (const line of held.splice(0)) stream.write(`${line}\n`);
  };
  return {
    note: (line) => {
      held.push(line);
      flush();
    },
    group: async (title, tasks, options = {}) => {
      const listeners = new Map<Task, (event: TaskEvent) => void>();
      const shown: ListrTask[] = tasks.map((task) => ({
        title: `${title} · ${task.title}`,
        task: (_context, row) =>
          new Promise<void>((resolve, reject) => {
            listeners.set(task, (event) => {
              if (event.kind === 'says') row.output = event.text;
              else if (event.kind === 'done') resolve();
              else reject(new Error(task.title));
            });
          }),
      }));
      const view = new Listr(shown, {
        concurrent: true,
        exitOnError: false,
        renderer: 'default',
        rendererOptions: {
          processOutput: new ProcessOutput(stream, stream),
          timer: { condition: true, field: (ms: number) => `${(ms / 1000).toFixed(1)} s` },
          collapseErrors: false,
          showErrorMessage: false,
        } as never,
        registerSignalListeners: false,
      });
      groups += 1;
      const viewed = view.run();
      try {
        await runGroup(tasks, options, (task) => (event) => listeners.get(task)?.(event));
      } finally {
        for (const listener of listeners.values()) listener({ kind: 'failed' });
        await viewed;
        groups -= 1;
        flush();
      }
    },
  };
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
