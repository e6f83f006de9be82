import type { CurlExchange } from '../probe/curl.ts';
import type { Bound } from '../probe/distribution.ts';
import { endpointName, type ConfigDump } from '../probe/envoy/config-dump.ts';
import type { Moved } from '../probe/flow.ts';
import type { HandshakeResult } from '../probe/tls-client.ts';
import { brokenHop, describeTrace, nearestTo, type Hop } from '../probe/trace.ts';
import { always, eventually, ever, rules, steadily, type Verdict } from './convergence.ts';

/** Fewer bytes than this no request takes: TLS and a frame around it, and its id, even where HTTP/2 packs the rest. */
const requestBytes = 50;

/** Matchers for what probes return; their messages show what was seen, and the nearest thing to what was not. */
export const meshMatchers = {
  /** The exchange has this HTTP status. */
  toHaveStatus(exchange: CurlExchange, status: number): Verdict {
    const { command, status: seen, exitCode, error, remoteAddress, headers, body } = exchange;
    return {
      pass: seen === status && exitCode === 0,
      message: () =>
        [
          command,
          `  expected  HTTP ${status}`,
          `  seen      ${exitCode === 0 ? `HTTP ${seen}` : `curl exit code ${exitCode}: ${error}`}`,
          `  connected ${remoteAddress === '' ? 'to nothing' : `to ${remoteAddress}`}`,
          ...Object.entries(headers)
            .filter(([name]) => name === 'server' || name === 'x-envoy-upstream-service-time')
            .map(([name, value]) => `  ${name}: ${value}`),
          body === '' ? '' : `  body      ${body.slice(0, 300)}`,
        ].join('\n'),
    };
  },

  /** The call reached somebody and came to nothing: the connection was reset, or closed without a word of HTTP. */
  toHaveNoAnswer(exchange: CurlExchange): Verdict {
    const { command, status, exitCode, error, remoteAddress } = exchange;
    // curl: 35 handshake failed, 52 empty reply, 56 reset. 7 is nobody there at all, which says nothing about a
    // refusal.
    return {
      pass: status === 0 && [35, 52, 56].includes(exitCode),
      message: () =>
        `${command}\n  seen      ` +
        (status === 0 ? `curl exit code ${exitCode}: ${error}` : `HTTP ${status} from ${remoteAddress}`),
    };
  },

  /** A name resolves to exactly these addresses; to none, with an empty list. */
  toResolveTo(addresses: readonly string[], expected: readonly string[]): Verdict {
    const [seen, wanted] = [addresses, expected].map((list) =>
      list.length === 0 ? 'nothing' : [...list].sort().join(', '),
    );
    return {
      pass: seen === wanted,
      message: () => `expected the name to resolve to ${wanted ?? ''}, it resolves to ${seen ?? ''}`,
    };
  },

  /** Nothing is there any more; what is, is named. */
  toBeEmpty(found: readonly string[]): Verdict {
    return {
      pass: found.length === 0,
      message: () =>
        found.length === 0 ? 'nothing is there' : `${found.length} are there: ${found.slice(0, 12).join(', ')}`,
    };
  },

  /** A TLS greeting ended like this; `reason` is OpenSSL's or the socket's code, or a pattern of it. */
  toBeRefusedBecause(handshake: HandshakeResult, reason: string | RegExp): Verdict {
    const { outcome, reason: seen, serverIdentities } = handshake;
    const fits = typeof reason === 'string' ? seen === reason : reason.test(seen);
    return {
      pass: outcome === 'refused' && fits,
      message: () =>
        `expected the greeting to be refused with ${String(reason)}; it was ` +
        `${outcome}${seen === '' ? '' : ` with ${seen}`}, by ` +
        (serverIdentities.join(', ') || 'nobody with a certificate'),
    };
  },

  /**
   * Every one of these proxies sent at least as much upstream as so many requests take while the work ran: a byte of
   * somebody else is not enough.
   */
  toHaveCarriedTraffic(moved: readonly Moved[], requests = 1): Verdict {
    const least = requests * requestBytes;
    const still = moved.filter(({ before, after }) => after.bytes - before.bytes < least);
    const line = ({ proxy, cluster, before, after }: Moved): string =>
      `  ${proxy} · ${cluster}: ${before.bytes} → ${after.bytes} bytes, ${before.connections} → ` +
      `${after.connections} connections`;
    return {
      pass: moved.length > 0 && still.length === 0,
      message: () => {
        const idle = still.map(({ proxy }) => proxy).join(', ');
        const none = still.every(({ before, after }) => after.bytes <= before.bytes);
        const missed = none ? 'no traffic moved' : `less traffic than that of ${requests} requests moved`;
        const outcome = still.length === 0 ? 'traffic moved' : `${missed} through ${idle}`;
        return `${outcome}\n${moved.map(line).join('\n')}`;
      },
    };
  },

  /** The number lies within inclusive bounds. */
  toBeWithin(seen: number, { low, high }: Bound): Verdict {
    return { pass: seen >= low && seen <= high, message: () => `expected between ${low} and ${high}, seen ${seen}` };
  },

  /** Every hop of the trace is there. */
  toReachTheEnd(hops: readonly Hop[]): Verdict {
    const broken = brokenHop(hops);
    return {
      pass: hops.length > 0 && broken === undefined,
      message: () => {
        const outcome =
          broken === undefined ? 'the path is whole' : `the path breaks at the ${broken.hop} of ${broken.proxy}`;
        return `${outcome}\n${describeTrace(hops)}`;
      },
    };
  },

  /** The proxy has a cluster of this name. */
  toHaveCluster(dump: ConfigDump, name: string): Verdict {
    const there = dump.cluster(name) !== undefined;
    return {
      pass: there,
      message: () =>
        there
          ? `there is a cluster ${name}`
          : `no cluster ${name}${nearest(
              name,
              dump.clusters.map((cluster) => cluster.name),
            )}`,
    };
  },

  /** The proxy's cluster has exactly these endpoints, "address:port". */
  toHaveEndpoints(dump: ConfigDump, name: string, expected: readonly string[]): Verdict {
    const cluster = dump.cluster(name);
    const found = cluster === undefined ? [] : dump.endpointsOf(cluster).map(endpointName).sort();
    const wanted = [...expected].sort();
    return {
      pass: cluster !== undefined && found.join() === wanted.join(),
      message: () =>
        cluster === undefined
          ? `no cluster ${name}${nearest(
              name,
              dump.clusters.map((one) => one.name),
            )}`
          : [
              `cluster ${name}`,
              `  expected  ${wanted.join(', ') || 'no endpoint'}`,
              `  seen      ${found.join(', ') || 'no endpoint'}`,
            ].join('\n'),
    };
  },

  /** A listener of the proxy on this port has a filter chain that matches this SNI. */
  toHaveFilterChain(dump: ConfigDump, port: number, sni: string): Verdict {
    const there = dump.filterChainFor(port, sni) !== undefined;
    return {
      pass: there,
      message: () =>
        there
          ? `port ${port} answers to SNI ${sni}`
          : `port ${port} does not answer to SNI ${sni}${nearest(sni, dump.serverNames(port))}`,
    };
  },

  /** The proxy's configuration is exactly this inventory; what is new and what is gone is shown line by line. */
  toHaveInventory(dump: ConfigDump, expected: readonly string[]): Verdict {
    const found = dump.inventory();
    const more = found.filter((line) => !expected.includes(line)).map((line) => `  + ${line}`);
    const less = expected.filter((line) => !found.includes(line)).map((line) => `  - ${line}`);
    return {
      pass: more.length + less.length === 0,
      message: () =>
        more.length + less.length === 0 ? `the same ${found.length} lines` : [...more, ...less].slice(0, 40).join('\n'),
    };
  },

  /** A listener of the proxy takes connections on one of these ports. */
  toListenOn(dump: ConfigDump, ...ports: number[]): Verdict {
    const found = ports.flatMap((port) => dump.listenerOn(port)?.name ?? []);
    return {
      pass: found.length > 0,
      message: () =>
        found.length === 0
          ? `nothing listens on ${ports.join(', ')}; there are ${dump.listeners.map((one) => one.name).join(', ')}`
          : `${ports.join(', ')} taken by ${found.join(', ')}`,
    };
  },
} satisfies Record<string, (seen: never, ...expected: never[]) => Verdict>;

