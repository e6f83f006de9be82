import type { DeclaredHost } from '../mesh/collisions.ts';
import type { TopologyName } from '../mesh/topologies/names.ts';
import type { Containers } from './containers.ts';
import type { MeshCluster } from './mesh-cluster.ts';

/** A step or a claim that carries out commands of the page. */
export interface PageStep {
  /** Title of the step, or name of the claim. */
  readonly step: string;
  /**
   * Commands of the page by section anchor and number, "cleanup-the-example.2", or a range of them,
   * "cleanup-the-example.1-3".
   */
  readonly runs: `${string}.${number}` | `${string}.${number}-${number}`;
  /**
   * Why something else runs in their place, where today's Istio or this kind of cluster no longer takes them as they
   * are.
   */
  readonly instead?: string;
}

/** Something that the page relies on and today's Istio no longer has. */
export interface Replacement {
  readonly was: string;
  readonly by: string;
}

/** What a scenario needs of the environment; unmet needs make all of its claims "not supported", with the reason. */
export interface Needs {
  readonly clusters: number;
  /** The topologies that it holds in; the page's own by default. */
  readonly topologies?: readonly TopologyName[];
  readonly loadBalancer?: boolean;
  readonly egressGateway?: boolean;
  /**
   * It kills or takes away control planes or gateways, so it plays after those that do not, and never on a mesh that is
   * not meshproof's.
   */
  readonly ownsMesh?: boolean;
  /** It changes the cluster itself, its DNS say, or stands beside it on its network; never on a cluster of the user. */
  readonly ownsCluster?: boolean;
  /** Every namespace that it makes; all else that it writes is in these, or in the mesh's own. */
  readonly namespaces: readonly string[];
  /** Every host that it declares by a ServiceEntry; in a mesh that people live in nobody else may have one of them. */
  readonly hosts?: readonly DeclaredHost[];
}

export interface ScenarioMeta<Claim extends string = string> {
  /** Path of the file below scenarios/, without its ending. */
  readonly id: string;
  /** Section of the walkthrough that it proves. */
  readonly section: string;
  /** Every claim by name, in order: `meshproof list` shows them, and one that is never proven fails the scenario. */
  readonly claims: readonly Claim[];
  readonly needs: Needs;
  /**
   * Where it plays among all: what shows that the environment is sound opens, what takes the mesh away ends. No
   * scenario depends on the order.
   */
  readonly plays?: 'first' | 'last';
  /**
   * Which of its steps and claims carry out which commands of the page; `meshproof walkthrough` puts their output
   * there.
   */
  readonly walkthrough?: readonly PageStep[];
  /**
   * What the mesh profile has to put in the place of things that are gone; shown in the scenario's row of every report.
   */
  readonly replaced?: readonly Replacement[];
}

/** What a proof returns: nothing, or a figure in words. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a proof that returns nothing is the rule
export type Proven = string | void;

export interface ScenarioContext<Claim extends string> {
  /** The cluster that calls: the first one. A role, not a place. */
  readonly client: MeshCluster;
  /** The cluster that answers: the second one. */
  readonly server: MeshCluster;
  /** The first cluster (the walkthrough's cluster1): clients live here. */
  readonly west: MeshCluster;
  /** The second cluster (the walkthrough's cluster2): servers live here. */
  readonly east: MeshCluster;
  /** All of them. */
  readonly clusters: readonly MeshCluster[];
  /** One more cluster of servers, where the environment has three. */
  readonly third: MeshCluster | undefined;
  /** Does one step of the section; its title shows in every report. */
  readonly step: <T>(title: string, work: () => Promise<T>) => Promise<T>;
  /**
   * Proves one declared claim; a figure that the proof returns shows in every report. A failure is recorded with its
   * evidence, and the scenario goes on to the next claim.
   */
  readonly claim: (name: Claim, proof: () => Proven | Promise<Proven>) => Promise<void>;
  /** Puts back, after the scenario, what it took from the environment; left out when the environment ends with it. */
  readonly restore: (title: string, work: () => Promise<void>) => void;
  /** Containers outside of the mesh, on the clusters' network. */
  readonly containers: Containers;
  readonly signal: AbortSignal;
}

export interface Scenario {
  readonly meta: ScenarioMeta;
  readonly run: (context: ScenarioContext<string>) => Promise<void>;
}

type Registrar = (scenario: Scenario) => void;
/**
 * Kept where every copy of this module finds it: vitest may load one for the set-up file, and Node another for a
 * package’s scenarios.
 */
const shared = globalThis as unknown as Record<symbol, Registrar | undefined>;
const registrar = Symbol.for('meshproof.registrar');

/** Called by the vitest set-up file: from then on each scenario that is imported becomes a test. */
export function registerScenariosWith(register: Registrar): void {
  shared[registrar] = register;
}

/**
 * Defines a scenario. The file's default export is the result, so that `meshproof list` can read it without running
 * anything.
 *
 * @example
 * export default scenario({ id: 'direct-sidecar', section: '…', claims: ['curl answers 200'], needs: { clusters: 2 } },
 *   async ({ client, step, claim }) => { … });
 */
export function scenario<const Claim extends string>(
  meta: ScenarioMeta<Claim>,
  run: (context: ScenarioContext<Claim>) => Promise<void>,
): Scenario {
  const defined: Scenario = { meta, run };
  shared[registrar]?.(defined);
  return defined;
}
