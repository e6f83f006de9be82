import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import type { OwnField } from '../diagnose/situation.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { stringify } from 'yaml';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { Journal } from './journal.ts';
import type { MeshClusterOptions } from './mesh-cluster-options.ts';
import {
  globalNameServer,
  stubDomainForm,
  stubDomainServers,
  withoutStubDomain,
  withStubDomain,
  type StubDomainForm,
} from '../mesh/stub-domain.ts';

const kubeSystem = { namespace: 'kube-system', name: 'coredns' } as const;

/** The DNS of one cluster, as the walkthrough's "Setup DNS" changes it, and gives it back. */
export class ClusterDns {
  readonly #api: ClusterApi;
  readonly #apply: (...objects: readonly KubernetesObject[]) => Promise<void>;
  readonly #options: Pick<MeshClusterOptions, 'journal' | 'signal'>;
  /** The Corefile as this scenario set it last, and as it was before it first did. */
  #set: { readonly corefile: string; readonly before: string } | undefined;

  constructor(
    api: ClusterApi,
    apply: (...objects: readonly KubernetesObject[]) => Promise<void>,
    options: Pick<MeshClusterOptions, 'journal' | 'signal'>,
  ) {
    this.#api = api;
    this.#apply = apply;
    this.#options = options;
  }

  /** What of the cluster's DNS is as this scenario set it. */
  get ownFields(): OwnField[] {
    const { namespace, name } = kubeSystem;
    return this.#set === undefined
      ? []
      : [
          {
            cluster: this.#api.address.name,
            object: `ConfigMap ${namespace}/${name}`,
            field: 'data.Corefile',
            value: this.#set.corefile,
            before: this.#set.before,
          },
        ];
  }

  /**
   * What the cluster runs, by the image of its DNS deployment: "registry/coredns:v1.12.1" → 1.12.1, and so which form
   * it needs.
   */
  async form(): Promise<{ readonly image: string; readonly version: string; readonly form: StubDomainForm }> {
    const { spec } = await this.#api.apps.readNamespacedDeployment(kubeSystem);
    const image = spec?.template.spec?.containers[0]?.image ?? '';
    const version = /:v?(\d+\.\d+\.\d+)/.exec(image)?.[1] ?? '';
    return { image, version, form: stubDomainForm({ server: 'coredns', version }) };
  }

  /** Deploys the name server that stands in for istiocoredns, and returns its cluster IP. */
  async deployNameServer(image: string, hosts: Readonly<Record<string, string>>): Promise<string> {
    await this.#apply(...globalNameServer({ image, hosts }));
    await this.#api.waitForDeployment(systemNamespace, 'istiocoredns', {
      within: 60_000,
      signal: this.#options.signal,
    });
    const { spec } = await this.#api.core.readNamespacedService({ namespace: systemNamespace, name: 'istiocoredns' });
    return spec?.clusterIP ?? '';
  }

  /**
   * How the cluster's DNS reaches the API server, for a CoreDNS of another version outside of the cluster that takes
   * its place.
   */
  async asPod(): ReturnType<ClusterApi['asPod']> {
    return await this.#api.asPod(kubeSystem.namespace, 'coredns');
  }

  async corefile(): Promise<string> {
    const { data } = await this.#api.core.readNamespacedConfigMap(kubeSystem);
    return data?.['Corefile'] ?? '';
  }

  /** Adds the stub domain to the Corefile that is there, and waits until the cluster's DNS serves with it. */
  async addStubDomain(form: Exclude<StubDomainForm, 'kube-dns'>, server: string): Promise<void> {
    await this.#replaceCorefile(withStubDomain(await this.corefile(), form, server));
  }

  async removeStubDomain(): Promise<void> {
    await this.#replaceCorefile(withoutStubDomain(await this.corefile()));
  }

  /** New pods read the new file at once; the running ones would notice it within two minutes. */
  async #replaceCorefile(text: string): Promise<void> {
    const configMap = await this.#api.core.readNamespacedConfigMap(kubeSystem);
    const before = this.#set?.before ?? configMap.data?.['Corefile'] ?? '';
    configMap.data = { ...configMap.data, Corefile: text };
    this.#set = { corefile: text, before };
    await this.#api.core.replaceNamespacedConfigMap({ ...kubeSystem, body: configMap });
    const { name: cluster } = this.#api.address;
    const manifest = stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: kubeSystem, data: { Corefile: text } });
    this.#options.journal.note({
      cluster,
      command: `kubectl replace --context=${cluster} -f -`,
      input: manifest,
      output: 'configmap/coredns replaced',
    });
    const deployment = await this.#api.apps.readNamespacedDeployment(kubeSystem);
    const template = deployment.spec?.template;
    if (template?.metadata !== undefined)
      template.metadata.annotations = {
        ...template.metadata.annotations,
        'kubectl.kubernetes.io/restartedAt': new Date().toISOString(),
      };
    await this.#api.apps.replaceNamespacedDeployment({ ...kubeSystem, body: deployment });
    await this.#api.waitForDeployment(kubeSystem.namespace, kubeSystem.name, {
      within: 60_000,
      signal: this.#options.signal,
    });
    await waitFor({
      name: 'no pod of the cluster’s DNS with the old Corefile is left',
      where: `cluster ${this.#api.address.name}`,
      within: 60_000,
      signal: this.#options.signal,
      look: async () => {
        const { items } = await this.#api.core.listNamespacedPod({
          namespace: kubeSystem.namespace,
          labelSelector: 'k8s-app=kube-dns',
        });
        const leaving = items.filter(({ metadata }) => metadata?.deletionTimestamp !== undefined);
        // They answer for five seconds more, for the sake of clients that this cluster does not have.
        for (const { metadata } of leaving) await this.#api.endPod(kubeSystem.namespace, metadata?.name ?? '');
        return leaving.length === 0
          ? holds(undefined)
          : notYet(`still answering: ${leaving.map(({ metadata }) => metadata?.name ?? '').join(', ')}`);
      },
    });
  }
}

/** Takes a stub domain back that an interrupted run left, and tells whether there was one. */
export async function clearStubDomain(api: ClusterApi, signal: AbortSignal): Promise<boolean> {
  const dns = new ClusterDns(api, () => Promise.resolve(), { journal: new Journal(), signal });
  if (stubDomainServers(await dns.corefile()).length === 0) return false;
  await dns.removeStubDomain();
  return true;
}
