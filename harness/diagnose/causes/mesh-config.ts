import { parseDocument } from 'yaml';
import { meshNamespaces, ofKind, seenName, type ClusterSituation } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { listIn, recordIn, selects, textIn, valueAt } from './reading.ts';

/**
 * Namespaces of the call that `discoverySelectors` leaves out: istiod takes nothing from them, neither services nor
 * rules nor endpoints (istio: pkg/kube/namespace/filter.go).
 */
export const leftOutNamespaces: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster): Suspect[] =>
    ofKind(cluster, 'ConfigMap')
      .filter(({ namespace, name }) => namespace === 'istio-system' && /^istio(-[\w-]+)?$/.test(name))
      .flatMap((config) => {
        const selectors = listIn(meshConfig(textIn(config.body, 'data.mesh')), 'discoverySelectors');
        const missed = selectors.length === 0 ? [] : leftOut(cluster, concern.namespaces, selectors);
        if (missed.length === 0) return [];
        return [
          {
            certainty: 3,
            layer: 'control plane',
            cluster: cluster.cluster,
            object: seenName(config),
            field: 'data.mesh.discoverySelectors',
            does: `leaves ${missed.join(', ')} out: istiod takes no service, endpoint or rule from there`,
            try: 'Add a selector that its labels match, or label the namespace.',
            seen: selectors.map((selector) => `discoverySelectors: ${JSON.stringify(selector)}`),
          },
        ];
      }),
  );

function leftOut(cluster: ClusterSituation, namespaces: readonly string[], selectors: readonly unknown[]): string[] {
  // istiod's own namespace is always seen, and the cluster's are no part of a mesh: no selector has to find these.
  return ofKind(cluster, 'Namespace')
    .filter(({ name }) => namespaces.includes(name) && !meshNamespaces.includes(name))
    .filter(({ labels }) => !selectors.some((selector) => matches(selector, labels)))
    .map(({ name }) => `namespace ${name}`);
}

/** The mesh configuration; empty for a text that is no YAML, which istiod does not take either. */
function meshConfig(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? {} : (document.toJS() as unknown);
}

/** Whether labels satisfy a LabelSelector. */
function matches(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const expressions = listIn(selector, 'matchExpressions').every((expression) => {
    const value = labels[textIn(expression, 'key')];
    const listed = value !== undefined && listIn(expression, 'values').includes(value);
    switch (textIn(expression, 'operator')) {
      case 'In':
        return listed;
      case 'NotIn':
        return !listed;
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return true;
    }
  });
  return expressions && selects(recordIn(valueAt(selector, 'matchLabels')), labels);
}
