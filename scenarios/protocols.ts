import { expect, outboundCluster, RemoteSample, replacements, scenario } from '../harness/index.ts';

const sample = new RemoteSample('protocols');
const http2 = sample.another('httpbin-http2', { name: 'http2', number: 8001, protocol: 'HTTP2' });
const grpc = sample.another('httpbin-grpc', { name: 'grpc', number: 8002, protocol: 'GRPC' });
const order = { number: 7, city: 'Zürich' };
const body = JSON.stringify(order);
const json = { 'content-type': 'application/json' };

/**
 * Walkthrough: "Configure the example services" names HTTP only, and meshes carry more. The gateway passes TLS on and
 * looks at nothing inside, so whatever the two sidecars speak must arrive as it was sent.
 */
export default scenario(
  {
    id: 'protocols',
    section: 'Configure the example services › any port and any protocol',
    claims: {
      post: 'a POST arrives with its body, byte by byte',
      'http2-answers': 'a client that speaks HTTP/2 is answered in HTTP/2, on a port declared as HTTP2 and as GRPC',
      'http2-between-sidecars': 'for these ports the sidecars speak HTTP/2 to each other, through the gateway',
    },
    needs: { ...sample.needs, hosts: [sample.service, http2, grpc], reads: ['access log'] },
    replaced: [replacements.sniRewrite],
  },
  async (run) => {
    const { claim } = run;
    const { sleep, httpbin, connect } = await sample.deploy(run);
    const path = await connect();
    // httpbin itself speaks HTTP/1.1: its own sidecar is told so, and turns one into the other.
    const paths = [
      await connect({ other: { name: 'http2', service: http2, served: 'HTTP' } }),
      await connect({ other: { name: 'grpc', service: grpc, served: 'HTTP' } }),
    ];
    await claim('post', async () => {
      const posted = (): ReturnType<typeof sleep.curl> => sleep.curl(path.url('/post'), { data: body, headers: json });
      await expect(posted).toEventuallyHaveStatus(200);
      expect(JSON.parse((await posted()).body)).toMatchObject({ data: body, json: order });
    });

    const begun = new Date();
    const ids: string[] = [];
    await claim('http2-answers', async () => {
      for (const declared of paths) {
        const call = (): ReturnType<typeof sleep.curl> => sleep.curl(declared.url('/headers'), { http2: true });
        await expect(call).toEventuallyHaveStatus(200);
        const reply = await call();
        expect(reply).toHaveStatus(200);
        expect(reply.statusLine).toMatch(/^HTTP\/2 /);
        ids.push(reply.requestId);
      }
    });
    await claim('http2-between-sidecars', async () => {
      const dump = await sleep.proxy.configDump();
      for (const { host, port } of [http2, grpc])
        expect(dump.speaksHttp2(outboundCluster(host, port.number)), host).toBe(true);
      expect(ids).toHaveLength(2);
      const received = await httpbin.proxy.accessLogOf(ids, begun);
      expect(received.map(({ protocol }) => protocol)).toEqual(ids.map(() => 'HTTP/2'));
    });
  },
);
