import type { Declared } from './declared.ts';
import type { Environment, EnvironmentCluster } from './environment.ts';
import type { Evidence } from './evidence.ts';
import type { Journal } from './journal.ts';

/** One cluster in the hands of one scenario. */
export interface MeshClusterOptions {
  /** Id of the scenario that it is played by. */
  readonly scenario: string;
  /** What it said that it makes: namespaces, hosts. */
  readonly needs: Declared;
  readonly environment: Environment;
  readonly cluster: EnvironmentCluster;
  readonly evidence: Evidence;
  readonly journal: Journal;
  /** For a wait that begins now: what undoes the scenario's work is not ended as soon as what it plays. */
  readonly signal: AbortSignal;
}

/** How long what a scenario deploys has to become ready; in milliseconds. */
export const readyWithin = 60_000;
