import { curl, curlTimes, rawAnswer, type CurlExchange, type CurlOptions } from '../probe/curl.ts';
import { startLoad, type Load, type LoadResult, type RunningLoad } from '../probe/load.ts';
import type { TopologyName } from '../mesh/topologies/names.ts';
import type { PodContainer } from '../probe/pod.ts';
import type { Proxy } from '../probe/proxy.ts';
import { lookUpCommand, resolveInPod } from '../probe/resolve.ts';
import { shellWords } from '../text/shell-words.ts';
import type { Journal } from './journal.ts';

/** A pod whose application container can be told what to call. */
export interface Client {
  readonly pod: string;
  /** Calls a URL as an application would; a refused call is an answer, not an error. */
  curl(url: string, options?: CurlOptions): Promise<CurlExchange>;
  /** The same many times, one after the other, each with a request id of its own. */
  curlTimes(times: number, url: string, options?: CurlOptions): Promise<CurlExchange[]>;
  /** Begins to call at a steady rate, whether or not earlier calls have returned. */
  startLoad(of: Load): RunningLoad;
  /** The addresses that the pod's own resolver gives for a name, of both families, sorted; empty without any. */
  resolve(host: string): Promise<string[]>;
}

/** A pod of the mesh: an application container that can call, and the sidecar beside it. */
export interface Workload extends Client {
  /** The pod's own address. */
  readonly address: string;
  readonly proxy: Proxy;
  /** The identity that its certificate carries, e.g. `spiffe://cluster.local/ns/foo/sa/sleep`. */
  readonly identity: string;
}

/** A gateway: its proxy, and the address under which peers reach it. */
export interface Gateway {
  /** Of one of its pods. */
  readonly proxy: Proxy;
  /** Of every pod of it that is ready now, that one first: a peer’s call can reach any of them. */
  everyProxy(): Promise<readonly Proxy[]>;
  readonly address: string;
  readonly port: number;
  /** Of the mesh that it belongs to. */
  readonly topology: TopologyName;
  /** Calls a URL from the gateway's own pod, past every sidecar: a look at the bare network. */
  curl(url: string, options?: CurlOptions): Promise<CurlExchange>;
}

/** The client in a container; every exchange is noted in the journal. */
export function clientIn(from: PodContainer, kubectl: string, journal: Journal, signal: AbortSignal): Client {
  const inPod = `kubectl exec --context=${from.cluster} -n ${from.namespace} ${from.pod} -c ${from.container} --`;
  return {
    pod: from.pod,
    curl: async (url, options) => {
      const exchange = await curl(kubectl, from, url, options);
      journal.noteExchange(exchange);
      journal.note({ cluster: from.cluster, command: `${inPod} ${exchange.command}`, output: rawAnswer(exchange) });
      return exchange;
    },
    curlTimes: async (times, url, options) => {
      const exchanges = await curlTimes(kubectl, from, times, url, options);
      for (const exchange of exchanges) journal.noteExchange(exchange);
      journal.note({
        cluster: from.cluster,
        command: `${inPod} ${exchanges[0]?.command ?? ''}   # ${times} times`,
        output: tally(exchanges.map(({ status }) => `HTTP ${status}`)),
      });
      return exchanges;
    },
    startLoad: (of) => {
      const running = startLoad(kubectl, from, of, signal);
      const end = async (): Promise<LoadResult> => {
        const result = await running.end();
        journal.note({
          cluster: from.cluster,
          command: `${inPod} curl ${of.url}   # ${of.perSecond} a second, ${result.calls.length} in all`,
          output: tally(result.calls.map(({ status }) => `HTTP ${status}`)),
        });
        return result;
      };
      return { ...running, end };
    },
    resolve: async (host) => {
      const addresses = await resolveInPod(kubectl, from, host);
      journal.note({
        cluster: from.cluster,
        command: `${inPod} ${shellWords(lookUpCommand(host))}`,
        output: addresses.join('\n'),
      });
      return addresses;
    },
  };
}

/** "3 × HTTP 200, 1 × HTTP 503". */
function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} × ${word}`).join(', ');
}
