import type { Fault } from '../fault.ts';
import { destination, envoyFilter, host, networking, odd, olderEntry, system } from './made.ts';

/** The mesh's own objects: who routes, hides, refuses or redirects. */
export const clientFaults: readonly Fault[] = [
  {
    id: 'virtual-service-abort',
    breaks: 'a VirtualService aborts every call',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ fault: { abort: { httpStatus: 503, percentage: { value: 100 } } }, route: [destination] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
    kills: ['direct-sidecar: answers-200'],
  },
  {
    id: 'virtual-service-redirect',
    breaks: 'a VirtualService of another namespace redirects the call',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'istio-system', {
        hosts: [host],
        http: [{ redirect: { authority: 'elsewhere.example' } }],
      }),
    },
    cause: ['VirtualService istio-system/fault'],
  },
  {
    id: 'virtual-service-unknown-subset',
    breaks: 'a VirtualService sends the call to a subset that nobody defines',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ route: [{ destination: { host, subset: 'v9' } }] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'virtual-service-timeout',
    breaks: 'a VirtualService ends calls after a millisecond',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ timeout: '1ms', route: [destination] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'destination-rule-plain-text',
    breaks: 'a DestinationRule for the host switches mutual TLS off',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', { host, trafficPolicy: { tls: { mode: 'DISABLE' } } }),
    },
    cause: ['DestinationRule foo/fault'],
    kills: ['direct-sidecar: sidecar-path'],
  },
  {
    id: 'destination-rule-other-sni',
    breaks: 'a DestinationRule asks the gateway for another SNI',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', {
        host,
        trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: host } },
      }),
    },
    cause: ['DestinationRule foo/fault'],
    kills: ['direct-sidecar: sidecar-path'],
  },
  {
    id: 'destination-rule-other-identity',
    breaks: 'a DestinationRule accepts an identity that the server does not have',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', {
        host,
        trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: ['spiffe://cluster.local/ns/bar/sa/other'] } },
      }),
    },
    cause: ['DestinationRule foo/fault'],
  },
  {
    id: 'destination-rule-gone',
    breaks: 'the rule that asks for mutual TLS to *.global is gone',
    at: 'client',
    inject: { remove: system('destinationrules.networking.istio.io', 'istio-multicluster-global') },
    cause: ['DestinationRule istio-system/istio-multicluster-global'],
  },
  {
    id: 'sidecar-hides-everything',
    breaks: 'a Sidecar resource of the client’s namespace hides the remote service',
    at: 'client',
    inject: { add: odd(networking, 'Sidecar', 'foo', { egress: [{ hosts: ['istio-system/*'] }] }) },
    cause: ['Sidecar foo/fault'],
  },
  {
    id: 'second-service-entry',
    breaks: 'an older ServiceEntry of the client’s namespace leads the host elsewhere',
    at: 'client',
    inject: {
      add: olderEntry({ addresses: ['240.0.0.99'], endpoints: [{ address: '192.0.2.77' }] }),
    },
    cause: ['ServiceEntry foo/fault'],
  },
  {
    id: 'virtual-service-direct-response',
    breaks: 'a VirtualService answers every call itself',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', { hosts: [host], http: [{ directResponse: { status: 418 } }] }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'virtual-service-delay',
    breaks: 'a VirtualService holds every call back for half a minute',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ fault: { delay: { fixedDelay: '30s', percentage: { value: 100 } } }, route: [destination] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'virtual-service-rewrite',
    breaks: 'a VirtualService rewrites the path to one that nobody serves',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ rewrite: { uri: '/status/404' }, route: [destination] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'virtual-service-elsewhere',
    breaks: 'a VirtualService sends the call to another service',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ route: [{ destination: { host: 'sleep.foo.svc.cluster.local', port: { number: 80 } } }] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'virtual-service-half',
    breaks: 'a VirtualService sends half of the calls to a host that nobody declares',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [
          {
            route: [
              { ...destination, weight: 50 },
              { destination: { host: 'nobody.foo.global' }, weight: 50 },
            ],
          },
        ],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'destination-rule-simple-tls',
    breaks: 'a DestinationRule asks for TLS without a certificate of the client’s own',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', { host, trafficPolicy: { tls: { mode: 'SIMPLE' } } }),
    },
    cause: ['DestinationRule foo/fault'],
  },
  {
    id: 'destination-rule-of-all-global',
    breaks: 'a DestinationRule of the namespace for *.global replaces the one of the mesh, and asks for no TLS',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', {
        host: '*.global',
        trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } },
      }),
    },
    cause: ['DestinationRule foo/fault'],
  },
  {
    id: 'service-entry-external',
    breaks: 'an older ServiceEntry declares the host as outside of the mesh',
    at: 'client',
    inject: {
      add: olderEntry({ location: 'MESH_EXTERNAL', endpoints: [{ address: '192.0.2.78' }] }),
    },
    cause: ['ServiceEntry foo/fault'],
  },
  {
    id: 'sidecar-of-the-mesh',
    breaks: 'a Sidecar resource of the root namespace hides everything but the mesh itself',
    at: 'client',
    inject: { add: odd(networking, 'Sidecar', 'istio-system', { egress: [{ hosts: ['istio-system/*'] }] }) },
    cause: ['Sidecar istio-system/fault'],
  },
  {
    id: 'envoy-filter-removes-host',
    breaks: 'an EnvoyFilter takes the host’s virtual host away',
    at: 'client',
    inject: {
      add: envoyFilter('foo', {
        configPatches: [
          {
            applyTo: 'VIRTUAL_HOST',
            match: { context: 'SIDECAR_OUTBOUND', routeConfiguration: { vhost: { name: `${host}:8000` } } },
            patch: { operation: 'REMOVE' },
          },
        ],
      }),
    },
    cause: ['EnvoyFilter foo/fault'],
  },
  {
    id: 'injector-leaves-addresses-out',
    breaks: 'the injector’s values leave the addresses of .global services out of what new sidecars capture',
    at: 'client',
    inject: {
      edit: system('configmap', 'istio-sidecar-injector'),
      field: ['data', 'values'],
      from: '"excludeIPRanges": ""',
      to: '"excludeIPRanges": "240.0.0.0/4"',
    },
    restarts: [system('deployment', 'istiod')],
    cause: ['ConfigMap istio-system/istio-sidecar-injector'],
    noticedBy: ['tcp-service'],
  },
];
