import { mkdir, statfs } from 'node:fs/promises';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { ensureLab, labSocket } from '../lab/lab.ts';
import { labNamespacePath } from '../lab/network-namespace.ts';
import { findProgram } from '../process/find-program.ts';
import type { Progress } from '../progress/progress.ts';
import type { Environment } from '../scenario/environment.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import type { Docker } from '../toolchain/docker.ts';
import { chooseEdition } from '../toolchain/edition.ts';
import { defaultKubernetes } from '../toolchain/manifest.ts';
import { parseMesh } from '../toolchain/mesh-choice.ts';
import { publishedWorkloads } from '../toolchain/images/release-images.ts';
import { resolveImages } from '../toolchain/images/resolve-images.ts';
import { recipesOf, resolveToolchain, surveyCache, type RecipeState, type Selection } from '../toolchain/toolchain.ts';
import type { Config } from './config.ts';
import { writesOf, type Agree } from './consent.ts';
import { existingProvider } from './existing-provider.ts';
import { chooseEngine } from './engine.ts';
import type { Plan } from './plan.ts';
import type { RunRecord } from './run-record.ts';
import { listScenarios } from './scenario-files.ts';
import { labUser } from './tear-down.ts';

/** Images, and what two clusters write while they run. */
const runtimeBytes = 6_000_000_000;

export interface PrepareOptions {
  readonly config: Config;
  readonly record: RunRecord;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly only: readonly string[] | undefined;
  readonly reuse: boolean;
  readonly shuffle: number | undefined;
  readonly keep: boolean;
  /** The kept environment that is used again. */
  readonly kept: Environment | undefined;
  readonly agree: Agree;
}

/**
 * Everything before the first cluster: the engine, the toolchain, the private daemon where one is needed, and the images.
 *
 * @throws MeshproofError MP201 without an engine, MP202 without the disk, MP3xx for components, MP4xx for the lab.
 */
export async function prepare(options: PrepareOptions): Promise<Plan> {
  const { config, record, progress, signal } = options;
  if (config.provider === 'existing') return await planForExisting(options);
  const cache = ArtifactCache.default();
  const engine = await chooseEngine(config.engine);
  const lab = engine.kind === 'lab';
  const { mirror } = config;
  const selection = await select(config, engine.kind);
  await checkDisk(cache, selection);
  const toolchain = await record.phase('toolchain', () =>
    resolveToolchain({ selection, mirror, cache, progress, signal }),
  );
  await record.save({
    versions: { kubernetes: toolchain.kubernetesVersion, istio: toolchain.istioVersion, edition: toolchain.edition },
  });

  let docker: Docker;
  if (engine.kind === 'user') docker = engine.docker;
  else {
    const note = (text: string): void => {
      progress.note(text);
    };
    docker = await record.phase('daemon', () => ensureLab(toolchain, cache, labUser(config.name), { signal, note }));
  }
  const images = await record.phase('images', () =>
    resolveImages({ toolchain, docker, cache, mirror, progress, signal }),
  );
  return {
    config,
    runFolder: record.folder,
    toolchain,
    images,
    lab: lab ? { dockerHost: labSocket, namespacePath: labNamespacePath } : undefined,
    docker: docker.program,
    only: options.only,
    reuse: options.reuse,
    shuffle: options.shuffle,
    keep: options.keep,
    agreed: [],
  };
}

/**
 * What a config means on this machine.
 *
 * @throws MeshproofError MP103, MP305 for a mesh that there is not.
 */
export async function select(config: Config, engine: 'user' | 'lab'): Promise<Selection> {
  const mesh = await parseMesh(config.mesh);
  const edition = await chooseEdition({ wanted: config.toolchain, engine, mesh, mirror: config.mirror });
  const kubernetes = config.kubernetes ?? defaultKubernetes(edition);
  return { edition, mesh, kubernetes, lab: engine === 'lab', pins: config.mirror?.pins };
}

/**
 * For clusters that the user has, nothing is built: they are asked first, and the programs are those on the PATH. Workloads run from
 * published images, which those clusters pull.
 *
 * @throws MeshproofError MP504 when a context does not answer, MP508 when nobody agrees, MP203 without kubectl.
 */
async function planForExisting(options: PrepareOptions): Promise<Plan> {
  const { config, record } = options;
  const { workloads = {} } = config;
  const provider = await existingProvider(config);
  await provider.check();
  // The addresses that are written to: those of the kept environment, where one is used again. `up` plays nothing, and writes nothing.
  const targets = (options.kept?.clusters ?? provider.addresses).filter(({ foreign }) => foreign === true);
  const scenarios = await listScenarios(options.only);
  const agreed = scenarios.length === 0 ? [] : targets;
  await options.agree(writesOf(scenarios, agreed));
  const kubectl = await findProgram('kubectl');
  if (kubectl === undefined)
    throw new MeshproofError('MP203', {
      what: 'kubectl is not on the PATH',
      remedy: 'Install kubectl; probes run through `kubectl exec`.',
    });
  const paths = { kubectl, istioctl: (await findProgram('istioctl')) ?? '', kind: '' };
  return {
    config,
    runFolder: record.folder,
    toolchain: {
      edition: 'release',
      paths,
      keys: {},
      istioVersion: 'as installed',
      istioSeries: '',
      kubernetesVersion: 'as installed',
    },
    images: {
      ...publishedWorkloads,
      curl: workloads.curl ?? publishedWorkloads.curl,
      httpbin: {
        image: workloads.httpbin ?? publishedWorkloads.httpbin.image,
        port: workloads.httpbinPort ?? publishedWorkloads.httpbin.port,
      },
    },
    lab: undefined,
    docker: '',
    only: options.only,
    reuse: options.reuse,
    shuffle: options.shuffle,
    keep: options.keep,
    agreed,
  };
}

/**
 * Sees that the file system of the cache has room for what is still to be made.
 *
 * @throws MeshproofError MP202 with what is needed and what is there; nothing was started then.
 */
export async function checkDisk(cache: ArtifactCache, selection: Selection): Promise<void> {
  const states = await surveyCache(recipesOf(selection), cache);
  const needed = diskNeed(states);
  const free = await freeBytes(cache.root);
  if (free >= needed) return;
  throw new MeshproofError('MP202', {
    what: 'not enough free disk space',
    where: cache.root,
    expected: `${gigabytes(needed)} free`,
    seen: `${gigabytes(free)} free`,
  });
}

/** Bytes that a run still needs: what is to be made, and room for two clusters. */
export function diskNeed(states: readonly RecipeState[]): number {
  const missing = states.filter(({ artifact }) => artifact === undefined);
  // A Go build keeps its compiled packages beside the artifact, several times its size.
  const building = missing.reduce((sum, { recipe }) => sum + recipe.bytes * (recipe.from === 'go' ? 8 : 2), 0);
  return building + (missing.length > 0 ? runtimeBytes : runtimeBytes / 3);
}

export async function freeBytes(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
