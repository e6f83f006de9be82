import { appliedLines, kubectl } from '../cluster/kubectl-lines.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { replacements } from '../mesh/profile.ts';
import type { StepResult } from '../scenario/claims.ts';
import type { PageStep } from '../scenario/scenario.ts';

const section = 'deploy-the-Istio-control-plane-in-each-cluster';
const authority = { key: 'create-authority', title: 'create the namespace istio-system and the secret cacerts' };
const install = { key: 'install-istio', title: 'install Istio' };

/** The commands of the page that bringing an environment up carries out. */
export const setUpPageSteps: readonly PageStep[] = [
  {
    step: authority.key,
    runs: `${section}.2-3`,
    instead:
      'The same two objects, by the API. Each cluster’s CA is made for this run, or is your own, and is not the ' +
      'published one of samples/certs.',
  },
  {
    step: install.key,
    runs: `${section}.4`,
    instead: `${replacements.multiclusterValues.by} istioctl renders the objects, and the API applies them.`,
  },
];

/**
 * What the installation of one cluster's mesh did, for the transcript. Keys are never part of it.
 *
 * @param replies the namespace, the secret, and all else that was applied, as the server has them
 */
export function installedSteps(
  cluster: string,
  [namespace, secret, ...replies]: readonly KubernetesObject[],
): StepResult[] {
  const command =
    'kubectl create secret generic cacerts ' +
    `--context=${cluster} -n ${systemNamespace} --from-file=ca-cert.pem ` +
    '--from-file=ca-key.pem --from-file=root-cert.pem --from-file=cert-chain.pem';
  return [
    {
      ...authority,
      seconds: 0,
      hops: [],
      actions: [
        ...(namespace === undefined ? [] : [{ cluster, ...kubectl.apply(cluster, [], [namespace]) }]),
        ...(secret === undefined ? [] : [{ cluster, command, output: appliedLines([secret]) }]),
      ],
    },
    {
      ...install,
      seconds: 0,
      hops: [],
      actions: [
        {
          cluster,
          command: `istioctl manifest generate -f - | kubectl apply --context=${cluster} --server-side -f -`,
          output: appliedLines(replies),
        },
      ],
    },
  ];
}
