import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { ask } from '../tape/tape.ts';
import { execArguments, type PodContainer } from './pod.ts';

export interface Load {
  readonly url: string;
  /** Calls started each second, whether or not earlier ones have returned. */
  readonly perSecond: number;
  /** It ends by itself after so many seconds, if nobody has ended it. */
  readonly atMost: number;
  /** Deadline of one call in seconds (default 5). */
  readonly maxSeconds?: number;
}

/** One call of a load. */
export interface LoadCall {
  /** Seconds after the load began at which the call was started, by the clock of the pod that calls. */
  readonly at: number;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** curl's exit code: 28 is its deadline. */
  readonly exitCode: number;
  readonly seconds: number;
  /** The answer's body: who served it, where the URL tells that. */
  readonly body: string;
}

/** True for a call that got a 2xx. */
export const succeeded = ({ status }: LoadCall): boolean => status >= 200 && status <= 299;

export interface LoadResult {
  readonly calls: readonly LoadCall[];
}

/** What a load is watched for. */
export interface InARow {
  /** As the evidence says it: "the peer answers". */
  readonly what: string;
  readonly each: (call: LoadCall) => boolean;
  /** So many calls in a row, all begun since it is watched for. */
  readonly calls: number;
  /** Milliseconds after which nobody waits for it any longer. */
  readonly within: number;
}

/** What came of watching a load for something. */
export interface Shown {
  /** When it was seen, or when the time was over. */
  readonly at: number;
  readonly shown: boolean;
}

/** A load that is under way. All moments are seconds of its own clock. */
export interface RunningLoad {
  /** When the newest call that has returned was begun. */
  moment(of: string): Promise<number>;
  /** Waits until calls in a row are as they are wanted, or the time is over. */
  shows(wanted: InARow): Promise<Shown>;
  /** Begins no more calls, and comes when all have returned. */
  end(): Promise<LoadResult>;
}

/** What the load itself printed: evidence holds this, so that a replay reads it again. */
interface Printed {
  /** A record for its begin, for each call that returned, and for its end. */
  readonly records: readonly string[];
  readonly stderr: string;
}

const [field, record] = ['\u001f', '\u001e'];

/** What curl writes behind the body of each answer. */
const figures = ['response_code', 'exitcode', 'time_total'].map((name) => `${field}%{${name}}`).join('');
const figuresSchema = z
  .tuple([z.coerce.number(), z.coerce.number(), z.coerce.number()])
  .transform(([status, exitCode, seconds]) => ({ status, exitCode, seconds }));

/** The calls of a load that have returned, while it goes on. */
class Returned {
  readonly calls: LoadCall[] = [];
  readonly #listeners = new Set<() => void>();
  /** Ends the load. */
  end: () => void = () => undefined;

  add(call: LoadCall): void {
    this.calls.push(call);
    for (const listen of this.#listeners) listen();
  }

  get newest(): number {
    return this.calls.reduce((latest, { at }) => Math.max(latest, at), 0);
  }

  async inARow({ each, calls: count, within }: InARow, signal: AbortSignal): Promise<Shown> {
    const since = this.newest;
    const over = new AbortController();
    let listen = (): void => undefined;
    const seen = new Promise<true>((resolve) => {
      listen = () => {
        const recent = this.calls.filter(({ at }) => at > since).slice(-count);
        if (recent.length === count && recent.every(each)) resolve(true);
      };
      this.#listeners.add(listen);
    });
    try {
      const late = pause(within, false, { signal: AbortSignal.any([signal, over.signal]) });
      const shown = await Promise.race([seen, late]);
      return { at: this.newest, shown };
    } finally {
      this.#listeners.delete(listen);
      over.abort();
    }
  }
}

/**
 * Calls a URL at a steady rate from a pod. The load is open: a call that hangs does not hold back the next one, so that
 * the count of failures is of all that users would have sent.
 *
 * @throws MeshproofError MP702 from `end` when the load could not be run, or not to its end.
 */
export function startLoad(kubectl: string, from: PodContainer, of: Load, signal: AbortSignal): RunningLoad {
  const question = `load of ${of.perSecond} a second on ${of.url} from ${from.cluster} ${from.namespace}/${from.pod}`;
  const returned = new Returned();
  const printed = ask<Printed | LoadResult>(question, () => load(kubectl, from, of, returned, signal), {
    file: `${from.cluster}.load.json`,
    lookOnly: true,
  });
  // Runs of before that was so hold what was made of it.
  const done = printed.then((said) => ('calls' in said ? said : resultOf(said, from, of)));
  // Whoever waits for a moment of it learns at once when it failed.
  const failed = done.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined);
  return {
    moment: (name) => ask(`${name}, in the ${question}`, () => Promise.resolve(returned.newest)),
    shows: async (wanted) => {
      const watch = (): Promise<Shown | number> => Promise.race([failed, returned.inARow(wanted, signal)]);
      const seen = await ask(`${wanted.what}, in the ${question}`, watch);
      // Runs of before hold the moment only, and went on whatever calls showed.
      return typeof seen === 'number' ? { at: seen, shown: true } : seen;
    },
    end: async () => {
      returned.end();
      return await done;
    },
  };
}

