import { systemNamespace } from '../../mesh/operator.ts';
import type { FieldChange, ObjectChange } from '../changes.ts';
import { seenName, type SeenObject } from '../situation.ts';
import type { Layer } from './cause.ts';
import { listIn, recordIn, textIn, valueAt } from './reading.ts';

/** What an object does to traffic: the sentence, and the field that does it. */
export interface Meaning {
  readonly layer: Layer;
  readonly does: string;
  readonly field?: string | undefined;
}

type Reader = (object: SeenObject, fields: readonly FieldChange[]) => Omit<Meaning, 'layer'> | undefined;

/**
 * The layer that each kind belongs to, and how its fields are read. A kind that is not here is told by its name and
 * fields.
 */
const kinds: Readonly<Record<string, readonly [Layer, Reader?]>> = {
  Node: ['machine and network'],
  NetworkPolicy: ['machine and network', networkPolicy],
  Deployment: ['pods and images', deployment],
  DaemonSet: ['pods and images', deployment],
  StatefulSet: ['pods and images', deployment],
  ResourceQuota: ['pods and images', always('limits what the namespace may run', 'spec.hard')],
  LimitRange: ['pods and images', always('changes the resources that every new pod requests', 'spec.limits')],
  Namespace: ['pods and images', namespace],
  ServiceAccount: ['pods and images'],
  MutatingWebhookConfiguration: ['control plane', webhook],
  ValidatingWebhookConfiguration: ['control plane', webhook],
  ConfigMap: ['control plane', configMap],
  CustomResourceDefinition: [
    'control plane',
    always('defines a kind, and all objects of that kind with it', 'spec.versions'),
  ],
  ValidatingAdmissionPolicy: ['control plane', always('makes the API server refuse objects', 'spec.validations')],
  ValidatingAdmissionPolicyBinding: [
    'control plane',
    always('activates a rule that makes the API server refuse objects', 'spec'),
  ],
  APIService: ['control plane', always('determines which server handles an API group', 'spec')],
  PriorityClass: ['pods and images', always('determines which pods go when there is no room for all', 'value')],
  FlowSchema: ['control plane', always('determines how the API server queues whose requests', 'spec')],
  PriorityLevelConfiguration: [
    'control plane',
    always('limits how many requests the API server takes at once', 'spec'),
  ],
  HorizontalPodAutoscaler: ['pods and images', always('sets the number of pods of a workload', 'spec')],
  EndpointSlice: ['names and addresses', always('adds endpoints to a Service by hand', 'endpoints')],
  ClusterRole: ['control plane', always('changes what users and service accounts may do', 'rules')],
  ClusterRoleBinding: ['control plane', always('changes what users and service accounts may do', 'subjects')],
  Role: ['control plane', always('changes what users and service accounts may do', 'rules')],
  RoleBinding: ['control plane', always('changes what users and service accounts may do', 'subjects')],
  Service: ['names and addresses', service],
  IPAddressPool: ['names and addresses', always('determines which addresses load balancers get', 'spec.addresses')],
  L2Advertisement: ['names and addresses', always('determines which addresses are announced to the network', 'spec')],
  Secret: ['trust', secret],
  VirtualService: ['mesh objects', virtualService],
  DestinationRule: ['mesh objects', destinationRule],
  ServiceEntry: ['mesh objects', serviceEntry],
  WorkloadEntry: ['mesh objects', workloadEntry],
  Sidecar: ['mesh objects', sidecar],
  Gateway: ['mesh objects', gateway],
  PeerAuthentication: ['mesh objects', peerAuthentication],
  AuthorizationPolicy: ['mesh objects', authorizationPolicy],
  RequestAuthentication: ['mesh objects', always('rejects calls with a JWT that it does not accept', 'spec.jwtRules')],
  EnvoyFilter: ['mesh objects', envoyFilter],
  ProxyConfig: ['mesh objects', always('changes how the proxies that it selects start', 'spec')],
  Telemetry: ['mesh objects', always('changes what proxies record about calls', 'spec')],
  WasmPlugin: ['mesh objects', always('adds a program to the proxies that it selects', 'spec.url')],
  TrafficExtension: ['mesh objects', always('adds a program to the proxies that it selects', 'spec')],
};

