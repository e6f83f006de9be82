import { ofKind, seenName } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { holdsIn, listIn, recordIn, selects, textIn, valueAt } from './reading.ts';

const eastWestPort = 15443;

/** The Service of the gateway between clusters: its address, its port 15443, and the pods behind it. */
export const gatewayService: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster): Suspect[] => {
    const services = ofKind(cluster, 'Service').filter(
      ({ namespace, name }) => namespace === 'istio-system' && name === concern.gateway,
    );
    return services.flatMap((service): Suspect[] => {
      const told = {
        layer: 'names and addresses',
        cluster: cluster.cluster,
        object: seenName(service),
        seen: [],
      } as const;
      const type = textIn(service.body, 'spec.type');
      const addresses = listIn(service.status, 'loadBalancer.ingress');
      const suspects: Suspect[] = [];
      if (type === 'LoadBalancer' && addresses.length === 0)
        suspects.push({
          ...told,
          certainty: 2,
          field: 'status.loadBalancer',
          does: 'has no address yet: the load balancer has not assigned one, so peers cannot call it',
          try: 'Check the address pool and the controller of the load balancer (MetalLB: namespace metallb-system).',
        });
      const port = listIn(service.body, 'spec.ports')
        .map(recordIn)
        .find((one) => one['port'] === eastWestPort);
      if (port === undefined)
        suspects.push({
          ...told,
          certainty: 2,
          field: 'spec.ports',
          does: 'does not expose port 15443, which clusters use to call each other',
          try: 'Add the port: {name: tls, port: 15443, targetPort: 15443}.',
        });
      else if (
        valueAt(port, 'targetPort') !== undefined &&
        String(valueAt(port, 'targetPort')) !== String(eastWestPort)
      )
        suspects.push({
          ...told,
          certainty: 2,
          field: 'spec.ports.targetPort',
          does: `sends port 15443 to port ${textIn(port, 'targetPort')} of the gateway’s pods, where nothing listens`,
          try: 'Set targetPort to 15443.',
        });
      const pods = ofKind(cluster, 'Pod').filter(({ namespace }) => namespace === service.namespace);
      const selector = valueAt(service.body, 'spec.selector');
      if (cluster.objects.length > 0 && !pods.some(({ labels }) => selects(selector, labels)))
        suspects.push({
          ...told,
          certainty: 2,
          field: 'spec.selector',
          does: 'selects no pod, so calls to its address reach nothing',
          try: 'Make the selector match the labels of the gateway’s pods.',
        });
      return suspects;
    });
  });

/** The cluster's DNS without a ready pod: no name resolves that the sidecar does not answer itself. */
export const clusterDns: Explainer = ({ situation, concern }) =>
  situation.clusters.flatMap((cluster): Suspect[] => {
    const pods = ofKind(cluster, 'Pod').filter(({ labels }) => labels['k8s-app'] === 'kube-dns');
    const ready = pods.some(({ status }) => holdsIn(status, 'Ready'));
    if (ready || cluster.objects.length === 0 || cluster.unseen.some((text) => text.includes('kube-system'))) return [];
    const saysSo = /resolv/i.test(concern.words);
    return [
      {
        certainty: saysSo ? 3 : 2,
        layer: 'names and addresses',
        cluster: cluster.cluster,
        object: 'Deployment kube-system/coredns',
        does: 'has no ready pod, so the names of the cluster do not resolve',
        try: 'kubectl describe -n kube-system deploy/coredns',
        seen: [],
      },
    ];
  });
