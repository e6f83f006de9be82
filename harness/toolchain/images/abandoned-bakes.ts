import { isAlive, processIdentitySchema, thisProcess } from '../../process/process-identity.ts';
import type { Docker } from '../docker.ts';

/**
 * Label of a container in which a node image is baked: the process that does it. One that was killed leaves its
 * container behind.
 */
const bakerLabel = 'meshproof.baked-by';

/** How the names of all containers begin in which images are baked. */
const namesOfBakes = 'meshproof-bake-';

/** Name of the container in which this process bakes. */
export const ownBake = `${namesOfBakes}${process.pid}`;

/** The label of a container that this process bakes in, as docker's options. */
export const bakerOption = async (): Promise<string[]> => [
  '--label',
  `${bakerLabel}=${JSON.stringify(await thisProcess())}`,
];

/** Change of a commit, so that the baked image, and every node made of it, does not say that somebody bakes in it. */
export const nobodyBakes = `LABEL ${bakerLabel}=`;

/**
 * Removes the containers of bakers that were killed; those of living ones, and of ones that cannot be seen from here,
 * stay. So does whatever has another name: an image has the labels of the container that it was committed from, and so
 * has every node that is made of it.
 *
 * @returns the names of those that were removed
 * @throws MeshproofError MP304 with docker's words.
 */
export async function removeAbandonedBakes(docker: Pick<Docker, 'run'>): Promise<string[]> {
  const format = `{{.Names}}\t{{.Label "${bakerLabel}"}}`;
  const { stdout } = await docker.run(['ps', '--all', '--filter', `label=${bakerLabel}`, '--format', format], {
    purpose: 'look for containers that killed runs baked in',
  });
  const removed: string[] = [];
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const [name = '', baker = ''] = line.split('\t');
    if (!name.startsWith(namesOfBakes)) continue;
    const identity = identityIn(baker);
    if (identity === undefined || (await isAlive(identity)) !== false) continue;
    await docker.run(['rm', '--force', '--volumes', name], { purpose: 'remove the container of a killed run' });
    removed.push(name);
  }
  return removed;
}

function identityIn(text: string): ReturnType<typeof processIdentitySchema.parse> | undefined {
  try {
    return processIdentitySchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Somebody else's label.
    return undefined;
  }
}
