import { expect, test } from 'vitest';
import type { KubernetesObject } from './kubernetes-object.ts';
import { adaptManifest } from './metallb.ts';

/** The shape of MetalLB's published manifest, one object of each kind that is changed. */
const published: KubernetesObject[] = [
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'bgppeers.metallb.io' },
    spec: { conversion: { strategy: 'Webhook' }, group: 'metallb.io' },
  },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'metallb-webhook-service', namespace: 'metallb-system' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'metallb-webhook-cert', namespace: 'metallb-system' } },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'metallb-webhook-configuration' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'controller' },
    spec: {
      replicas: 1,
      template: {
        spec: {
          containers: [
            {
              name: 'controller',
              image: 'published',
              args: ['--port=7472'],
              volumeMounts: [{ name: 'cert', mountPath: '/certs' }],
            },
          ],
          volumes: [{ name: 'cert', secret: { secretName: 'metallb-webhook-cert' } }],
        },
      },
    },
  },
];

test('webhooks go, images are ours, and everything else stays', () => {
  const adapted = adaptManifest(published, { controller: 'ours/controller:1', speaker: 'ours/speaker:1' });
  expect(adapted.map(({ kind }) => kind)).toEqual(['CustomResourceDefinition', 'Deployment']);
  expect(adapted[0]?.['spec']).toEqual({ group: 'metallb.io' });
  expect(adapted[1]?.['spec']).toMatchObject({
    replicas: 1,
    template: {
      spec: {
        containers: [
          { image: 'ours/controller:1', args: ['--port=7472', '--webhook-mode=disabled'], volumeMounts: [] },
        ],
        volumes: [],
      },
    },
  });
});
