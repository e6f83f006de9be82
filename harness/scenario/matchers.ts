import type { Matcher } from 'vitest';
import type { CurlExchange } from '../probe/curl.ts';
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
}

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-explicit-any -- must repeat vitest's own declaration
  interface Matchers<T = any> extends MeshMatchers<T> {}
}
