import { defaultDockerHost, lookForDocker, type DockerDaemon, type DockerLook } from '../toolchain/docker-daemon.ts';
import { Docker } from '../toolchain/docker.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { labIsPossible, labSocket } from '../lab/lab.ts';

/** Where containers will run: the user's own Docker, which is used and never changed, or the lab's private daemon. */
export type Engine =
  | { readonly kind: 'user'; readonly docker: Docker; readonly daemon: DockerDaemon }
  /** `why` the user's Docker is not taken, as the message says it. */
  | { readonly kind: 'lab'; readonly why: string };

export type EngineWish = 'auto' | 'docker' | 'lab';

/**
 * The user's Docker when it answers, else the lab where this machine allows one. A Docker that is there and cannot be
 * used (no permission, no answer, another engine in its place) is an error: what would happen instead takes far longer,
 * and is nobody's wish.
 *
 * What kind and testcontainers start later uses the same daemon as docker does: DOCKER_HOST follows the docker context.
 *
 * @throws MeshproofError MP201 when there is neither; MP205 to MP209 for a Docker that cannot be used, with docker's
 *   words.
 */
export async function chooseEngine(wanted: EngineWish = 'auto'): Promise<Engine> {
  if (process.platform !== 'linux' && process.platform !== 'darwin')
    throw new MeshproofError('MP208', { what: 'meshproof does not run here', seen: process.platform });
  // A process that was started inside of the lab sees the lab's socket as its DOCKER_HOST.
  if (process.env['DOCKER_HOST'] === labSocket && wanted !== 'docker')
    return lab('this process was started inside of the lab');
  if (wanted === 'lab') return lab('the configuration says `engine: lab`');
  const look = await lookForDocker();
  if (look.state === 'ready') {
    const { host } = look.daemon;
    const elsewhere = host !== defaultDockerHost || process.env['DOCKER_HOST'] !== undefined;
    if (elsewhere) process.env['DOCKER_HOST'] = host;
    return { kind: 'user', docker: new Docker('docker', elsewhere ? host : undefined), daemon: look.daemon };
  }
  const unusable = refusal(look);
  if (unusable !== undefined) throw unusable;
  const words = look.state === 'stopped' ? look.words : 'there is no docker program on the PATH';
  if (wanted === 'auto' && labIsPossible()) return lab(words);
  throw new MeshproofError('MP201', {
    what:
      wanted === 'docker'
        ? 'the configuration says `engine: docker`, and no Docker daemon answers'
        : 'no usable Docker daemon, and no right to run a private one',
    seen: `${words} (${process.platform}, user id ${process.getuid?.() ?? 'unknown'})`,
  });
}

/** @throws MeshproofError MP201 where the lab cannot be */
function lab(why: string): Engine {
  if (labIsPossible()) return { kind: 'lab', why };
  throw new MeshproofError('MP201', {
    what: 'meshproof may not run its private daemon here',
    expected: 'root on Linux',
    seen: `${process.platform}, user id ${process.getuid?.() ?? 'unknown'}`,
  });
}

/** The error for a Docker that is there and cannot be used; undefined when there is none, or when it is stopped. */
function refusal(look: DockerLook): MeshproofError | undefined {
  switch (look.state) {
    case 'forbidden':
      return new MeshproofError('MP205', { what: 'docker may not speak to its daemon', seen: look.words });
    case 'silent':
      return new MeshproofError('MP206', {
        what: 'docker got no answer from its daemon',
        where: look.host,
        seen: `nothing within ${look.within / 1_000} s`,
      });
    case 'refusing':
      return new MeshproofError('MP201', { what: 'the Docker daemon refuses to answer', seen: look.words });
    case 'foreign':
      return new MeshproofError('MP207', { what: 'the program docker does not lead to Docker', seen: look.words });
    case 'remote':
      return new MeshproofError('MP209', { what: 'docker leads to another machine', seen: look.host });
    case 'ready':
    case 'absent':
    case 'stopped':
      return undefined;
  }
}
