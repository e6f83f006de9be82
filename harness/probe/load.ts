import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { ask } from '../tape/tape.ts';
import { execInPod, type PodContainer } from './pod.ts';

export interface Load {
  readonly url: string;
  /** Calls started each second, whether or not earlier ones have returned. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Deadline of one call in seconds (default 5). */
  readonly maxSeconds?: number;
}

/** One call of a load. */
export interface LoadCall {
  /** Seconds after the load began at which the call was started. */
  readonly at: number;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** curl's exit code: 28 is its deadline. */
  readonly exitCode: number;
  readonly seconds: number;
  /** The answer's body: who served it, where the URL tells that. */
  readonly body: string;
}

export interface LoadResult {
  readonly calls: readonly LoadCall[];
}

/** A load that is under way. */
export interface RunningLoad {
  /** Comes when the load is so many seconds old: the schedule of what is done to the mesh under it. */
  reaches(seconds: number): Promise<void>;
  readonly done: Promise<LoadResult>;
}

const summarySchema = z.object({ response_code: z.number(), exitcode: z.number(), time_total: z.number() });
const [field, record] = ['\u001f', '\u001e'];

/**
 * Calls a URL at a steady rate from a pod. The load is open: a call that hangs does not hold back the next one, so that
 * the count of failures is of all that users would have sent.
 *
 * @throws MeshproofError MP702 when the load could not be run, or not at its rate.
 */
export function startLoad(kubectl: string, from: PodContainer, of: Load, signal: AbortSignal): RunningLoad {
  const started = performance.now();
  const question =
    `load of ${of.perSecond} a second for ${of.seconds} s on ${of.url} from ${from.cluster} ` +
    `${from.namespace}/${from.pod}`;
  const done = ask(question, () => load(kubectl, from, of, signal), {
    file: `${from.cluster}.load.json`,
    lookOnly: true,
  });
  // Whoever waits for a moment of it learns at once when it failed.
  const failed = done.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined);
  return {
    done,
    reaches: (seconds) =>
      ask(`${seconds} s of the ${question}`, () =>
        Promise.race([failed, pause(Math.max(0, started + seconds * 1000 - performance.now()), undefined, { signal })]),
      ),
  };
}

async function load(
  kubectl: string,
  from: PodContainer,
  { url, perSecond, seconds, maxSeconds = 5 }: Load,
  signal: AbortSignal,
): Promise<LoadResult> {
  const total = perSecond * seconds;
  // One line in one write for each call, so that calls in flight do not mix. The start is read from the system's
  // uptime, in hundredths.
  const one =
    `r=$(curl -sS --max-time ${maxSeconds} -w '${field}%{json}' "$1" 2>/dev/null); printf ` +
    `'%s${field}%s${record}' "$(u)" "$r"`;
  // The next call starts at its own time, however long the last one took to start.
  const pace = `d=$((b+i*100/${perSecond}-$(u))); if [ $d -gt 0 ]; then sleep $((d/100)).$(printf %02d $((d%100))); fi`;
  const loop =
    'u() { read -r t _ < /proc/uptime; echo ' +
    `"\${t%.*}\${t#*.}"; }; b=$(u); i=0; while [ $i -lt ${total} ]; do ` +
    `(${one}) & i=$((i+1)); ${pace}; done; wait; printf 'began${field}%s' "$b"`;
  const { stdout, stderr } = await execInPod(kubectl, from, ['sh', '-c', loop, 'sh', url], {
    timeout: (seconds * 2 + maxSeconds + 15) * 1000,
    signal,
  });
  const parts = stdout.split(record);
  const began = Number(/began\u001f(\d+)/.exec(parts.at(-1) ?? '')?.[1]);
  const calls = parts.slice(0, -1).map((part) => readCall(part, began));
  if (Number.isNaN(began) || calls.length !== total) {
    throw new MeshproofError('MP702', {
      what: `the load of ${total} calls gave ${calls.length} answers`,
      where: `cluster ${from.cluster}, pod ${from.namespace}/${from.pod}`,
      seen: stderr.slice(0, 500),
    });
  }
  return { calls: calls.sort((a, b) => a.at - b.at) };
}

function readCall(text: string, began: number): LoadCall {
  const [uptime = '', body = '', json = ''] = text.split(field);
  const { response_code: status, exitcode: exitCode, time_total: seconds } = summarySchema.parse(JSON.parse(json));
  return { at: Math.round(Number(uptime) - seconds * 100 - began) / 100, status, exitCode, seconds, body };
}

/** The calls started within a time, and of those the ones that got no 2xx. */
export function callsWithin(
  result: LoadResult,
  from: number,
  to: number,
): { readonly calls: readonly LoadCall[]; readonly failed: readonly LoadCall[] } {
  const calls = result.calls.filter(({ at }) => at >= from && at < to);
  return { calls, failed: calls.filter(({ status }) => status < 200 || status > 299) };
}
