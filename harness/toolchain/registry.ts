import type { Response } from 'undici';
import ipaddr from 'ipaddr.js';
import { ask, textOf } from './http.ts';
import { HttpTrouble, statusTrouble } from './http-trouble.ts';

/** An image name taken apart, as docker reads it. */
export interface ImageReference {
  /** Host, with a port if it has one: `registry-1.docker.io` for Docker Hub. */
  readonly registry: string;
  /** `library/alpine`, `istio/pilot`. */
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | undefined;
}

/**
 * Takes an image name apart: `istio/pilot:1.31.0`, `quay.io/metallb/speaker@sha256:…`, `localhost:5000/a/b:c@sha256:…`.
 */
export function parseImage(name: string): ImageReference {
  const [whole = '', digest] = name.split('@');
  const slash = whole.indexOf('/');
  const first = whole.slice(0, Math.max(slash, 0));
  const named = slash > 0 && (/[.:]/.test(first) || first === 'localhost');
  const rest = named ? whole.slice(slash + 1) : whole;
  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const hub = !named || /^(index\.)?docker\.io$/.test(first);
  return {
    registry: hub ? 'registry-1.docker.io' : first,
    repository: hub && !path.includes('/') ? `library/${path}` : path,
    tag: colon < 0 ? 'latest' : rest.slice(colon + 1),
    digest,
  };
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * One repository of a registry, asked without a login: HTTP API v2 with the tokens that registries give to everybody.
 */
export class Repository {
  readonly #image: ImageReference;
  readonly #schemes: readonly ('https' | 'http')[];
  readonly #signal: AbortSignal;
  #scheme: 'https' | 'http' | undefined;
  #token: string | undefined;

  /** @param insecure registries and networks that docker speaks to without TLS */
  constructor(image: ImageReference, insecure: readonly string[], signal: AbortSignal) {
    this.#image = image;
    this.#schemes = isInsecure(image.registry, insecure) ? ['https', 'http'] : ['https'];
    this.#signal = signal;
  }

  /**
   * Whether the image is there.
   *
   * @throws HttpTrouble when the registry does not answer, or not without a login (MP313)
   */
  async hasImage(): Promise<boolean> {
    const { digest, tag } = this.#image;
    const path = `manifests/${digest ?? tag}`;
    let response = await this.#ask(path, 'HEAD');
    if (response.status === 405) response = await this.#ask(path, 'GET');
    await response.body?.cancel();
    if (response.ok) return true;
    if (response.status === 404) return false;
    throw statusTrouble(response);
  }

  /** All tags, as far as they can be listed before the signal ends. */
  async tags(): Promise<string[]> {
    const tags: string[] = [];
    let path: string | undefined = 'tags/list?n=10000';
    while (path !== undefined) {
      const response: Response = await this.#ask(path, 'GET');
      if (!response.ok) break;
      const { tags: page } = JSON.parse(await textOf(response, this.#signal)) as { tags?: string[] | null };
      tags.push(...(page ?? []));
      // The next page is named in a header, relative to the registry.
      const next = /<([^>]+)>;\s*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1];
      path = next === undefined ? undefined : /tags\/list.*$/.exec(next)?.[0];
    }
    return tags;
  }

  async #ask(path: string, method: 'GET' | 'HEAD'): Promise<Response> {
    const response = await this.#send(path, method);
    if (response.status !== 401 || this.#token !== undefined) return response;
    const realm = await this.#fetchToken(response.headers.get('www-authenticate') ?? '');
    await response.body?.cancel();
    return realm === undefined ? response : await this.#send(path, method);
  }

  async #send(path: string, method: 'GET' | 'HEAD'): Promise<Response> {
    const headers = {
      accept: manifestTypes,
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
    };
    const { registry, repository } = this.#image;
    const schemes = this.#scheme === undefined ? this.#schemes : [this.#scheme];
    let refused: unknown;
    for (const scheme of schemes) {
      try {
        const url = `${scheme}://${registry}/v2/${repository}/${path}`;
        const response = await ask(url, { method, headers, signal: this.#signal });
        this.#scheme = scheme;
        return response;
      } catch (error) {
        refused = error;
      }
    }
    throw refused;
  }

  /**
   * Gets a token for nobody in particular. @returns undefined when the registry gives none, or knows passwords only.
   */
  async #fetchToken(challenge: string): Promise<string | undefined> {
    if (!/^bearer\s/i.test(challenge)) return undefined;
    const fields = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    );
    if (fields['realm'] === undefined || !URL.canParse(fields['realm']))
      throw new HttpTrouble('MP313', 'the registry asks for a login, and does not say where', false);
    const url = new URL(fields['realm']);
    if (fields['service'] !== undefined) url.searchParams.set('service', fields['service']);
    url.searchParams.set('scope', fields['scope'] ?? `repository:${this.#image.repository}:pull`);
    const response = await ask(url.href, { signal: this.#signal });
    if (!response.ok) {
      await response.body?.cancel();
      if ([400, 401, 403, 404].includes(response.status)) return undefined;
      throw statusTrouble(response);
    }
    const { token, access_token: access } = JSON.parse(await textOf(response, this.#signal)) as Record<string, unknown>;
    const given = token ?? access;
    this.#token = typeof given === 'string' ? given : undefined;
    return this.#token;
  }
}

/** True for a registry that docker speaks to without TLS: on loopback, or named so to the daemon. */
function isInsecure(registry: string, insecure: readonly string[]): boolean {
  const host = registry.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (host === 'localhost' || insecure.includes(registry) || insecure.includes(host)) return true;
  if (!ipaddr.isValid(host)) return false;
  const address = ipaddr.parse(host);
  return ['127.0.0.0/8', '::1/128', ...insecure].some((range) => {
    if (!ipaddr.isValidCIDR(range)) return false;
    const network = ipaddr.parseCIDR(range);
    return network[0].kind() === address.kind() && address.match(network);
  });
}

/** True for a registry on this machine’s own loopback address. */
export const isLoopback = (registry: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(registry);

/** The tags that come nearest to a version: the same one written differently, then by patch, minor and major. */
export function nearestTags(wanted: string, tags: readonly string[], count = 3): string[] {
  const target = versionOf(wanted);
  if (target === undefined) return [];
  const distance = (tag: string): number[] => {
    const version = versionOf(tag);
    if (version === undefined) return [Number.POSITIVE_INFINITY];
    return [
      // Another variant (…-distroless, …-rc.1) is farther than any version of the same kind.
      version.suffix === target.suffix ? 0 : 1,
      ...version.numbers.map((number, index) => Math.abs(number - (target.numbers[index] ?? 0))),
    ];
  };
  const compare = (left: readonly number[], right: readonly number[]): number =>
    left.map((number, index) => number - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
  return tags
    .map((tag) => ({ tag, away: distance(tag) }))
    .filter(({ away: [first] }) => first !== Number.POSITIVE_INFINITY)
    .sort((left, right) => compare(left.away, right.away) || right.tag.localeCompare(left.tag, 'en', { numeric: true }))
    .slice(0, count)
    .map(({ tag }) => tag);
}

function versionOf(tag: string): { readonly numbers: readonly number[]; readonly suffix: string } | undefined {
  const found = /^v?(\d+)\.(\d+)(?:\.(\d+))?(-[\w.-]+)?$/.exec(tag);
  if (found === null) return undefined;
  const [, major, minor, patch = '0', suffix = ''] = found;
  return { numbers: [major, minor, patch].map(Number), suffix };
}
