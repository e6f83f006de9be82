import { stringify } from 'yaml';
import { groupSuffix, type KubernetesObject } from './kubernetes-object.ts';

/** "serviceentry.networking.istio.io/httpbin-bar": how kubectl names an object in what it prints. */
export function resourceName({
  apiVersion,
  kind,
  metadata,
}: Pick<KubernetesObject, 'apiVersion' | 'kind' | 'metadata'>): string {
  return `${kind.toLowerCase()}${groupSuffix(apiVersion)}/${metadata.name}`;
}

/** What kubectl prints of objects that the server has taken. */
export const appliedLines = (replies: readonly KubernetesObject[]): string =>
  replies
    .map(
      (reply) =>
        `${resourceName(reply)} serverside-applied (resourceVersion ${reply.metadata.resourceVersion ?? 'unknown'})`,
    )
    .join('\n');

/** What the API client does, said as the kubectl commands that do the same. */
export const kubectl = {
  /** @param replies the objects as the server has them since */
  apply: (
    cluster: string,
    objects: readonly KubernetesObject[],
    replies: readonly KubernetesObject[],
  ): { readonly command: string; readonly input: string; readonly output: string } => ({
    command: `kubectl apply --context=${cluster} --server-side --field-manager=meshproof -f -`,
    input: objects.map((object) => stringify(object)).join('---\n'),
    output: appliedLines(replies),
  }),
  delete: (cluster: string, object: KubernetesObject): { readonly command: string; readonly output: string } => {
    const [resource = '', name = ''] = resourceName(object).split('/');
    const { namespace } = object.metadata;
    return {
      command:
        `kubectl delete --context=${cluster}${namespace === undefined ? '' : ` -n ${namespace}`} ${resource} ` + name,
      output: `${resource} "${name}" deleted`,
    };
  },
};
