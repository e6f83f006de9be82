import { offers, providerNamed } from '../../cluster/providers/registry.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { ensureLab, labSocket } from '../../lab/lab.ts';
import { labNamespacePath } from '../../lab/network-namespace.ts';
import { findProgram } from '../../process/find-program.ts';
import type { Environment } from '../../scenario/environment.ts';
import { ArtifactCache } from '../../toolchain/cache.ts';
import type { Docker } from '../../toolchain/docker.ts';
import { publishedWorkloads } from '../../toolchain/images/release-images.ts';
import { resolveImages } from '../../toolchain/images/resolve-images.ts';
import { resolveToolchain } from '../../toolchain/toolchain.ts';
import { checkBeforehand } from '../../inspect/beforehand.ts';
import { writesOf, type Agree } from '../../environment/consent.ts';
import { keepOwner } from '../../environment/owner.ts';
import type { Plan } from '../plan.ts';
import type { RunRequest, Stage } from '../request.ts';
import { providerOf } from '../../environment/provider-of.ts';
import { formatProblem } from '../../inspect/problem.ts';
import { listScenarios } from '../../config/scenario-files.ts';
import { labUser } from '../../environment/remove-environment.ts';

/** What is known of the clusters before anything is prepared. */
interface Beforehand {
  /** The kept environment that is used again. */
  readonly kept: Environment | undefined;
  readonly agree: Agree;
}

/**
 * Everything before the first cluster: the engine, the toolchain, the private daemon where one is needed, and the
 * images.
 *
 * @throws MeshproofError MP2xx for the machine and MP3xx for a publisher, before anything is made; MP3xx for
 *   components; MP4xx for the lab.
 */
export async function prepare(request: RunRequest, stage: Stage, beforehand: Beforehand): Promise<Plan> {
  const { config } = request;
  const { record, progress, signal } = stage;
  if (!offers(config.provider, 'ownsCluster')) return await planForExisting(request, stage, beforehand);
  const cache = ArtifactCache.default();
  const { engine, selection, why, pinnedByUser, warnings } = await checkBeforehand(config, signal);
  const lab = engine.kind === 'lab';
  const { mirror } = config;
  // Compiling takes many times longer than fetching: whoever waits for it shall know why.
  if (selection.edition === 'source' && config.toolchain === 'auto')
    progress.note(`toolchain: source, since ${why}${lab ? `; engine: private daemon, since ${engine.why}` : ''}`);
  for (const warning of warnings) progress.note(formatProblem(warning));
  const toolchain = await record.phase('toolchain', () =>
    resolveToolchain({ selection, mirror, cache, progress, signal }),
  );
  await record.save({
    versions: { kubernetes: toolchain.kubernetesVersion, istio: toolchain.istioVersion, edition: toolchain.edition },
    ...(pinnedByUser.length === 0 ? {} : { pinnedByUser: [...pinnedByUser] }),
  });

  let docker: Docker;
  if (engine.kind === 'user') docker = engine.docker;
  else {
    const note = (text: string): void => {
      progress.note(text);
    };
    const { network } = providerNamed(config.provider);
    docker = await record.phase('daemon', () =>
      ensureLab(toolchain, cache, labUser(config.name), { network, signal, note }),
    );
  }
  const images = await record.phase('images', () =>
    resolveImages({ toolchain, docker, cache, mirror, progress, signal }),
  );
  return {
    request,
    runFolder: record.folder,
    toolchain,
    images,
    lab: lab ? { dockerHost: labSocket, namespacePath: labNamespacePath } : undefined,
    docker: docker.program,
    agreed: [],
  };
}

/**
 * For clusters that the user has, nothing is built: they are asked first, and the programs are those on the PATH.
 * Workloads run from published images, which those clusters pull.
 *
 * @throws MeshproofError MP504 when a context does not answer, MP508 when nobody agrees, MP203 without kubectl.
 */
async function planForExisting(request: RunRequest, { record }: Stage, { kept, agree }: Beforehand): Promise<Plan> {
  const { config, only } = request;
  const { workloads = {} } = config;
  const provider = await providerOf(config);
  await provider.check();
  // The addresses that are written to: those of the kept environment, where one is used again. `up` plays nothing, and
  // writes nothing.
  const targets = (kept?.clusters ?? provider.addresses).filter(({ foreign }) => foreign === true);
  const scenarios = await listScenarios(config.scenarios, only);
  const agreed = scenarios.length === 0 ? [] : targets;
  await agree(writesOf(scenarios, agreed));
  const kubectl = await findProgram('kubectl');
  if (kubectl === undefined)
    throw new MeshproofError('MP203', {
      what: 'kubectl is not on the PATH',
      remedy: 'Install kubectl; probes run through `kubectl exec`.',
    });
  // From here on things may be made that carry it; who was refused before leaves nothing behind.
  await keepOwner(config.name, provider.owner);
  const paths = { kubectl, istioctl: (await findProgram('istioctl')) ?? '', kind: '' };
  return {
    request,
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
    agreed,
  };
}
