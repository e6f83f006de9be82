import { MeshproofError } from '../errors/meshproof-error.ts';
import type { PolicyKind } from '../cluster/scenario-kinds.ts';
import type { DeclaredHost } from '../mesh/collisions.ts';
import type { Told } from '../mesh/proxy-telling.ts';
import type { TopologyName } from '../mesh/topologies/names.ts';
import { checkKey } from './keys.ts';
import type { Containers } from './containers.ts';
import type { MeshCluster } from './mesh-cluster.ts';

/** A step or a claim that carries out commands of the page. */
export interface PageStep {
  /** Key of the step or of the claim. */
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

/** What all scenarios of an environment share, besides its namespaces and hosts. */
export type Shared = 'the cluster’s DNS';

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
  /**
   * It changes the cluster itself, its DNS say, or stands beside it on its network; never on a cluster that the user
   * owns.
   */
  readonly ownsCluster?: boolean;
  /**
   * What its proofs read of proxies that a mesh need not have them tell: JSON access logs, or counters that Istio
   * leaves out. In a mesh of others that does not, it is not supported.
   */
  readonly reads?: readonly Told[];
  /** Every namespace that it makes; all else that it writes is in these, or in the mesh's own. */
  readonly namespaces: readonly string[];
  /**
   * Policies that it applies in its namespaces, beside the objects that every sample has. On clusters of their own
   * people are told, and asked whether they may be applied.
   */
  readonly policies?: readonly PolicyKind[];
  /**
   * What it must not share with another scenario that names it too: the two never play at the same time. Namespaces and
   * hosts count without being named here.
   */
  readonly toItself?: readonly Shared[];
  /** Every host that it declares by a ServiceEntry; in a mesh that people live in nobody else may have one of them. */
  readonly hosts?: readonly DeclaredHost[];
}

export interface ScenarioMeta<Claim extends string = string> {
  /** Path of the file below scenarios/, without its ending. */
  readonly id: string;
  /** Section of the walkthrough that it proves. */
  readonly section: string;
  /**
   * Every claim by its key, in order; the value is the sentence that reports show. Runs are compared, replayed and
   * mapped to the page by keys, so a sentence can be reworded at any time. One that is never proven fails the scenario.
   */
  readonly claims: Readonly<Record<Claim, string>>;
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

/** Does one step: its key, which no other claim or step of the scenario has, its sentence, and the work. */
export type Step = <T>(key: string, title: string, work: () => Promise<T>) => Promise<T>;

export interface ScenarioContext<Claim extends string> {
  /** The cluster that calls, the walkthrough's cluster1: the first one. A role, not a place. */
  readonly client: MeshCluster;
  /** The cluster that answers, the walkthrough's cluster2: the second one. */
  readonly server: MeshCluster;
  /** All of them. */
  readonly clusters: readonly MeshCluster[];
  /** All that answer: the second one, and every other one that the environment has. */
  readonly servers: readonly [MeshCluster, ...MeshCluster[]];
  /** Does one step of the section under a key of its own; the sentence shows in every report. */
  readonly step: Step;
  /**
   * Proves one declared claim; a figure that the proof returns shows in every report. A failure is recorded with its
   * evidence, and the scenario goes on to the next claim.
   */
  readonly claim: (key: Claim, proof: () => Proven | Promise<Proven>) => Promise<void>;
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
 * export default scenario(
 *   { id: 'node-port', section: '…', claims: { 'call-succeeds': 'the call succeeds' }, needs: { … } },
 *   async ({ client, step, claim }) => {
 *     const sleep = await step('deploy', 'deploy sleep', () => client.deploySleep('foo'));
 *     await claim('call-succeeds', () => expect(…));
 *   },
 * );
 * @throws MeshproofError MP719 for a claim whose key is none, such as a sentence.
 */
export function scenario<const Claim extends string>(
  meta: ScenarioMeta<Claim>,
  run: (context: ScenarioContext<Claim>) => Promise<void>,
): Scenario {
  if (Array.isArray(meta.claims))
    throw new MeshproofError('MP719', {
      what: `the scenario ${meta.id} lists its claims as sentences`,
      expected: `claims: { 'call-succeeds': 'the call succeeds' }`,
      seen: String(meta.claims[0]).slice(0, 200),
    });
  for (const key of Object.keys(meta.claims)) checkKey(meta.id, key, new Set());
  const defined: Scenario = { meta, run };
  shared[registrar]?.(defined);
  return defined;
}
