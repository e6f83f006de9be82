import type { Matcher } from 'vitest';
import type { CurlExchange } from '../probe/curl.ts';
import type { Bound } from '../probe/distribution.ts';
import type { Moved } from '../probe/flow.ts';
import { brokenHop, describeTrace, type Hop } from '../probe/trace.ts';

/** Matchers for what probes return; their messages show what was seen, not only that it was not equal. */
export const meshMatchers = {
  /** The exchange has this HTTP status. */
  toHaveStatus(exchange: CurlExchange, status: number) {
    const { command, status: seen, exitCode, error, remoteAddress, headers, body } = exchange;
    return {
      pass: seen === status && exitCode === 0,
      message: () =>
        [
          command,
          `  expected  HTTP ${status}`,
          `  seen      ${exitCode === 0 ? `HTTP ${seen}` : `curl exit code ${exitCode}: ${error}`}`,
          `  connected ${remoteAddress === '' ? 'to nothing' : `to ${remoteAddress}`}`,
          ...Object.entries(headers).filter(([name]) => name === 'server' || name === 'x-envoy-upstream-service-time').map(([name, value]) => `  ${name}: ${value}`),
          body === '' ? '' : `  body      ${body.slice(0, 300)}`,
        ].join('\n'),
    };
  },

  /** Every one of these proxies sent bytes upstream while the work ran. */
  toHaveCarriedTraffic(moved: readonly Moved[]) {
    const still = moved.filter(({ before, after }) => after.bytes <= before.bytes);
    const line = ({ proxy, cluster, before, after }: Moved): string => `  ${proxy} · ${cluster}: ${before.bytes} → ${after.bytes} bytes, ${before.connections} → ${after.connections} connections`;
    return {
      pass: moved.length > 0 && still.length === 0,
      message: () => `${still.length === 0 ? 'traffic moved' : `no traffic moved through ${still.map(({ proxy }) => proxy).join(', ')}`}\n${moved.map(line).join('\n')}`,
    };
  },

  /** The number lies within inclusive bounds. */
  toBeWithin(seen: number, { low, high }: Bound) {
    return { pass: seen >= low && seen <= high, message: () => `expected between ${low} and ${high}, seen ${seen}` };
  },

  /** Every hop of the trace is there. */
  toReachTheEnd(hops: readonly Hop[]) {
    const broken = brokenHop(hops);
    return {
      pass: hops.length > 0 && broken === undefined,
      message: () => `the path breaks at the ${broken?.hop ?? 'start'} of ${broken?.proxy ?? 'nothing'}\n${describeTrace(hops)}`,
    };
  },
} satisfies Record<string, Matcher>;

interface MeshMatchers<R> {
  toHaveStatus: (status: number) => R;
  toReachTheEnd: () => R;
  toHaveCarriedTraffic: () => R;
  toBeWithin: (bound: Bound) => R;
}

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-explicit-any -- must repeat vitest's own declaration
  interface Matchers<T = any> extends MeshMatchers<T> {}
}
