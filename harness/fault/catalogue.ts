import type { Fault } from './fault.ts';
import { clientFaults } from './faults/client-objects.ts';
import { groundFaults } from './faults/ground.ts';
import { networkFaults } from './faults/network.ts';
import { serverFaults } from './faults/server-objects.ts';
import { workloadFaults } from './faults/workloads.ts';

/**
 * Every fault that is known, each by its id: the mesh's own objects, the workloads, what both stand on, and the network
 * below.
 */
export const faults: readonly Fault[] = [
  ...clientFaults,
  ...serverFaults,
  ...workloadFaults,
  ...groundFaults,
  ...networkFaults,
];
