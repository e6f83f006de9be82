import type { ErrorCode } from '../errors/catalogue.ts';
import { catalogue } from '../errors/catalogue.ts';
import { ask, hangUp, readyToAsk, retrying } from './http.ts';
import { HttpTrouble, statusTrouble } from './http-trouble.ts';
import { isLoopback, nearestTags, parseImage, Repository, type ImageReference } from './registry.ts';

/** What a run will fetch, by the addresses that it will be fetched from. */
export interface Wanted {
  readonly files: readonly { readonly id: string; readonly url: string }[];
  readonly images: readonly { readonly id: string; readonly name: string }[];
}

/** The way that the Docker daemon takes, which need not be this process's. */
export interface PullWay {
  readonly httpsProxy: string;
  readonly mirrors: readonly string[];
  readonly insecure: readonly string[];
  /** Where the daemon is, when it is not on this machine: its loopback address is another one then. */
  readonly elsewhere?: string | undefined;
  /** Asks for an image with the logins that docker has. */
  readonly hasWithLogin?: (name: string, insecure: boolean) => Promise<boolean>;
}

/** What a publisher said of one file or image. */
export interface PublisherAnswer {
  readonly id: string;
  readonly kind: 'file' | 'image';
  /** URL, or name of the image. */
  readonly asked: string;
  /** Host that was asked. */
  readonly host: string;
  /** `unknown`: it could not be asked from here, or said to come back later; fetching may succeed. */
  readonly state: 'there' | 'missing' | 'failed' | 'unknown';
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly remedy?: string;
  /** Tags that are there instead of a missing one. */
  readonly nearest?: readonly string[];
}

export interface PreflightOptions {
  readonly way: PullWay;
  /** Milliseconds for all questions together; they are asked side by side. */
  readonly within: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks each publisher for each file and each image, by HEAD: nothing is fetched. Never throws for what a publisher does
 * or does not say.
 */
export async function askPublishers({ files, images }: Wanted, options: PreflightOptions): Promise<PublisherAnswer[]> {
  if (files.length + images.length === 0) return [];
  await readyToAsk();
  const deadline = AbortSignal.timeout(options.within);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  try {
    const answers = await Promise.all([
      ...files.map(({ id, url }) => aboutFile(id, url, options.within, signal)),
      ...images.map(({ id, name }) => aboutImage(id, name, options, signal)),
    ]);
    options.signal?.throwIfAborted();
    return answers;
  } finally {
    // A connection that is still being made would keep the process from ending.
    await hangUp();
  }
}

async function aboutFile(id: string, url: string, within: number, signal: AbortSignal): Promise<PublisherAnswer> {
  const subject = { id, kind: 'file', asked: url, host: new URL(url).host } as const;
  return await judged(subject, within, signal, async () => {
    let response = await ask(url, { method: 'HEAD', signal });
    // Some servers know GET only; the first byte will do.
    if (response.status === 405 || response.status === 501)
      response = await ask(url, { headers: { range: 'bytes=0-0' }, signal });
    await response.body?.cancel();
    if (response.ok) return { ...subject, state: 'there' };
    if (response.status !== 404 && response.status !== 410) throw statusTrouble(response);
    return { ...subject, state: 'missing', ...trouble('MP310', `${url}: HTTP ${response.status}`) };
  });
}

async function aboutImage(
  id: string,
  name: string,
  { way, within }: PreflightOptions,
  signal: AbortSignal,
): Promise<PublisherAnswer> {
  const image = parseImage(name);
  const subject = { id, kind: 'image', asked: name, host: image.registry } as const;
  if (way.elsewhere !== undefined && isLoopback(image.registry))
    return {
      ...subject,
      state: 'unknown',
      message: `${image.registry} is a loopback address, and Docker is ${way.elsewhere}`,
    };
  const answer = await judged(subject, within, signal, async () => {
    const repository = new Repository(image, way.insecure, signal);
    if (await repository.hasImage()) return { ...subject, state: 'there' };
    const { message, nearest } = await instead(image, name, repository);
    return { ...subject, state: 'missing', nearest, ...trouble('MP311', message) };
  });
  if (answer.code === 'MP313') return await withLogin(answer, way);
  return answer.state === 'failed' ? byTheDaemonsWay(answer, image, way) : answer;
}

/** What there is instead of a missing image. */
async function instead(
  { repository: path, tag, digest }: ImageReference,
  name: string,
  repository: Repository,
): Promise<{ message: string; nearest: string[] }> {
  // That the image is missing is known; a registry that does not list its tags takes nothing from that.
  const tags = await repository.tags().catch((error: unknown) => {
    if (error instanceof HttpTrouble) return [];
    throw error;
  });
  const what = digest === undefined ? `there is no tag ${tag} of ${path}` : `there is no ${digest} of ${path}`;
  const nearest = nearestTags(tag, tags);
  const told =
    nearest.length > 0
      ? `; the nearest are ${nearest.join(', ')}`
      : tags.length > 0
        ? `; its tags are ${tags.slice(-5).join(', ')}`
        : '; its tags could not be listed';
  return { message: `${name}: ${what}${told}`, nearest };
}

/** A registry that refuses everybody may know this user: docker has the login, so docker asks. */
async function withLogin(answer: PublisherAnswer, way: PullWay): Promise<PublisherAnswer> {
  const { id, kind, asked, host } = answer;
  if ((await way.hasWithLogin?.(asked, isLoopback(host) || way.insecure.includes(host))) === true)
    return { id, kind, asked, host, state: 'there' };
  return {
    ...answer,
    message: `${host} asks for a login, or has no ${asked}`,
    remedy: `Check the name; then \`docker login ${host === 'registry-1.docker.io' ? '' : host}\``.trimEnd() + '.',
  };
}

/** The daemon pulls by a proxy or a mirror of its own, so that this process gets no answer says little. */
function byTheDaemonsWay(answer: PublisherAnswer, { registry }: ImageReference, way: PullWay): PublisherAnswer {
  const hub = registry === 'registry-1.docker.io';
  const own = way.httpsProxy === '' ? (hub ? way.mirrors[0] : undefined) : 'its own proxy';
  if (own === undefined) return answer;
  const { state: _state, ...rest } = answer;
  return {
    ...rest,
    state: 'unknown',
    message: `${answer.message ?? ''}; Docker pulls through ${own}, which was not asked`,
  };
}

async function judged(
  subject: Pick<PublisherAnswer, 'id' | 'kind' | 'asked' | 'host'>,
  within: number,
  signal: AbortSignal,
  attempt: () => Promise<PublisherAnswer>,
): Promise<PublisherAnswer> {
  // A hiccup must not end a run; what lasts longer than this is for the fetching to wait for.
  return await retrying({ within, signal, firstPause: 300, retries: 2 }, attempt).catch((error: unknown) => {
    const known =
      error instanceof HttpTrouble
        ? error
        : signal.aborted
          ? new HttpTrouble('MP317', 'no answer in time', true)
          : undefined;
    if (known === undefined) throw error;
    // 429 and 5xx are an answer: the publisher is there, and fetching is patient.
    const state = known.code === 'MP318' ? 'unknown' : 'failed';
    return { ...subject, state, ...trouble(known.code, `${subject.host}: ${known.message}`) };
  });
}

const trouble = (code: ErrorCode, message: string): Pick<PublisherAnswer, 'code' | 'message' | 'remedy'> => ({
  code,
  message,
  remedy: catalogue[code].remedy,
});
