import { Docker } from '../toolchain/docker.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { labIsPossible, labSocket } from '../lab/lab.ts';

/** Where containers will run: the user's own Docker, which is used and never changed, or the lab's private daemon. */
export type Engine = { readonly kind: 'user'; readonly docker: Docker } | { readonly kind: 'lab' };

/**
 * The user's Docker when it answers, else the lab where this machine allows one.
 *
 * @throws MeshproofError MP201 when there is neither.
 */
export async function chooseEngine(): Promise<Engine> {
  // A process that was started inside of the lab sees the lab's socket as its DOCKER_HOST.
  if (process.env['DOCKER_HOST'] !== labSocket) {
    const docker = new Docker('docker');
    if (await docker.answers()) return { kind: 'user', docker };
  }
  if (labIsPossible()) return { kind: 'lab' };
  throw new MeshproofError('MP201', {
    what: 'no usable Docker daemon, and no right to run a private one',
    seen: `${process.platform}, user id ${process.getuid?.() ?? 'unknown'}, no answer from docker`,
  });
}
