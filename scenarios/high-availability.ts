import { expect } from 'vitest';
import { systemNamespace } from '../harness/mesh/operator.ts';
import { replacements } from '../harness/mesh/profile.ts';
import { exposedService, localityFailover, outboundCluster, remoteService } from '../harness/mesh/services.ts';
import { callsWithin } from '../harness/probe/load.ts';
import { RemotePath } from '../harness/scenario/remote-path.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const service = { host: 'httpbin.ha.global', address: '240.0.0.5', port: { name: 'http', number: 8000, protocol: 'HTTP' } } as const;
const [namespace, ingress] = ['ha', 'istio-ingressgateway'] as const;
const [home, away] = ['home/zone/rack', 'away/zone/rack'];
/** Seconds into the load at which each thing happens to the mesh. */
const at = { localReplicaGone: 8, gatewayKilled: 19, controlPlanesKilled: 30, localReplicaBack: 40, end: 60 };
const perSecond = 20;
/**
 * A call that meets a dead endpoint is tried again elsewhere after a second at most, so one second's calls may be lost
 * to a fault.
 */
const tolerated = perSecond;

/**
 * One service in both clusters under one `.global` name: the client's own cluster serves it, and the peer when that
 * cannot.
 */
export default scenario(
  {
    id: 'high-availability',
    section: 'Summary › one mesh, the same service in several clusters',
    claims: {
      'prefers-own-region': 'the sidecar prefers the endpoint of its own region, and has the peer’s gateway behind it',
      'served-locally': 'before any fault every call is served in the client’s own cluster',
      'fails-over': 'with the local replica gone calls fail over to the peer',
      'survives-gateway': 'with one of two gateway pods of the peer killed calls go on through the other',
      'survives-control-planes': 'with both control planes killed and restarted no call fails',
      returns: 'with the local replica back calls return to it',
    },
    needs: { clusters: 2, loadBalancer: true, ownsMesh: true, namespaces: [namespace] },
    replaced: [replacements.sniRewrite],
  },
  async ({ client, server, step, claim, restore }) => {
    const sleep = await step('deploy-sleep', 'deploy sleep in the region “home”', () => client.deploySleep(namespace, { 'istio-locality': home.replaceAll('/', '.') }));
    const [local, remote] = await step('deploy-httpbin', 'deploy httpbin in both clusters', () => Promise.all([client.deployHttpbin(namespace), server.deployHttpbin(namespace)]));
    await step('second-gateway', 'give the peer a second gateway pod', () => server.scale(systemNamespace, ingress, 2));
    restore('take the second gateway pod away', () => server.scale(systemNamespace, ingress, 1));
    const [near, gateway] = await step('find-gateway', 'find the local service, and the gateway of the peer', () => Promise.all([client.service(namespace, 'httpbin'), server.ingressGateway()]));
    const [toNear, toPeer] = [`${near.address}:8000`, `${gateway.address}:${gateway.port}`];
    const endpoints = [{ address: near.address, port: 8000, locality: home }, { address: gateway.address, locality: away }];

    await step('expose', 'let the second cluster’s gateway know the .global name (profile modern)', () =>
      server.apply(exposedService({ host: service.host, namespace, name: 'httpbin-ha-global', port: { ...service.port, targetPort: server.httpbinPort }, selector: { app: 'httpbin' } })),
    );
    await step('declare', 'declare both endpoints with their localities, and the failover from one to the other', () =>
      client.apply(remoteService({ ...service, namespace, name: 'httpbin-ha', resolution: 'STATIC', endpoints }), ...localityFailover({ host: service.host, namespace, name: 'httpbin-ha', from: 'home', to: 'away' })),
    );
    const cluster = outboundCluster(service.host, service.port.number);
    await step('hold', 'wait until the proxies hold both ways', () =>
      Promise.all([new RemotePath({ client: sleep, service, gateway }).held(), sleep.proxy.holds('the failover', (dump) => dump.prioritiesOf(cluster)[toPeer] === 1)]),
    );
    await claim('prefers-own-region', async () => {
      expect((await sleep.proxy.configDump()).prioritiesOf(cluster)).toEqual({ [toNear]: 0, [toPeer]: 1 });
    });

    const load = sleep.startLoad({ url: `http://${service.host}:8000/hostname`, perSecond, seconds: at.end });
    await step('remove-replica', 'take the local replica away', () => load.reaches(at.localReplicaGone).then(() => client.scale(namespace, 'httpbin', 0)));
    await step('kill-gateway', 'kill one of the peer’s two gateway pods', () => load.reaches(at.gatewayKilled).then(() => server.mesh.kill(ingress)));
    await step('kill-control-planes', 'kill both control planes', () => load.reaches(at.controlPlanesKilled).then(() => Promise.all([client.mesh.kill('istiod'), server.mesh.kill('istiod')])));
    await step('return-replica', 'bring the local replica back', () => load.reaches(at.localReplicaBack).then(() => client.scale(namespace, 'httpbin', 1)));
    await step('recover', 'wait until both control planes serve every proxy again', () => Promise.all([client.mesh.recovered(), server.mesh.recovered()]));
    const result = await step('load', `see the load of ${perSecond} calls a second through its ${at.end} s`, () => load.done);

    /**
     * Failed calls of a time, and those that the peer served. The load begins up to a second after it was asked for.
     */
    const during = (from: number, to: number): { readonly failed: number; readonly elsewhere: number; readonly told: string; readonly all: number } => {
      const { calls, failed } = callsWithin(result, from, to);
      // Nothing fails where nothing is called.
      expect(calls.length).toBeGreaterThan((to - from) * perSecond * 0.8);
      return { failed: failed.length, elsewhere: calls.filter(({ body }) => body.includes(remote.pod)).length, all: calls.length, told: `${failed.length} of ${calls.length} calls failed` };
    };
    await claim('served-locally', () => {
      const { failed, told } = during(0, at.localReplicaGone - 1);
      const { calls } = callsWithin(result, 0, at.localReplicaGone - 1);
      expect(failed).toBe(0);
      expect(calls.filter(({ body }) => !body.includes(local.pod))).toEqual([]);
      return told;
    });
    await claim('fails-over', () => {
      const { failed, told } = during(at.localReplicaGone - 1, at.gatewayKilled - 1);
      expect(failed).toBeWithin({ low: 0, high: tolerated });
      const settled = during(at.gatewayKilled - 5, at.gatewayKilled - 1);
      expect(settled.elsewhere).toBe(settled.all);
      return told;
    });
    await claim('survives-gateway', () => {
      const { failed, told } = during(at.gatewayKilled - 1, at.controlPlanesKilled - 1);
      expect(failed).toBeWithin({ low: 0, high: tolerated });
      return told;
    });
    await claim('survives-control-planes', () => {
      // Up to the end of the load: control planes are back only after the local replica is.
      const { failed, told } = during(at.controlPlanesKilled - 1, at.end);
      expect(failed).toBe(0);
      return told;
    });
    await claim('returns', () => {
      const settled = during(at.end - 3, at.end);
      expect({ failed: settled.failed, elsewhere: settled.elsewhere }).toEqual({ failed: 0, elsewhere: 0 });
      return `${during(at.localReplicaBack - 1, at.end).told}; ${during(0, at.end).told} in all`;
    });
  },
);
