import type { KubernetesObject } from './kubernetes-object.ts';

/** The owner that server-side apply records for every field meshproof sets. */
export const fieldManager = 'meshproof';
/** Label of what a scenario applies for itself and takes away when it ends, with the scenario's id. */
export const scenarioLabel = 'meshproof/scenario';
/** Label of everything meshproof makes in a cluster; nothing without it is ever deleted. */
export const ownLabel = 'app.kubernetes.io/managed-by';

/** Whether meshproof made an object. */
export const isOwn = ({ metadata }: KubernetesObject): boolean => metadata.labels?.[ownLabel] === fieldManager;
