import { exposedService, greeterPort, greetingCall, grpcCall, grpcStatus, outboundCluster } from '../harness/index.ts';
import { expect, RemotePath, RemoteSample, replacements, scenario } from '../harness/index.ts';

const sample = new RemoteSample('grpc');
const greeter = sample.another('greeter', { name: 'grpc', number: 8000, protocol: 'GRPC' });
const { client: near, server: far } = sample.namespaces;
const service = '/coredns.dns.DnsService';

/**
 * Walkthrough: "Configure the example services" leads any port to the peer. gRPC needs more than HTTP/2 of everything
 * between: how a call went stands in trailers, behind the answer.
 */
export default scenario(
  {
    id: 'grpc',
    section: 'Configure the example services › a gRPC service',
    claims: {
      answered: 'every gRPC call is answered, and says OK in its trailers',
      refused: 'a method that is not there is refused by the server itself: UNIMPLEMENTED',
      'whole-path': 'sidecars and gateway lead the calls to the server, in HTTP/2 from end to end',
      'passed-gateway': 'while they were made, as much traffic under this SNI passed through the peer’s gateway',
    },
    needs: { ...sample.needs, hosts: [greeter], ownsCluster: true, reads: ['access log', 'counters'] },
    replaced: [replacements.sniRewrite],
  },
  async ({ client, server, step, claim }) => {
    const [sleep, pod, gateway] = await step('deploy', 'deploy sleep, and a gRPC server in the other cluster', () =>
      Promise.all([client.deploySleep(near), server.deployGreeter(far), server.ingressGateway()]),
    );
    await step('declare', 'make the service known to the peer’s gateway, and to the client', async () => {
      const port = { ...greeter.port, targetPort: greeterPort };
      const selector = { app: 'greeter' };
      await server.apply(exposedService({ ...greeter, namespace: far, name: 'greeter', port, selector }));
      await client.apply(sample.remote({ service: greeter, endpoints: [{ address: gateway.address }] }));
    });
    const workload = `${pod.address}:${greeterPort}`;
    const path = new RemotePath({ client: sleep, service: greeter, gateway, workload });
    await step('hold', 'wait until every proxy on the path holds the configuration', () => path.held());
    const greet = (): ReturnType<typeof sleep.curl> => sleep.curl(path.url(`${service}/Query`), greetingCall('world'));
    await step('call', 'call until the server answers', () => expect(greet).toEventuallyHaveStatus(200));

    const begun = new Date();
    const { value: calls, moved } = await path.watch(() =>
      sleep.curlTimes(10, path.url(`${service}/Query`), greetingCall('world')),
    );
    await claim('answered', () => {
      for (const call of calls) {
        expect(call).toHaveStatus(200);
        expect(call.body).toContain('hello-over-grpc');
        expect(grpcStatus(call)).toEqual({ code: 0, in: 'trailers' });
      }
    });
    await claim('refused', async () => {
      const call = await sleep.curl(path.url(`${service}/Nothing`), grpcCall());
      expect(call).toHaveStatus(200);
      expect(grpcStatus(call)).toEqual({ code: 12, in: 'headers' });
    });
    await claim('whole-path', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
      await expect(() => path.inGateway()).toEventuallyReachTheEnd();
      const dump = await sleep.proxy.configDump();
      expect(dump.speaksHttp2(outboundCluster(greeter.host, greeter.port.number))).toBe(true);
      const ids = calls.map(({ requestId }) => requestId);
      const received = await pod.proxy.accessLogOf(ids, begun);
      expect(received.map(({ protocol }) => protocol)).toEqual(ids.map(() => 'HTTP/2'));
    });
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic(calls.length);
    });
  },
);
