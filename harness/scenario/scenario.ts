import type { OutsideClient } from '../probe/outside-client.ts';
import type { MeshCluster } from './mesh-cluster.ts';

/** What a scenario needs of the environment; unmet needs make all of its claims "not supported", with the reason. */
export interface Needs {
  readonly clusters: number;
  readonly loadBalancer?: boolean;
  readonly egressGateway?: boolean;
}

export interface ScenarioMeta<Claim extends string = string> {
  /** Path of the file below scenarios/, without its ending. */
  readonly id: string;
  /** Section of the walkthrough that it proves. */
  readonly section: string;
  /** Every claim by name, in order: `meshproof list` shows them, and one that is never proven fails the scenario. */
  readonly claims: readonly Claim[];
  readonly needs: Needs;
}

export interface ScenarioContext<Claim extends string> {
  /** The first cluster (the walkthrough's cluster1): clients live here. */
  readonly west: MeshCluster;
  /** The second cluster (the walkthrough's cluster2): servers live here. */
  readonly east: MeshCluster;
  /** Does one step of the section; its title shows in every report. */
  readonly step: <T>(title: string, work: () => Promise<T>) => Promise<T>;
  /** Proves one declared claim. A failure is recorded with its evidence, and the scenario goes on to the next claim. */
  readonly claim: (name: Claim, proof: () => void | Promise<void>) => Promise<void>;
  /** Runs work with a client outside of the mesh, a container on the clusters' network; it is gone afterwards. */
  readonly outsideClient: <T>(work: (client: OutsideClient) => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
}

export interface Scenario {
  readonly meta: ScenarioMeta;
  readonly run: (context: ScenarioContext<string>) => Promise<void>;
}

type Registrar = (scenario: Scenario) => void;
let registrar: Registrar | undefined;

/** Called by the vitest set-up file: from then on each scenario that is imported becomes a test. */
export function registerScenariosWith(register: Registrar): void {
  registrar = register;
}

/**
 * Defines a scenario. The file's default export is the result, so that `meshproof list` can read it without running anything.
 *
 * @example
 * export default scenario({ id: 'direct-sidecar', section: '…', claims: ['curl answers 200'], needs: { clusters: 2 } },
 *   async ({ west, step, claim }) => { … });
 */
export function scenario<const Claim extends string>(meta: ScenarioMeta<Claim>, run: (context: ScenarioContext<Claim>) => Promise<void>): Scenario {
  const defined: Scenario = { meta, run };
  registrar?.(defined);
  return defined;
}