/** The layer of a kind. */
export const layerOf = (kind: string): Layer => kinds[kind]?.[0] ?? 'mesh objects';

/** What an object as it is now does to traffic, by its own fields. */
export function meaningOf(object: SeenObject, fields: readonly FieldChange[] = []): Meaning {
  const [layer, reader] = kinds[object.kind] ?? ['mesh objects'];
  const read = reader?.(object, fields);
  return read === undefined
    ? { layer, does: 'could change how calls are handled', field: fields[0]?.field }
    : { layer, ...read };
}

/** A change as a sentence: what is other than it was, and what that does. */
export function meaningOfChange({ change, object, fields }: ObjectChange): Meaning {
  const { layer, does, field } = meaningOf(object, fields);
  switch (change) {
    case 'removed':
      return { layer, does: 'is gone: it existed when the mesh was ready, and the path needs it' };
    case 'added':
      return { layer, does: `did not exist when the mesh was ready: it ${does}`, field };
    case 'changed': {
      const [first] =
        fields.filter((one) => one.field === field).length > 0 ? fields.filter((one) => one.field === field) : fields;
      const others = fields.length > 1 ? `, and ${fields.length - 1} more fields` : '';
      const lines = first === undefined ? undefined : linesThatDiffer(first);
      const told =
        first === undefined
          ? ''
          : lines === undefined
            ? `${first.field} was ${shown(first.was)} and is now ${shown(first.is)}${others}`
            : `${first.field} has other lines: ${lines}${others}`;
      return { layer, does: `was changed: ${told}; it ${does}`, field: first?.field ?? field };
    }
  }
}

/** A change in short: "spec.replicas: 1 → 0"; of a text with lines, only those that differ. */
export const changeInShort = (change: FieldChange): string =>
  `${change.field}: ${linesThatDiffer(change) ?? `${shown(change.was)} → ${shown(change.is)}`}`;

/** The lines of a text that differ; undefined where it is none with lines. */
function linesThatDiffer(change: FieldChange): string | undefined {
  const lines = [change.was, change.is].some((value) => value?.includes('\n') === true) ? otherLines(change) : [];
  return lines.length === 0 ? undefined : lines.join(' | ');
}

const shown = (value: string | undefined): string =>
  value === undefined ? 'not set' : value.length > 120 ? `${value.slice(0, 120)}…` : value === '' ? '""' : value;

function always(does: string, field: string): Reader {
  return (_object, fields) => ({ does, field: fields[0]?.field ?? field });
}

function deployment(object: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const replicas = valueAt(object.body, 'spec.replicas');
  if (replicas === 0) return { does: 'runs no pods', field: 'spec.replicas' };
  const field = tellingField(fields) ?? 'spec.template';
  if (field.endsWith('image')) return { does: 'runs another image', field };
  if (/(env|args|command)/.test(field)) return { does: 'starts its program differently', field };
  if (/(labels|annotations)/.test(field)) return { does: 'gives its pods other labels or annotations', field };
  return { does: 'runs its pods differently', field };
}

/** Of several fields the one that says most: what the pods are, before how they are replaced. */
function tellingField(fields: readonly FieldChange[]): string | undefined {
  const rank = ({ field }: FieldChange): number => {
    if (/image$|command|args|(?<!\w)env/.test(field)) return 0;
    if (/template.*(annotations|Probe|labels)/.test(field)) return 1;
    if (field.includes('template')) return 2;
    return 3;
  };
  return [...fields].sort((left, right) => rank(left) - rank(right))[0]?.field;
}

/** Labels of a namespace by which a mesh knows it. */
const meshLabel = /labels\.(istio-injection|istio\.io\/|topology\.istio\.io\/)|deletionTimestamp/;

/** Whether a namespace changed in what makes it part of a mesh. */
export const hasMeshLabels = (fields: readonly FieldChange[]): boolean =>
  fields.some(({ field }) => meshLabel.test(field));

