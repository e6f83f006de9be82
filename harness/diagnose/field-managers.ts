import type { V1ManagedFieldsEntry } from '@kubernetes/client-node';
import { fieldManager } from '../cluster/labels.ts';
import { anyOf } from '../text/any-of.ts';

/** Controllers that write into objects of others as a matter of course, by the names that they give themselves. */
const controllers = new RegExp(
  `^(${anyOf(
    /kube-|kubelet|kubeadm|k3s|pilot-|istio|controller|speaker|metallb|cloud-|node-fetch/,
    /OpenAPI-Generator|Go-http-client|unknown$/,
  )})`,
  'i',
);

/**
 * The fields of an object of meshproof's own that somebody else set: a person's `kubectl patch`, say. What was there
 * before a scenario applied its object stays there, since server-side apply leaves fields of others alone, and nothing
 * else tells it from the scenario's own.
 *
 * @returns undefined for an object that meshproof did not apply
 */
export function fieldsOfOthers(
  managed: readonly V1ManagedFieldsEntry[],
): { readonly field: string; readonly by: string }[] | undefined {
  const ours = managed.filter(({ manager }) => manager === fieldManager);
  if (ours.length === 0) return undefined;
  const own = new Set(ours.flatMap(({ fieldsV1 }) => pathsOf(fieldsV1)));
  return managed
    .filter(({ manager = 'unknown', subresource }) => subresource === undefined && !controllers.test(manager))
    .filter(({ manager }) => manager !== fieldManager)
    .flatMap(({ manager: by = 'unknown', fieldsV1 }) =>
      pathsOf(fieldsV1)
        .filter((field) => !own.has(field) && !machinery.some((written) => field.includes(written)))
        .map((field) => ({ field, by })),
    );
}

/** What kubectl writes for itself, and the API server into every namespace, whoever makes it. */
const machinery = ['metadata.annotations.kubectl.kubernetes.io/', 'metadata.labels.kubernetes.io/metadata.name'];

/** The leaves of a field set in the API server's form: `{"f:spec": {"f:ports": {"k:{\\"port\\":8000}": {…}}}}`. */
function pathsOf(fields: unknown, path = ''): string[] {
  if (typeof fields !== 'object' || fields === null) return [];
  const inner = Object.entries(fields).filter(([key]) => key !== '.');
  if (inner.length === 0) return path === '' ? [] : [path];
  return inner.flatMap(([key, value]) => pathsOf(value, stepInto(path, key)));
}

function stepInto(path: string, key: string): string {
  const name = key.slice(2);
  if (key.startsWith('f:')) return path === '' ? name : `${path}.${name}`;
  // Items of lists go by their keys, "k:{"name":"httpbin"}", or by their values, "v:…".
  const by = /"(?:name|port|containerPort|ip|uid)":"?([^",}]+)/.exec(name)?.[1];
  return `${path}[${by ?? name}]`;
}
