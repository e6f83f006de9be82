import { describeError, asMeshproofError } from '../errors/meshproof-error.ts';
import type { Cause } from '../diagnose/causes/cause.ts';
import { hostsOf } from '../diagnose/causes/change.ts';
import { explain } from '../diagnose/causes/explain.ts';
import { placeOf } from '../diagnose/diagnose.ts';
import { endedAt, type CallEnd } from '../diagnose/ended-at.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import { seenObject } from '../diagnose/seen-objects.ts';
import { redact } from '../tape/redact/value.ts';
import { meshNamespaces, type Concern, type Situation } from '../diagnose/situation.ts';
import { brokenHop } from '../probe/trace.ts';
import { ask } from '../tape/tape.ts';
import type { Environment } from './environment.ts';
import type { Notes } from './journal.ts';
import { lookAround } from './look-around.ts';
import type { MeshCluster } from './mesh-cluster.ts';

export interface CauseFinderOptions {
  readonly environment: Environment;
  readonly clusters: readonly MeshCluster[];
  /** Namespaces that the scenario uses. */
  readonly namespaces: readonly string[];
  /** Hosts that it declares. */
  readonly hosts: readonly string[];
}

/** Looks for the cause of a scenario's first failure, while everything is still as it was when it failed. */
export class CauseFinder {
  readonly #options: CauseFinderOptions;
  readonly #since = new Date();
  #causes: Promise<Cause[]> | undefined;
  #endedAt: CallEnd | undefined;

  constructor(options: CauseFinderOptions) {
    this.#options = options;
  }

  /** The causes of the first failure; undefined when nothing failed. */
  async found(): Promise<Cause[] | undefined> {
    return await this.#causes;
  }

  /** The proxy at which the call of the first failure ended, as far as access logs tell. */
  get endedAt(): CallEnd | undefined {
    return this.#endedAt;
  }

  /** Looks around, at the first failure; later ones are most often its consequences. */
  async look(error: unknown, notes: Pick<Notes, 'hops' | 'exchange'>): Promise<void> {
    this.#causes ??= this.#explain(error, notes);
    await this.#causes;
  }

  async #explain(error: unknown, notes: Pick<Notes, 'hops' | 'exchange'>): Promise<Cause[]> {
    const { environment, clusters, namespaces } = this.#options;
    // Of clusters that the user owns only the mesh's own namespace is looked into.
    const beside = environment.clusters.some(({ foreign }) => foreign === true) ? ['istio-system'] : meshNamespaces;
    const surroundings = { namespaces: [...namespaces, ...beside], since: this.#since };
    const gone = clusters.filter(({ mesh }) => mesh.isGone).map(({ name }) => name);
    const situation = await ask<Situation>('surroundings of the failure', () => lookAround(environment, surroundings), {
      file: 'surroundings.json',
      lookOnly: true,
      // Earlier runs did not look around once the mesh was taken away.
      ...(gone.length === 0 ? {} : { unasked: { clusters: [], at: '' } }),
    });
    this.#endedAt = endedAt(situation);
    return explain(situation, { ...this.#concern(error, notes), gone });
  }

  #concern(error: unknown, { hops, exchange }: Pick<Notes, 'hops' | 'exchange'>): Concern {
    const { clusters, namespaces, hosts, environment } = this.#options;
    // As redacted as what they are compared with.
    const applied = new Map(
      clusters.map((cluster) => [cluster.name, cluster.applied.map((object) => redact(seenObject(object)))]),
    );
    const broken = brokenHop([...hops].sort((left, right) => placeOf(left) - placeOf(right)));
    const known = asMeshproofError(error);
    const words = [describeError(known), exchange?.error, exchange?.body]
      .filter((part) => part !== undefined)
      .join('\n');
    const names = clusters.map(({ name }) => name);
    const [first = ''] = names;
    const said = /cluster (\S+)/.exec(known.details.where ?? '')?.[1] ?? known.details.where?.split(' ')[0];
    return {
      client: first,
      namespaces: [...namespaces, ...meshNamespaces],
      hosts: [...new Set([...hosts, ...[...applied.values()].flat().flatMap(hostsOf)])].filter(
        (host) => host !== '*.global',
      ),
      gateway: topologyNamed(environment.topology).ingressGateway,
      brokenAt: broken?.proxy.split(' ')[0] ?? names.find((name) => name === said),
      brokenHop: broken?.hop,
      applied,
      ownFields: clusters.flatMap((cluster) => cluster.ownFields),
      words,
    };
  }
}