function namespace(object: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const field = fields.find((one) => meshLabel.test(one.field))?.field ?? fields[0]?.field;
  if (fields.length > 0 && !hasMeshLabels(fields))
    return { does: 'has other labels or annotations, by which selectors of others may find it', field };
  const injection = object.labels['istio-injection'] ?? object.labels['istio.io/rev'];
  return injection === undefined || injection === 'disabled'
    ? {
        does: 'does not enable sidecar injection, so new pods have no sidecar',
        field: field ?? 'metadata.labels.istio-injection',
      }
    : { does: 'sets with its labels which control plane and network its pods belong to', field };
}

function webhook(object: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const hooks = listIn(object.body, 'webhooks').map(recordIn);
  const dead = hooks.find((hook) => textIn(hook, 'failurePolicy') === 'Fail');
  const to = textIn(dead ?? hooks[0] ?? {}, 'clientConfig.service.name');
  const field = fields[0]?.field ?? 'webhooks';
  if (object.kind === 'MutatingWebhookConfiguration' && object.name.includes('inject'))
    return { does: 'determines which pods get a sidecar', field };
  return {
    does: `makes the API server ask ${to === '' ? 'another server' : `service ${to}`} before it accepts objects`,
    field,
  };
}

function configMap(object: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> | undefined {
  const field = fields[0]?.field ?? 'data';
  if (object.name === 'coredns' || object.name === 'kube-dns')
    return { does: 'determines how the cluster’s own DNS answers names', field };
  if (/^istio(-|$)/.test(object.name) && object.name !== 'istio-ca-root-cert') {
    if (object.name === 'istio-sidecar-injector') return { does: 'determines what every new sidecar is like', field };
    return { does: 'is the configuration of the whole mesh', field };
  }
  if (object.name === 'kube-proxy')
    return { does: 'determines how the nodes lead calls to Services, node ports and load balancers', field };
  if (object.name === 'istio-ca-root-cert')
    return { does: 'contains the root that new sidecars use to trust istiod', field };
  return undefined;
}

/** The lines of a text that are not in its other version. */
function otherLines({ was = '', is = '' }: Pick<FieldChange, 'was' | 'is'>): string[] {
  const [before, after] = [was.split('\n'), is.split('\n')];
  return [
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line.trim()}`),
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line.trim()}`),
  ].slice(0, 6);
}

function service(object: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const field = fields[0]?.field ?? 'spec';
  if (field.includes('selector')) return { does: 'selects other pods', field };
  if (field.includes('ports')) return { does: 'exposes other ports', field };
  if (/type|loadBalancer/.test(field)) return { does: 'is exposed differently', field };
  return { does: `determines where ${object.name}.${object.namespace ?? ''} leads`, field };
}

