import type { Engine } from '../environment/engine.ts';
import { placeOf } from './machine.ts';
import type { Problem } from './problem.ts';
import type { Config } from '../config/config.ts';
import { catalogue } from '../errors/catalogue.ts';
import { isThere } from '../toolchain/images/release-images.ts';
import { imageByDigest, mirroredImage, mirroredUrl } from '../toolchain/mirror.ts';
import { askPublishers, type PublisherAnswer, type PullWay, type Wanted } from '../toolchain/preflight.ts';
import { publishedFor } from '../toolchain/published.ts';
import { releaseChoice, type Selection } from '../toolchain/selection.ts';
import type { RecipeState } from '../toolchain/toolchain.ts';

export interface PublishersQuestion {
  readonly config: Config;
  /** Undefined where there is no usable engine. */
  readonly engine: Engine | undefined;
  readonly selection: Selection;
  readonly states: readonly RecipeState[];
  readonly nodeImageIsThere: boolean;
  /** Milliseconds for all publishers together. */
  readonly within: number;
  readonly signal?: AbortSignal | undefined;
}

export interface PublishersReport {
  readonly answers: readonly PublisherAnswer[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Asks the publishers for what a run will fetch: not for what the cache and the daemon have. */
export async function examinePublishers(question: PublishersQuestion): Promise<PublishersReport> {
  const { engine, within, signal, config, selection } = question;
  const wanted = await stillToFetch(question);
  const way = await pullWay(engine, within);
  const answers = await askPublishers(wanted, { way, within, signal });
  // What is compiled is one mesh and one Kubernetes; who wants another one has no such choice.
  const couldCompile =
    config.toolchain === 'auto' && selection.mesh.kind === 'pinned' && config.kubernetes === undefined;
  const compile = couldCompile ? ' Or choose to compile everything: `--toolchain source`.' : '';
  const told = (answer: PublisherAnswer): Problem | undefined =>
    answer.code === undefined || answer.message === undefined
      ? undefined
      : { code: answer.code, message: answer.message, remedy: answer.remedy ?? catalogue[answer.code].remedy };
  const of = (...states: readonly PublisherAnswer['state'][]): Problem[] =>
    together(
      answers.filter(({ state }) => states.includes(state)).map((answer) => ({ answer, problem: told(answer) })),
    );
  return {
    answers,
    problems: [
      ...of('missing', 'failed').map((problem) => ({ ...problem, remedy: `${problem.remedy}${compile}` })),
      ...unpinned(wanted, config),
    ],
    warnings: [...of('unknown'), ...proxyWarning(wanted, engine)],
  };
}

/** What would be taken from a mirror without a hash that the mirror did not bring itself. */
function unpinned({ files, images }: StillToFetch, { mirror }: Config): Problem[] {
  const from = [
    ...(mirror?.files === undefined ? [] : files.filter(({ pinned }) => !pinned)),
    ...(mirror?.images === undefined ? [] : images.filter(({ pinned }) => !pinned)),
  ];
  return from.map(({ publishedAs }) => ({
    code: 'MP306',
    message: `no SHA-256 is known for ${publishedAs}, so a mirror of it cannot be checked`,
    remedy: catalogue.MP306.remedy,
  }));
}

/** What happened to many at one host is reported once. */
function together(
  found: readonly { readonly answer: PublisherAnswer; readonly problem: Problem | undefined }[],
): Problem[] {
  const groups = new Map<string, { readonly problem: Problem; readonly ids: string[] }>();
  for (const { answer, problem } of found) {
    if (problem === undefined) continue;
    const key = `${problem.code} ${problem.message}`;
    const group = groups.get(key) ?? { problem, ids: [] };
    group.ids.push(answer.id);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ problem, ids }) => ({
    ...problem,
    message: `${problem.message} (needed for ${ids.join(', ')})`,
  }));
}

interface Published {
  /** URL, or name of the image, that its publisher gave it. */
  readonly publishedAs: string;
  readonly pinned: boolean;
}
interface StillToFetch extends Wanted {
  readonly files: readonly (Wanted['files'][number] & Published)[];
  readonly images: readonly (Wanted['images'][number] & Published)[];
}

async function stillToFetch({
  config,
  engine,
  selection,
  states,
  nodeImageIsThere,
}: PublishersQuestion): Promise<StillToFetch> {
  const { mirror } = config;
  if (selection.edition !== 'release') return { files: [], images: [] };
  const files = states.flatMap(({ recipe, artifact }) => {
    if (artifact !== undefined || recipe.from !== 'release') return [];
    const { id, url, sha256, checksumUrl } = recipe;
    const file = { id, url: mirroredUrl(url, mirror), publishedAs: url, pinned: sha256 !== undefined };
    // A mirror’s checksum file is not taken, so it is not asked for either.
    return sha256 !== undefined || checksumUrl === undefined || mirror?.files !== undefined
      ? [file]
      : [file, { ...file, id: `${id} checksum`, url: checksumUrl }];
  });
  // The private daemon may be asleep, and has its images from elsewhere.
  if (engine?.kind === 'lab' || nodeImageIsThere) return { files, images: [] };
  const images = await Promise.all(
    publishedFor(releaseChoice(selection)).images.map(async (image) => {
      if (engine !== undefined && (await isThere(image, engine.docker))) return [];
      const there = mirroredImage(image.name, mirror);
      // The tag stays in the name: it says what to look for when the digest is not there.
      const name = image.digest === undefined ? there : `${there}@${image.digest}`;
      return [{ id: image.id, name, publishedAs: image.name, pinned: image.digest !== undefined }];
    }),
  );
  return { files, images: images.flat() };
}

async function pullWay(engine: Engine | undefined, within: number): Promise<PullWay> {
  if (engine?.kind !== 'user') return { httpsProxy: '', mirrors: [], insecure: [] };
  const { docker, daemon } = engine;
  const { httpsProxy, mirrors, insecure } = daemon;
  return {
    httpsProxy,
    mirrors,
    insecure,
    elsewhere: await placeOf(daemon),
    hasWithLogin: (name, plain) => docker.hasPublished(withoutTag(name), plain, within),
  };
}

/** docker takes a tag or a digest here, not both. */
function withoutTag(name: string): string {
  const [tagged = '', digest] = name.split('@');
  return digest === undefined ? name : imageByDigest(tagged, digest);
}

/** Docker does not read this process's HTTPS_PROXY: it needs a proxy of its own. */
function proxyWarning({ images }: Wanted, engine: Engine | undefined): Problem[] {
  const proxy = process.env['https_proxy'] ?? process.env['HTTPS_PROXY'] ?? '';
  if (engine?.kind !== 'user' || images.length === 0 || proxy === '' || engine.daemon.httpsProxy !== '') return [];
  return [
    {
      code: 'MP319',
      message: 'HTTPS_PROXY is set here, and `docker info` shows no HTTPS Proxy: images are pulled without it',
      remedy: catalogue.MP319.remedy,
    },
  ];
}
