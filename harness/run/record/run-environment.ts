import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { environmentSchema, type Environment } from '../../scenario/environment.ts';
import { redact } from '../../tape/redact/value.ts';
import { isMissing, largest, readInside, writeInside } from '../../tape/run-folder.ts';

const place = join('evidence', 'environment.json');

/**
 * Keeps what a replay has to know of the environment: names, addresses, versions. Paths of the machine and credentials
 * are not in it.
 */
export async function keepRunEnvironment(runFolder: string, environment: Environment): Promise<void> {
  const file = join(runFolder, place);
  await mkdir(dirname(file), { recursive: true });
  await writeInside(file, `${JSON.stringify(redact(withoutPaths(environment)), undefined, 2)}\n`);
}

/** Keeps the environment of one scenario of a merged run, whose scenarios were played in several. */
export async function keepScenarioEnvironment(runFolder: string, scenario: string, text: string): Promise<void> {
  const file = join(runFolder, 'evidence', scenario, 'environment.json');
  await mkdir(dirname(file), { recursive: true });
  await writeInside(file, text);
}

/**
 * The environment that a scenario of a run was played in. Programs, kubeconfigs and sockets that it names are left out:
 * a replay starts and calls nothing, whatever a folder says.
 *
 * @throws MeshproofError MP713 when the run did not keep it, or not as a run does; MP720 and MP721 for a folder that no
 *   run wrote.
 */
export async function readRunEnvironment(runFolder: string, scenario: string): Promise<Environment> {
  const own = join('evidence', scenario, 'environment.json');
  const ofScenario = await readInside(runFolder, own, largest.record).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (ofScenario !== undefined) return parseEnvironment(ofScenario, join(runFolder, own));
  const text = await readInside(runFolder, place, largest.record).catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause;
    throw new MeshproofError('MP713', {
      what: 'the run did not keep the environment that it was played in',
      where: join(runFolder, place),
      cause,
    });
  });
  return parseEnvironment(text, join(runFolder, place));
}

function parseEnvironment(text: string, where: string): Environment {
  try {
    return withoutPaths(environmentSchema.parse(JSON.parse(text)));
  } catch (cause) {
    throw new MeshproofError('MP713', {
      what: 'the environment of the run cannot be read',
      where,
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