async function load(
  kubectl: string,
  from: PodContainer,
  { url, perSecond, atMost, maxSeconds = 5 }: Load,
  returned: Returned,
  signal: AbortSignal,
): Promise<Printed> {
  // One line in one write for each call, so that calls in flight do not mix. The start is read from the system's
  // uptime, in hundredths.
  const one =
    `r=$(curl -sS --max-time ${maxSeconds} -w '${figures}' "$1" 2>/dev/null); printf ` +
    `'%s${field}%s${record}' "$(u)" "$r"`;
  // The next call starts at its own time, however long the last one took to start.
  const pace = `d=$((b+i*100/${perSecond}-$(u))); if [ $d -gt 0 ]; then sleep $((d/100)).$(printf %02d $((d%100))); fi`;
  // It goes on until its input ends: when it is told to, or when nobody listens any more.
  const untilTold = 'exec 3<&0; trap stop=1 USR1; (cat <&3 >/dev/null; kill -USR1 $$) 2>/dev/null & told=$!; exec 3<&-';
  const loop =
    'u() { read -r t _ < /proc/uptime; echo ' +
    `"\${t%.*}\${t#*.}"; }; ${untilTold}; b=$(u); printf 'began${field}%s${record}' "$b"; i=0; ` +
    `while [ -z "$stop" ] && [ $i -lt ${perSecond * atMost} ]; do (${one}) <&- & i=$((i+1)); ${pace}; done; ` +
    `kill $told 2>/dev/null; wait; printf 'ended${field}%s${record}' $i`;
  // Loaded when something runs: commands that only read start the sooner.
  const { execa } = await import('execa');
  const running = execa(kubectl, execArguments(from, ['sh', '-c', loop, 'sh', url], { input: true }), {
    reject: false,
    timeout: (atMost * 2 + maxSeconds + 15) * 1000,
    buffer: { stdout: false, stderr: true },
    stdin: 'pipe',
    cancelSignal: signal,
  });
  returned.end = () => {
    running.stdin.end();
  };
  running.stdin.on('error', () => undefined);
  const records: string[] = [];
  let [rest, began] = ['', Number.NaN];
  running.stdout.setEncoding('utf8');
  for await (const text of running.stdout) {
    const parts = `${rest}${String(text)}`.split(record);
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const [word = '', value] = part.split(field);
      if (word === 'began') began = Number(value);
      else if (word !== 'ended') returned.add(readCall(part, began));
    }
    records.push(...parts);
  }
  const { stderr } = await running;
  signal.throwIfAborted();
  return { records, stderr: stderr.slice(0, 500) };
}

/**
 * The calls of a load that has come to its end.
 *
 * @throws MeshproofError MP702 when it did not.
 */
function resultOf({ records, stderr }: Printed, from: PodContainer, { url }: Load): LoadResult {
  const said = (word: string): number =>
    Number(records.find((one) => one.startsWith(`${word}${field}`))?.split(field)[1] ?? Number.NaN);
  const [began, ended] = [said('began'), said('ended')];
  const calls = records.filter((one) => !/^(began|ended)/.test(one)).map((one) => readCall(one, began));
  if (calls.length !== ended)
    throw new MeshproofError('MP702', {
      what: `the load on ${url} did not come to its end`,
      where: `cluster ${from.cluster}, pod ${from.namespace}/${from.pod}`,
      expected: 'an answer to each call that was begun',
      seen: `${calls.length} answers${Number.isNaN(ended) ? '' : ` to ${ended} calls`}; ${stderr}`,
    });
  return { calls: calls.toSorted((a, b) => a.at - b.at) };
}

function readCall(text: string, began: number): LoadCall {
  const [uptime = '', body = '', ...numbers] = text.split(field);
  const { status, exitCode, seconds } = figuresSchema.parse(numbers);
  return { at: Math.round(Number(uptime) - seconds * 100 - began) / 100, status, exitCode, seconds, body };
}
