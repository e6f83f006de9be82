import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { keyOf, placeOf, resources, type Place } from './resources.ts';

/** One request that the stand-in was sent. */
export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly status: number;
  /** The object as it was before, where the request is about one that was there. */
  readonly before: KubernetesObject | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Milliseconds for which the dependents of a deleted object are still there. */
const garbageStays = 300;

type Metadata = Record<string, unknown> & {
  uid?: string;
  resourceVersion?: string;
  labels?: Record<string, string>;
};

/**
 * A stand-in for a Kubernetes API server, for tests: it keeps objects, honours preconditions, refuses what a real one
 * refuses (a name that is taken, a version that has changed, a namespace that is not there), and records every request
 * that it is sent.
 */
export class ApiServer {
  readonly requests: Recorded[] = [];
  /** Called before a request is answered; what it returns is the answer. */
  intercept: ((method: string, path: string, body: unknown) => Answer | undefined) | undefined;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #version = 1;

  static async start(seed: readonly KubernetesObject[] = []): Promise<ApiServer> {
    const server = new ApiServer();
    for (const object of seed) server.put(object);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Puts an object there, as somebody else would. */
  put(object: KubernetesObject, manager = 'kubectl'): KubernetesObject {
    const { apiVersion, kind, metadata } = object;
    const stored = this.#stored(object, { manager, operation: 'Update' });
    this.#objects.set(keyOf({ apiVersion, kind }, metadata.namespace, metadata.name), stored);
    return stored;
  }

  /** Every object that is there now. */
  get objects(): readonly KubernetesObject[] {
    return [...this.#objects.values()];
  }

  /** Every request that writes, dry runs and questions left out. */
  get writes(): Recorded[] {
    return this.requests.filter(
      ({ method, path, query }) =>
        method !== 'GET' && query.get('dryRun') === null && !path.includes('/authorization.k8s.io/'),
    );
  }

  #stored(object: KubernetesObject, note: { readonly manager: string; readonly operation: string }): KubernetesObject {
    this.#version += 1;
    const metadata = {
      ...object.metadata,
      uid: object.metadata.uid ?? randomUUID(),
      resourceVersion: String(this.#version),
      managedFields: object.metadata.managedFields ?? [{ ...note, fieldsType: 'FieldsV1', fieldsV1: {} }],
    };
    const available = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    return object.kind === 'Deployment'
      ? { ...object, metadata: { ...metadata, generation: 1 }, status: available }
      : { ...object, metadata };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request;
    const url = new URL(request.url ?? '/', this.url);
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const place = placeOf(url.pathname);
    const before =
      place?.name === undefined ? undefined : this.#objects.get(keyOf(place.resource, place.namespace, place.name));
    const answer =
      this.intercept?.(method, url.pathname, body) ??
      this.#answer(method, url, body, place, request.headers['content-type'] ?? '');
    const { status } = answer;
    this.requests.push({ method, path: url.pathname, query: url.searchParams, body, status, before });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  }

  #answer(method: string, url: URL, body: unknown, place: Place | undefined, contentType: string): Answer {
    const { pathname } = url;
    if (pathname === '/version') return { status: 200, body: { major: '1', minor: '34', gitVersion: 'v1.34.4' } };
    if (pathname.endsWith('reviews')) return { status: 201, body: { ...(body as object), status: { allowed: true } } };
    if (place === undefined) return discovery(pathname);
    const { name } = place;
    if (name === undefined) return method === 'POST' ? this.#create(place, body, url) : this.#list(place, url);
    const found = this.#objects.get(keyOf(place.resource, place.namespace, name));
    if (method === 'PATCH' && found === undefined && contentType.includes('apply-patch'))
      return this.#create(place, body, url);
    if (found === undefined) return status(404, `${place.resource.plural} "${name}" not found`);
    switch (method) {
      case 'GET':
        return { status: 200, body: found };
      case 'DELETE':
        return this.#delete(place, found, body);
      default:
        return this.#change(place, found, body, url, contentType.includes('apply-patch'));
    }
  }

  #list({ resource, namespace }: Place, url: URL): Answer {
    const selector = (url.searchParams.get('labelSelector') ?? '').split(',').filter((term) => term !== '');
    const items = this.objects.filter(
      ({ apiVersion, kind, metadata }) =>
        apiVersion === resource.apiVersion &&
        kind === resource.kind &&
        (namespace === undefined || metadata.namespace === namespace) &&
        selector.every((term) => {
          const [key = '', value] = term.split('=');
          return key in (metadata.labels ?? {}) && (value === undefined || metadata.labels?.[key] === value);
        }),
    );
    const { apiVersion, kind } = resource;
    return { status: 200, body: { apiVersion, kind: `${kind}List`, metadata: { resourceVersion: '1' }, items } };
  }

