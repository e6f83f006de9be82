import { RemoteSample } from '../../scenario/remote-sample.ts';
import type { Fault } from '../fault.ts';
import { answering, claimsOf, networking, odd } from './made.ts';

const sample = new RemoteSample('grpc');
const { client, server } = sample.namespaces;
const { host, address } = sample.another('greeter', sample.service.port);
const declared = { hosts: [host], location: 'MESH_INTERNAL', resolution: 'STATIC', addresses: [address] };
const asHttp = { name: 'http', number: 8000, protocol: 'HTTP' };
const noticedBy = ['grpc'];
const kills = (...keys: readonly string[]): string[] => claimsOf('grpc', ...keys);

/** What lets HTTP pass and loses what gRPC needs: HTTP/2 up to the server, and trailers. */
export const grpcFaults: readonly Fault[] = [
  {
    id: 'grpc-served-as-http',
    breaks: 'an older ServiceEntry at the server declares the gRPC port as HTTP: its sidecar speaks HTTP/1.1 to it',
    at: 'server',
    inject: {
      add: odd(networking, 'ServiceEntry', server, {
        ...declared,
        ports: [{ ...asHttp, targetPort: 5353 }],
        workloadSelector: { labels: { app: 'greeter' } },
      }),
    },
    cause: [`ServiceEntry ${server}/fault`],
    noticedBy,
    kills: kills('answered', 'refused'),
  },
  {
    id: 'grpc-declared-as-http',
    breaks: 'an older ServiceEntry at the client declares the gRPC port as HTTP: its sidecar speaks HTTP/1.1 then',
    at: 'client',
    inject: {
      add: odd(networking, 'ServiceEntry', client, {
        ...declared,
        ports: [asHttp],
        endpoints: [{ address: '{gateway}', ports: { http: 15443 } }],
      }),
    },
    cause: [`ServiceEntry ${client}/fault`],
    noticedBy,
    kills: kills('whole-path'),
  },
  {
    id: 'grpc-answered-by-itself',
    breaks: 'an EnvoyFilter makes the client’s sidecar answer every call by itself',
    at: 'client',
    inject: { add: answering(client) },
    cause: [`EnvoyFilter ${client}/fault`],
    noticedBy,
    kills: kills('passed-gateway'),
  },
];
