import { seenName, type Concern, type SeenObject } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';

/** Objects that are being deleted, and stay until somebody takes a finalizer off them: their namespace stays, too. */
export const heldObjects: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap(({ cluster, objects }) =>
    objects
      .filter(({ deleting, finalizers = [] }) => deleting === true && finalizers.length > 0)
      .filter((object) => isSpokenOf(object, concern))
      .map((object): Suspect => ({
        certainty: 3,
        layer: 'workload',
        cluster,
        object: seenName(object),
        field: 'metadata.finalizers',
        does: `is being deleted, and stays until its finalizers are removed: ${(object.finalizers ?? []).join(', ')}`,
        try: 'Check that the controllers that remove these finalizers run, or remove the finalizers.',
        seen: [],
      })),
  );

/** What was not there when the mesh was ready, and is still there after the scenario uninstalled the mesh. */
export const leftBehind: Explainer = ({ changes, concern }) =>
  changes
    .filter(({ cluster, change, object }) => {
      return change === 'added' && (concern.gone ?? []).includes(cluster) && concern.words.includes(object.name);
    })
    .map(({ cluster, object }): Suspect => ({
      certainty: 3,
      layer: 'control plane',
      cluster,
      object: seenName(object),
      does: 'was not installed with this mesh, so it stays when the mesh is uninstalled',
      try: `Find out what made it, then delete it: kubectl delete ${object.kind.toLowerCase()} ${object.name}`,
      seen: [],
    }));

/** Whether the failure’s own words name an object or its namespace. */
const isSpokenOf = ({ namespace, name }: SeenObject, { words }: Concern): boolean =>
  words.includes(name) || (namespace !== undefined && words.includes(namespace));
