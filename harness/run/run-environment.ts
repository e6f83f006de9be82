import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { environmentSchema, type Environment } from '../scenario/environment.ts';
import { redact } from '../tape/redact/value.ts';
import { isMissing, largest, readInside, writeInside } from '../tape/run-folder.ts';

const place = join('evidence', 'environment.json');

/** Keeps what a replay has to know of the environment: names, addresses, versions. Paths of the machine and credentials are not in it. */
export async function keepRunEnvironment(runFolder: string, environment: Environment): Promise<void> {
  const file = join(runFolder, place);
  await mkdir(dirname(file), { recursive: true });
  await writeInside(file, `${JSON.stringify(redact(withoutPaths(environment)), undefined, 2)}\n`);
}

/**
 * The environment that a run's scenarios were played in. Programs, kubeconfigs and sockets that it names are left out: a replay starts and
 * calls nothing, whatever a folder says.
 *
 * @throws MeshproofError MP713 when the run did not keep it, or not as a run does; MP720 and MP721 for a folder that no run wrote.
 */
export async function readRunEnvironment(runFolder: string): Promise<Environment> {
  const text = await readInside(runFolder, place, largest.record).catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause;
    throw new MeshproofError('MP713', {
      what: 'the run did not keep the environment that it was played in',
      where: join(runFolder, place),
      cause,
    });
  });
  try {
    return withoutPaths(environmentSchema.parse(JSON.parse(text)));
  } catch (cause) {
    throw new MeshproofError('MP713', {
      what: 'the environment of the run cannot be read',
      where: join(runFolder, place),
      seen: cause instanceof z.ZodError ? z.prettifyError(cause).slice(0, 500) : String(cause).slice(0, 500),
      cause,
    });
  }
}

function withoutPaths({ dockerHost: _dockerHost, networkNamespace: _namespace, ...known }: Environment): Environment {
  return {
    ...known,
    programs: { kubectl: 'kubectl', istioctl: 'istioctl', kind: 'kind', docker: 'docker' },
    clusters: known.clusters.map((cluster) => ({
      ...cluster,
      kubeconfig: '',
      // That there is one decides whether the mesh may be taken away; where it lies does not.
      ...(cluster.manifest === undefined ? {} : { manifest: 'manifest' }),
    })),
  };
}
