import { MeshproofError } from '../errors/meshproof-error.ts';
import { ConfigDump } from './envoy/config-dump.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { execInPod, type PodContainer } from './pod.ts';
import { brokenHop, describeTrace, type Hop } from './trace.ts';

/** One Envoy of the mesh: the sidecar of a workload, or a gateway. */
export class Proxy {
  readonly #kubectl: string;
  readonly where: PodContainer;
  readonly #keep: ((proxy: Proxy, dump: unknown) => Promise<void>) | undefined;

  /**
   * @param kubectl path of the program
   * @param where the pod; its container must be `istio-proxy`
   * @param keep called with each raw dump, to keep it as evidence
   */
  constructor(kubectl: string, where: PodContainer, keep?: (proxy: Proxy, dump: unknown) => Promise<void>) {
    this.#kubectl = kubectl;
    this.where = where;
    this.#keep = keep;
  }

  /** "west foo/sleep-7d…": how messages and evidence name it. */
  get name(): string {
    return `${this.where.cluster} ${this.where.namespace}/${this.where.pod}`;
  }

  /** The proxy's configuration, as Envoy dumps it right now. */
  async configDump(): Promise<ConfigDump> {
    const raw = await this.#admin('config_dump?include_eds');
    await this.#keep?.(this, raw);
    return ConfigDump.parse(raw, this.name);
  }

  /**
   * Waits until the proxy's own configuration holds a whole path, nothing of it still warming. A rejected push ends the wait at once.
   *
   * @param trace follows the path through a dump
   * @param within milliseconds
   * @throws MeshproofError MP701 with the hop that is missing and the nearest thing there is; MP704 with Envoy's words for a rejection.
   */
  async holdsPath(trace: (dump: ConfigDump) => Hop[], within = 30_000): Promise<Hop[]> {
    return await waitFor({
      name: `${this.name} holds the whole path`,
      where: this.name,
      within,
      every: 100,
      look: async () => {
        const dump = await this.configDump();
        const [rejection] = dump.rejections;
        if (rejection !== undefined) throw new MeshproofError('MP704', { what: `${rejection.resource} was rejected`, where: this.name, seen: rejection.details });
        const hops = trace(dump);
        if (brokenHop(hops) !== undefined) return notYet(describeTrace(hops));
        return dump.warming.length === 0 ? holds(hops) : notYet(`still warming: ${dump.warming.join(', ')}`);
      },
    });
  }

  /** The counters and gauges whose name begins with `prefix`. */
  async stats(prefix: string): Promise<Map<string, number>> {
    const raw = await this.#admin(`stats?format=json&filter=^${prefix.replaceAll(/[.|]/g, (sign) => `\\${sign}`)}`);
    const { stats } = raw as { stats: { name?: string; value?: number }[] };
    return new Map(stats.flatMap(({ name, value }) => (name === undefined || value === undefined ? [] : [[name, value]])));
  }

  /** `LIVE`, `PRE_INITIALIZING`, … as Envoy says of itself. */
  async state(): Promise<string> {
    const info = (await this.#admin('server_info')) as { state?: string };
    return info.state ?? 'unknown';
  }

  async #admin(path: string): Promise<unknown> {
    const { stdout, stderr, exitCode } = await execInPod(this.#kubectl, this.where, ['pilot-agent', 'request', 'GET', path]);
    if (exitCode !== 0) {
      throw new MeshproofError('MP702', { what: `Envoy's admin interface did not answer ${path}`, where: this.name, seen: stderr });
    }
    return JSON.parse(stdout);
  }
}