function secret(object: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> | undefined {
  const field = fields[0]?.field ?? 'data';
  return object.name === 'cacerts' || object.name === 'istio-ca-secret'
    ? { does: 'contains the CA that istiod uses to sign the identities of this cluster, and it is another CA', field }
    : undefined;
}

function networkPolicy(object: SeenObject): Omit<Meaning, 'layer'> {
  return {
    does: `allows only the connections in its rules to or from the pods that it selects in ${object.namespace ?? ''}`,
    field: 'spec',
  };
}

function virtualService({ body }: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const hosts = listIn(body, 'spec.hosts').join(', ');
  for (const [index, rule] of listIn(body, 'spec.http').map(recordIn).entries()) {
    const at = (field: string): string => `spec.http.${index}.${field}`;
    if (valueAt(rule, 'fault.abort') !== undefined)
      return { does: `aborts calls to ${hosts} on purpose`, field: at('fault.abort') };
    if (valueAt(rule, 'fault.delay') !== undefined)
      return { does: `delays calls to ${hosts} on purpose`, field: at('fault.delay') };
    if (valueAt(rule, 'directResponse') !== undefined)
      return { does: `answers calls to ${hosts} itself, so they never leave the sidecar`, field: at('directResponse') };
    if (valueAt(rule, 'redirect') !== undefined) return { does: `redirects calls to ${hosts}`, field: at('redirect') };
    if (valueAt(rule, 'rewrite') !== undefined)
      return { does: `rewrites the path or the authority of calls to ${hosts}`, field: at('rewrite') };
    if (valueAt(rule, 'timeout') !== undefined)
      return { does: `ends calls to ${hosts} after ${textIn(rule, 'timeout')}`, field: at('timeout') };
    const destinations = listIn(rule, 'route').map((one) => textIn(recordIn(one), 'destination.host'));
    const elsewhere = destinations.find((host) => host !== '' && !hosts.includes(host));
    if (elsewhere !== undefined) return { does: `sends calls to ${hosts} to ${elsewhere}`, field: at('route') };
    const subset = listIn(rule, 'route')
      .map((one) => textIn(recordIn(one), 'destination.subset'))
      .find((one) => one !== '');
    if (subset !== undefined) return { does: `sends calls to ${hosts} to the subset ${subset}`, field: at('route') };
  }
  return { does: `routes calls to ${hosts}`, field: fields[0]?.field ?? 'spec' };
}

function destinationRule({ body }: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const host = textIn(body, 'spec.host');
  const mode = textIn(body, 'spec.trafficPolicy.tls.mode');
  const policy = recordIn(valueAt(body, 'spec.trafficPolicy') ?? {});
  if (mode !== '' && mode !== 'ISTIO_MUTUAL')
    return {
      does: `makes calls to ${host} use tls mode ${mode} instead of Istio’s mutual TLS`,
      field: 'spec.trafficPolicy.tls.mode',
    };
  if (textIn(body, 'spec.trafficPolicy.tls.sni') !== '')
    return { does: `asks the gateway for another SNI for ${host}`, field: 'spec.trafficPolicy.tls.sni' };
  if (listIn(body, 'spec.trafficPolicy.tls.subjectAltNames').length > 0)
    return { does: `accepts only some identities behind ${host}`, field: 'spec.trafficPolicy.tls.subjectAltNames' };
  const ports = listIn(policy, 'portLevelSettings')
    .map(recordIn)
    .filter((one) => one['tls'] !== undefined);
  if (ports.length > 0)
    return {
      does: `sets TLS for single ports of ${host}: ${ports
        .map((one) => `${textIn(one, 'port.number')} ${textIn(one, 'tls.mode')}`)
        .join(', ')}`,
      field: 'spec.trafficPolicy.portLevelSettings',
    };
  if (policy['connectionPool'] !== undefined)
    return { does: `limits connections and requests to ${host}`, field: 'spec.trafficPolicy.connectionPool' };
  if (policy['outlierDetection'] !== undefined)
    return {
      does: `ejects endpoints of ${host} that answered with errors`,
      field: 'spec.trafficPolicy.outlierDetection',
    };
  if (mode === '')
    return {
      does: `is the rule for ${host} and sets no mutual TLS; it replaces the rule of the mesh that does`,
      field: 'spec.trafficPolicy.tls',
    };
  return { does: `determines how ${host} is called`, field: fields[0]?.field ?? 'spec' };
}

function serviceEntry({ body }: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const hosts = listIn(body, 'spec.hosts').join(', ');
  const field = fields[0]?.field;
  if (listIn(body, 'spec.exportTo').length > 0 && (field === undefined || field.includes('exportTo')))
    return {
      does: `declares ${hosts} only for the namespaces ${listIn(body, 'spec.exportTo').join(', ')}`,
      field: 'spec.exportTo',
    };
  if (textIn(body, 'spec.location') === 'MESH_EXTERNAL')
    // What answers for names that somebody else declares does it by its own name.
    return {
      does: `declares ${hosts} as outside the mesh`,
      field: hosts.includes('*') ? 'spec.hosts' : 'spec.location',
    };
  const endpoints = listIn(body, 'spec.endpoints').map((one) => textIn(recordIn(one), 'address'));
  return {
    does: `declares ${hosts}${endpoints.length === 0 ? '' : ` at ${endpoints.join(', ')}`}`,
    field: field ?? 'spec.hosts',
  };
}

function workloadEntry({ body }: SeenObject): Omit<Meaning, 'layer'> {
  return {
    does: `makes ${textIn(body, 'spec.address')} an endpoint of every service that selects its labels`,
    field: 'spec.address',
  };
}

function sidecar({ body, namespace: own = '' }: SeenObject): Omit<Meaning, 'layer'> {
  const egress = listIn(body, 'spec.egress').flatMap((one) => listIn(recordIn(one), 'hosts'));
  // Without a selector the one in the root namespace is for all that have none of their own.
  const forAll = own === systemNamespace && valueAt(body, 'spec.workloadSelector') === undefined;
  const which = forAll ? 'all sidecars of the mesh' : `the sidecars in ${own}`;
  return egress.length > 0
    ? { does: `limits ${which} to the hosts ${egress.join(', ')}`, field: 'spec.egress' }
    : { does: `changes what ${which} listen on`, field: 'spec' };
}

function gateway({ body }: SeenObject, fields: readonly FieldChange[]): Omit<Meaning, 'layer'> {
  const servers = listIn(body, 'spec.servers').map(recordIn);
  const told = servers
    .map(
      (server) =>
        `${textIn(server, 'port.number')} ${textIn(server, 'tls.mode')} for ${listIn(server, 'hosts').join(', ')}`,
    )
    .join('; ');
  const selector = Object.entries(recordIn(valueAt(body, 'spec.selector') ?? {})).map((pair) => pair.join('='));
  return {
    does: `makes the gateways with ${selector.join(', ')} listen on ${told}`,
    field: fields[0]?.field ?? 'spec.servers',
  };
}

/** Where rules of a namespace apply: those of the root namespace do everywhere (istio: `meshConfig.rootNamespace`). */
const scopeOf = ({ namespace = 'the mesh' }: SeenObject): string =>
  namespace === systemNamespace ? 'every namespace' : namespace;

function peerAuthentication(object: SeenObject): Omit<Meaning, 'layer'> {
  const { body } = object;
  const ports = valueAt(body, 'spec.portLevelMtls');
  const mode = textIn(body, 'spec.mtls.mode');
  return ports === undefined
    ? {
        does: `makes workloads in ${scopeOf(object)} use the mutual TLS mode ${mode || 'of their parent'}`,
        field: 'spec.mtls.mode',
      }
    : { does: `sets mutual TLS for single ports in ${scopeOf(object)}`, field: 'spec.portLevelMtls' };
}

function authorizationPolicy(object: SeenObject): Omit<Meaning, 'layer'> {
  const { body } = object;
  const own = scopeOf(object);
  const action = textIn(body, 'spec.action') || 'ALLOW';
  const rules = listIn(body, 'spec.rules');
  if (action === 'DENY') return { does: `denies calls in ${own} that match its rules`, field: 'spec.rules' };
  if (action === 'CUSTOM')
    return { does: `asks an external provider whether to allow calls in ${own}`, field: 'spec.provider' };
  return rules.length === 0
    ? { does: `allows nothing in ${own}: it has no rules`, field: 'spec' }
    : { does: `limits calls in ${own} to those that match its rules`, field: 'spec.rules' };
}

function envoyFilter({ body }: SeenObject): Omit<Meaning, 'layer'> {
  const patches = listIn(body, 'spec.configPatches').map(recordIn);
  const told = patches.map((patch) => `${textIn(patch, 'patch.operation')} ${textIn(patch, 'applyTo')}`).join(', ');
  return { does: `changes Envoy’s configuration directly, without Istio (${told})`, field: 'spec.configPatches' };
}

/** "VirtualService bar/httpbin does …": a cause in one sentence. */
export const sentence = (object: Pick<SeenObject, 'kind' | 'namespace' | 'name'>, does: string): string =>
  `${seenName(object)} ${does}`;
