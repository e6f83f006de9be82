import { z } from 'zod';
import { barrier, type Passed, type Pushes } from './barrier.ts';
import { readAccessLog, readLog, refusalsIn, untraced, type AccessLogEntry } from './access-log.ts';
import { inKeyOrder } from './envoy/key-order.ts';
import { namesThatConcern, ownPart, type Concerned } from './envoy/own-part.ts';
import { ConfigDump } from './envoy/config-dump.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { ask } from '../tape/tape.ts';
import { envoyAdmin, getFromPod } from './loopback.ts';
import type { PodContainer } from './pod.ts';
import type { Hop } from './trace.ts';

/** What a proxy needs of the world around it. */
export interface ProxyLinks {
  /**
   * What istiod has sent to this proxy, and what of it the proxy has not acknowledged; undefined when they are not
   * connected.
   */
  readonly pushes: (proxy: Proxy) => Promise<Pushes | undefined>;
  /** Begins to watch whether all that the scenario applied has reached this proxy. */
  readonly delivered?: ((proxy: Proxy) => () => Promise<boolean>) | undefined;
  /** Set on clusters that people own: nothing else of the proxy's configuration is asked for, or kept. */
  readonly concerned?: Concerned | undefined;
  /** Is called with each trace that is followed through this proxy. */
  readonly noteHops: (hops: readonly Hop[]) => void;
  /** Keeps what a barrier saw when it let the scenario pass. */
  readonly keepBarrier: (proxy: Proxy, passed: Passed) => Promise<void>;
}

/** Connections opened and bytes sent upstream. */
export interface Carried {
  readonly connections: number;
  readonly bytes: number;
}

const statsSchema = z.object({
  stats: z.array(z.looseObject({ name: z.string().optional(), value: z.number().optional() })),
});

const wholeDump = 'config_dump?include_eds';

/** One Envoy of the mesh: the sidecar of a workload, or a gateway. */
export class Proxy {
  readonly #kubectl: string;
  readonly where: PodContainer;
  readonly #links: ProxyLinks;

  /**
   * @param kubectl path of the program
   * @param where the pod; its container must be `istio-proxy`
   */
  constructor(kubectl: string, where: PodContainer, links: ProxyLinks) {
    this.#kubectl = kubectl;
    this.where = where;
    this.#links = links;
  }

  /** "west foo/sleep-7d…": how messages and evidence name it. */
  get name(): string {
    return `${this.where.cluster} ${this.where.namespace}/${this.where.pod}`;
  }

  /** The proxy's configuration, as Envoy dumps it right now. */
  async configDump(): Promise<ConfigDump> {
    const { concerned } = this.#links;
    const file = `${this.name}.config-dump.json`;
    if (concerned === undefined) return ConfigDump.parse(await this.#admin(wholeDump, file), this.name);
    const names = encodeURIComponent(namesThatConcern(concerned));
    // Asked under the same name as the whole one: what is answered is a matter of whose cluster it is.
    const answer = await this.#admin(wholeDump, file, `&name_regex=${names}`, (dump) => ownPart(dump, concerned));
    return ConfigDump.parse(answer, this.name);
  }

  /**
   * The propagation barrier for a single fact of the configuration.
   *
   * @param what the fact, as the message says it
   * @throws MeshproofError MP701 when it does not come.
   */
  async holds(what: string, fact: (dump: ConfigDump) => boolean): Promise<void> {
    await this.holdsPath((dump) => [
      { proxy: this.name, hop: 'configuration', expected: what, found: fact(dump) ? what : undefined, nearest: [] },
    ]);
  }

  /**
   * The propagation barrier: waits until the proxy has a whole path, in the version that istiod gave it, acknowledged.
   *
   * @param trace follows the path through a dump
   * @param within milliseconds
   * @throws MeshproofError MP701 with the hop that is missing and the nearest thing there is; MP704 with Envoy's words
   *   for a rejection.
   */
  async holdsPath(trace: (dump: ConfigDump) => Hop[], within = 30_000): Promise<Hop[]> {
    const begun = new Date();
    const passed = await barrier({
      proxy: this.name,
      dump: () => this.configDump(),
      pushes: () => this.#links.pushes(this),
      trace: (dump) => this.#traced(trace(dump)),
      within,
      delivered: this.#links.delivered?.(this),
      refusals: () => this.refusals(begun),
    });
    await this.#links.keepBarrier(this, passed);
    return [...passed.hops];
  }

  /**
   * What the proxy refused of what istiod sent since a moment, the newest last: Envoy writes a line for each push that
   * it does not take, of whatever type.
   */
  async refusals(since: Date): Promise<string[]> {
    const read = async (): Promise<string[]> => refusalsIn(await readLog(this.#kubectl, this.where, since));
    return await ask(`refusals of ${this.name}`, read, { lookOnly: true, unasked: [] });
  }

  /** Follows a path through the proxy's configuration of this moment. */
  async trace(follow: (dump: ConfigDump) => Hop[]): Promise<Hop[]> {
    return this.#traced(follow(await this.configDump()));
  }

  #traced(hops: Hop[]): Hop[] {
    this.#links.noteHops(hops);
    return hops;
  }

  /**
   * What the proxy has sent upstream through one of its clusters since it started. The byte counter moves with every
   * request, also on a connection that was open already, which is what proofs of path need.
   */
  async carried(cluster: string): Promise<Carried> {
    const name = cluster.replaceAll(/[.|]/g, (sign) => `\\${sign}`);
    const filter = encodeURIComponent(`^cluster\\.${name};?\\.upstream_cx_(total|tx_bytes_total)$`);
    const { stats } = statsSchema.parse(await this.#admin(`stats?format=json&filter=${filter}`));
    const value = (ending: string): number => stats.find((stat) => stat.name?.endsWith(ending) === true)?.value ?? 0;
    return { connections: value('.upstream_cx_total'), bytes: value('.upstream_cx_tx_bytes_total') };
  }

  /**
   * The access log entries of these requests. Envoy writes its log about once a second, so this waits until each
   * request has its line.
   *
   * @throws MeshproofError MP701 with how many lines are there when some never come.
   */
  async accessLogOf(requestIds: readonly string[], since: Date): Promise<AccessLogEntry[]> {
    const wanted = new Set(requestIds.map(untraced));
    return await waitFor({
      name: `the access log of ${this.name} has a line for each of ${wanted.size} requests`,
      where: this.name,
      within: 20_000,
      look: async () => {
        const entries = (await readAccessLog(this.#kubectl, this.where, since)).filter(
          ({ request_id: id }) => typeof id === 'string' && wanted.has(untraced(id)),
        );
        return entries.length >= wanted.size ? holds(entries) : notYet(`${entries.length} of ${wanted.size} lines`);
      },
    });
  }

  async #admin(
    path: string,
    file?: string,
    only = '',
    part: (answer: unknown) => unknown = (answer) => answer,
  ): Promise<unknown> {
    const answer = async (): Promise<unknown> => {
      const text = await getFromPod(this.#kubectl, this.where, envoyAdmin, `${path}${only}`);
      return inKeyOrder(part(JSON.parse(text)));
    };
    return await ask(`Envoy of ${this.name}: ${path}`, answer, { file, lookOnly: true });
  }
}