function nearest(wanted: string, there: readonly string[]): string {
  const candidates = nearestTo(wanted, there);
  return candidates.length === 0 ? '; there is nothing of the kind' : `; nearest: ${candidates.join(' | ')}`;
}

type Judges = typeof meshMatchers;
type Judge = (seen: unknown, ...expected: unknown[]) => Verdict;

/** Each matcher once more under a name with a prefix, for a probe that is called again and again instead of a value. */
type Repeated<Prefix extends string> = {
  [Name in keyof Judges as Name extends `to${infer Rest}` ? `to${Prefix}${Rest}` : never]: Judges[Name] extends (
    seen: never,
    ...expected: infer Expected
  ) => Verdict
    ? (...expected: Expected) => Promise<void>
    : never;
};

type Once = {
  [Name in keyof Judges]: Judges[Name] extends (seen: never, ...expected: infer Expected) => Verdict
    ? (...expected: Expected) => void
    : never;
};

function repeated(
  prefix: string,
  judge: (look: () => Promise<Verdict>, wanted: boolean, name: string) => Promise<Verdict>,
): Record<string, (this: { isNot?: boolean }, probe: () => unknown, ...expected: unknown[]) => Promise<Verdict>> {
  return Object.fromEntries(
    Object.entries(meshMatchers as unknown as Record<string, Judge>).map(([name, matcher]) => [
      name.replace(/^to/, `to${prefix}`),
      async function (this: { isNot?: boolean }, probe: () => unknown, ...expected: unknown[]): Promise<Verdict> {
        return await judge(
          async () => matcher(await probe(), ...expected),
          this.isNot !== true,
          name.replace(/^to/, `to${prefix}`),
        );
      },
    ]),
  );
}

/**
 * Three forms of each matcher for a probe: `toEventually…` (presence: several times in a row before a deadline),
 * `toAlways…` (through a whole window), and `not.toEver…` (absence: never within the window).
 */
export const convergingMatchers = {
  ...repeated('Eventually', (look, wanted, name) =>
    eventually(look, wanted, name === 'toEventuallyHaveStatus' ? steadily : rules, name),
  ),
  ...repeated('Always', (look, _wanted, name) => always(look, rules, name)),
  ...repeated('Ever', (look, _wanted, name) => ever(look, rules, name)),
};

declare module 'vitest' {
  // This must repeat vitest's own declaration.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any, @typescript-eslint/no-unused-vars
  interface Matchers<T = any> extends Once, Repeated<'Eventually'>, Repeated<'Always'>, Repeated<'Ever'> {}
}
