import type { Middleware, RequestContext, ResponseContext } from '@kubernetes/client-node';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { isOwn } from './labels.ts';
import type { ClusterAddress } from './cluster-address.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

const bodySchema = z.looseObject({
  metadata: z
    .looseObject({
      uid: z.string().optional(),
      resourceVersion: z.string().optional(),
      labels: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  preconditions: z.looseObject({ uid: z.string().optional(), resourceVersion: z.string().optional() }).optional(),
});

/** Questions that the API takes as POST, and that write nothing. */
const question = /\/apis\/authorization\.k8s\.io\/[^/]+\/selfsubject\w+reviews$/;

const readsOnly = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Stands in front of every request to a cluster that meshproof did not make, whoever sends it. What may pass:
 *
 * - what only reads, and server-side dry runs;
 * - the creation of an object that carries meshproof's label and this owner's id, which an object that already exists
 *   refuses;
 * - a change or a deletion of exactly the version of an object (by UID and resourceVersion) that was seen to carry
 *   both. The API server refuses it when the object has changed hands since.
 *
 * Nothing of that is written before somebody agreed to it. So no code above can write unasked, or to what is somebody
 * else's, by mistake or by a race.
 */
export class WriteGuard implements Middleware {
  readonly #address: ClusterAddress;
  readonly #admitted = new Set<string>();

  constructor(address: ClusterAddress) {
    this.#address = address;
  }

  /** Notes a version of an object as the server has it; one that is this owner's may be written from then on. */
  saw({ metadata }: KubernetesObject): void {
    if (isOwn({ metadata }, this.#address.owner))
      this.#admitted.add(`${metadata.uid ?? ''} ${metadata.resourceVersion ?? ''}`);
  }

  /** @throws MeshproofError MP507 for a request that may not pass, MP508 for one that nobody agreed to. */
  async pre(context: RequestContext): Promise<RequestContext> {
    const method = context.getHttpMethod().toString();
    const url = new URL(context.getUrl());
    if (readsOnly.includes(method) || url.searchParams.get('dryRun') === 'All') return context;
    if (method === 'POST' && question.test(url.pathname)) return context;
    const { name, owner, agreed } = this.#address;
    if (agreed !== true)
      return await Promise.reject(
        new MeshproofError('MP508', { what: `${method} ${url.pathname} was not agreed to`, where: `cluster ${name}` }),
      );
    const { metadata, preconditions } = bodyOf(context);
    if (method === 'POST' && isOwn({ metadata: { labels: metadata?.labels } }, owner)) return context;
    const precondition = method === 'DELETE' ? preconditions : metadata;
    const version = `${precondition?.uid ?? ''} ${precondition?.resourceVersion ?? ''}`;
    if (method !== 'POST' && this.#admitted.has(version)) return context;
    return await Promise.reject(
      new MeshproofError('MP507', {
        what: `meshproof did not make what ${method} ${url.pathname} would write to`,
        where: `cluster ${name}, which meshproof did not make either`,
        expected: 'an object that carries meshproof’s label and this environment’s owner id',
        seen: 'one that does not, or that was never looked at; nothing was sent',
      }),
    );
  }

  post(context: ResponseContext): Promise<ResponseContext> {
    return Promise.resolve(context);
  }
}

function bodyOf(context: RequestContext): z.infer<typeof bodySchema> {
  const body = context.getBody();
  if (typeof body !== 'string' || body === '') return {};
  const parsed = bodySchema.safeParse(JSON.parse(body));
  return parsed.success ? parsed.data : {};
}
