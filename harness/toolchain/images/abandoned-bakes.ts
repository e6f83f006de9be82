import { isAlive, processIdentitySchema, thisProcess } from '../../process/process-identity.ts';
import type { Docker } from '../docker.ts';

/**
 * Label of a container in which a node image is baked: the process that does it. One that was killed leaves its
 * container behind.
 */
const bakerLabel = 'meshproof.baked-by';

/** The label of a container that this process bakes in, as docker's options. */
export const bakerOption = async (): Promise<string[]> => [
  '--label',
  `${bakerLabel}=${JSON.stringify(await thisProcess())}`,
];

/**
 * Removes the containers of bakers that were killed; those of living ones, and of ones that cannot be seen from here,
 * stay.
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
