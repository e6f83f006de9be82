import { z } from 'zod';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { placeOf } from './resources.ts';

/** What a request wants to do, as RBAC knows it. */
export interface Attributes {
  readonly verb: string;
  readonly group: string;
  /** With the subresource: "pods/exec". */
  readonly resource: string;
  readonly namespace: string | undefined;
}

const ruleSchema = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  verbs: z.array(z.string()),
});
const bindingSchema = z.looseObject({ roleRef: z.object({ kind: z.string(), name: z.string() }) });

/** Decides by the roles and bindings of a manifest, all of whose subjects are the one that asks. */
export function authorizer(manifest: readonly KubernetesObject[]): (attributes: Attributes) => boolean {
  const rulesOf = (kind: string, name: string, namespace: string | undefined): z.infer<typeof ruleSchema>[] =>
    manifest
      .filter(
        (object) =>
          object.kind === kind &&
          object.metadata.name === name &&
          (kind === 'ClusterRole' || object.metadata.namespace === namespace),
      )
      .flatMap((role) => z.array(ruleSchema).parse(role['rules']));
  const granted = manifest
    .filter(({ kind }) => kind.endsWith('RoleBinding'))
    .flatMap((binding) => {
      const { roleRef } = bindingSchema.parse(binding);
      const { namespace } = binding.metadata;
      return rulesOf(roleRef.kind, roleRef.name, namespace).map((rule) => ({ rule, namespace }));
    });
  return ({ verb, group, resource, namespace }) =>
    granted.some(
      ({ rule, namespace: within }) =>
        (within === undefined || within === namespace) &&
        rule.apiGroups.includes(group) &&
        (rule.resources.includes('*') || rule.resources.includes(resource)) &&
        rule.verbs.includes(verb),
    );
}

/**
 * What a request wants, undefined for one that everybody may send: discovery, the version, questions about one's own
 * rights.
 */
export function attributesOf(method: string, path: string): Attributes | undefined {
  const place = placeOf(path);
  if (place === undefined) return undefined;
  const { resource, namespace, name, subresource } = place;
  const [group = ''] = resource.apiVersion.includes('/') ? resource.apiVersion.split('/') : [''];
  const looks = name === undefined ? 'list' : 'get';
  const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
  return {
    verb: verbs[method] ?? looks,
    group,
    resource: subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`,
    namespace,
  };
}
