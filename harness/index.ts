/**
 * meshproof as a library: what a file of scenarios imports. Everything here is stable; what lies behind it is not.
 *
 * @packageDocumentation
 */
export { expect } from 'vitest';
export { defineConfig, type ConfigFile } from './config/define-config.ts';
export {
  scenario,
  type Needs,
  type PageStep,
  type Proven,
  type Replacement,
  type Scenario,
  type ScenarioContext,
  type ScenarioMeta,
  type Step,
} from './scenario/scenario.ts';
export { pageSample, RemoteSample } from './scenario/remote-sample.ts';
export type { SampleEntry, SampleNames, SampleRun } from './scenario/sample.ts';
export type { Connection, DeployedSample, EgressPath } from './scenario/deployed-sample.ts';
export { FailoverSample, type DeployedFailover } from './scenario/failover-sample.ts';
export { RemoteVersion } from './scenario/remote-version.ts';
export { underLoad, type LoadEvent, type LoadReport } from './scenario/under-load.ts';
export { RemotePath, type RemotePathOptions, type WatchedCalls } from './scenario/remote-path.ts';
export { rules, type Verdict } from './scenario/convergence.ts';
export type { convergingMatchers, meshMatchers } from './scenario/matchers.ts';
export type { ClusterDns } from './scenario/cluster-dns.ts';
export type { Containers } from './scenario/containers.ts';
export type { MeshCluster } from './scenario/mesh-cluster.ts';
export type { MeshLife } from './scenario/mesh-life.ts';
export type { Client, Gateway, Workload } from './scenario/workload.ts';

export type { KubernetesObject } from './cluster/kubernetes-object.ts';
export { greeter, greeterPort, hostnameFor, httpbin, injectedNamespace, sleep } from './cluster/workloads.ts';
export type { ServicePort } from './mesh/service-port.ts';
export {
  exposedService,
  localityFailover,
  mixedRoutes,
  outboundCluster,
  outboundSni,
  remoteService,
  subsets,
  versionRoutes,
  type ExposedService,
  type Failover,
  type MixedRoutes,
  type RemoteEndpoint,
  type RemoteService,
  type Subsets,
  type VersionRoutes,
} from './mesh/services.ts';
export { remoteServiceViaEgress, replacements, type GlobalService, type ViaEgress } from './mesh/profile.ts';
export type { DeclaredHost } from './mesh/collisions.ts';
export {
  checkDistinctAddresses,
  checkPortName,
  checkServiceAddress,
  type AddressedService,
  type Advice,
} from './mesh/service-rules.ts';

export { clientIdentity, type ClientIdentity, type CurlExchange, type CurlOptions } from './probe/curl.ts';
export { binomialBound, type Bound } from './probe/distribution.ts';
export type { CertificateView, ConfigDump, Endpoint, Rejection, UpstreamTls } from './probe/envoy/config-dump.ts';
export { upstreamsOf, watchFlow, type Moved } from './probe/flow.ts';
export { succeeded, type InARow, type Load, type LoadCall, type RunningLoad } from './probe/load.ts';
export { greetingCall, grpcCall, grpcStatus, type GrpcStatus } from './probe/grpc.ts';
export type { LoadWindow } from './probe/load-window.ts';
export type { PodContainer } from './probe/pod.ts';
export type { Carried, Proxy } from './probe/proxy.ts';
export type { HandshakeResult } from './probe/tls-client.ts';
export { traceGateway, traceOutbound, type GatewayQuestion, type Hop, type OutboundQuestion } from './probe/trace.ts';

export { MeshproofError, type ErrorDetails } from './errors/meshproof-error.ts';