  #create({ resource, namespace }: Place, body: unknown, url: URL): Answer {
    const object = body as KubernetesObject;
    const { apiVersion, kind } = resource;
    const key = keyOf(resource, namespace, object.metadata.name);
    if (this.#objects.has(key)) return status(409, `${resource.plural} "${object.metadata.name}" already exists`);
    if (
      namespace !== undefined &&
      !this.#objects.has(keyOf({ apiVersion: 'v1', kind: 'Namespace' }, undefined, namespace))
    )
      return status(404, `namespaces "${namespace}" not found`);
    if (object.metadata.uid !== undefined) return status(409, 'no object of this UID is there');
    const place = namespace === undefined ? {} : { namespace };
    const manager = url.searchParams.get('fieldManager') ?? 'unknown';
    const stored = this.#stored(
      { ...object, apiVersion, kind, metadata: { ...object.metadata, ...place } },
      { manager, operation: 'Update' },
    );
    if (url.searchParams.get('dryRun') === null) {
      this.#objects.set(key, stored);
      if (stored.kind === 'Deployment') this.put(podOf(stored), 'kube-controller-manager');
    }
    return { status: 201, body: stored };
  }

  #change(
    { resource, namespace, name = '' }: Place,
    found: KubernetesObject,
    body: unknown,
    url: URL,
    applied: boolean,
  ): Answer {
    const change = body as { readonly metadata?: Metadata };
    const refused = conflict(found, change.metadata ?? {});
    if (refused !== undefined) return refused;
    const force = url.searchParams.get('force') === 'true';
    if (
      applied &&
      !force &&
      !found.metadata.managedFields?.every(({ manager }) => manager === url.searchParams.get('fieldManager'))
    )
      return status(
        409,
        `Apply failed with 1 conflict: conflict with "${found.metadata.managedFields?.[0]?.manager ?? ''}"`,
      );
    const { labels, annotations, ...metadata } = change.metadata ?? {};
    const stored = this.#stored(
      {
        ...found,
        ...(change as object),
        metadata: {
          ...found.metadata,
          ...metadata,
          labels: { ...found.metadata.labels, ...labels },
          annotations: { ...found.metadata.annotations, ...(annotations as Record<string, string> | undefined) },
        },
      },
      { manager: url.searchParams.get('fieldManager') ?? 'unknown', operation: 'Update' },
    );
    if (url.searchParams.get('dryRun') === null) this.#objects.set(keyOf(resource, namespace, name), stored);
    return { status: 200, body: stored };
  }

  /** Removes what belonged to an object that is gone. */
  #collect(owner: string): void {
    for (const [key, { metadata }] of this.#objects)
      if (metadata.ownerReferences?.some(({ uid }) => uid === owner)) {
        this.#objects.delete(key);
        this.#collect(metadata.uid ?? '');
      }
  }

  /** A namespace takes with it whatever is in it. */
  #delete({ resource, namespace, name = '' }: Place, found: KubernetesObject, body: unknown): Answer {
    const { preconditions = {} } = (body ?? {}) as { readonly preconditions?: Metadata };
    const refused = conflict(found, preconditions);
    if (refused !== undefined) return refused;
    this.#objects.delete(keyOf(resource, namespace, name));
    if (resource.kind === 'Namespace')
      for (const [key, { metadata }] of this.#objects) if (metadata.namespace === name) this.#objects.delete(key);
    // The garbage collector comes later, as a real one does.
    setTimeout(() => {
      this.#collect(found.metadata.uid ?? '');
    }, garbageStays).unref();
    return { status: 200, body: { apiVersion: 'v1', kind: 'Status', status: 'Success' } };
  }
}

/** The pod that a deployment's controllers would start, ready at once, with a sidecar. */
export function podOf({ metadata, spec }: KubernetesObject): KubernetesObject {
  const { template } = spec as {
    readonly template: { readonly metadata?: { readonly labels?: Record<string, string> } };
  };
  const { namespace } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${metadata.name}-0`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: template.metadata?.labels ?? {},
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name, uid: metadata.uid ?? '' }],
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.9',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'istio-proxy', ready: true, restartCount: 0, image: '', imageID: '' }],
    },
  };
}

/** An object that is no longer the one that was meant. */
function conflict({ metadata }: KubernetesObject, wanted: Metadata): Answer | undefined {
  const changed =
    (wanted.uid !== undefined && wanted.uid !== metadata.uid) ||
    (wanted.resourceVersion !== undefined && wanted.resourceVersion !== metadata.resourceVersion);
  return changed
    ? status(409, 'the object has been modified; please apply your changes to the latest version')
    : undefined;
}

export const status = (code: number, message: string): Answer => ({
  status: code,
  body: { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, message },
});

function discovery(path: string): Answer {
  const groups = [...new Set(resources.map(({ apiVersion }) => apiVersion))].filter((one) => one.includes('/'));
  if (path === '/api') return { status: 200, body: { kind: 'APIVersions', versions: ['v1'] } };
  if (path === '/apis') {
    const listed = groups.map((groupVersion) => {
      const [name = '', version = ''] = groupVersion.split('/');
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
    });
    return { status: 200, body: { kind: 'APIGroupList', apiVersion: 'v1', groups: listed } };
  }
  const groupVersion = path.replace(/^\/apis?\//, '');
  const served = resources.filter(({ apiVersion }) => apiVersion === groupVersion);
  if (served.length === 0) return status(404, 'the server could not find the requested resource');
  const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
  return {
    status: 200,
    body: {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion,
      resources: served.map(({ plural, kind, namespaced }) => ({
        name: plural,
        singularName: '',
        kind,
        namespaced,
        verbs,
      })),
    },
  };
}
