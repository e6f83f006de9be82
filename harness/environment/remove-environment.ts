import { canBeAsked, joinLab, leaveLab, type LabUser, type Left } from '../lab/lab.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { lookForDocker } from '../toolchain/docker-daemon.ts';
import { Docker } from '../toolchain/docker.ts';
import { removeAbandonedBakes } from '../toolchain/images/abandoned-bakes.ts';
import type { Environment } from '../scenario/environment.ts';
import { providerOfEnvironment } from './provider-of.ts';
import { forgetEnvironment, readEnvironment, stateFolder } from './state.ts';

/**
 * Removes the clusters of an environment, whole or half made, and forgets it; of clusters that the user owns, what it
 * made there.
 *
 * @param forget clusters that the user owns that do not answer are left as they are
 * @returns a line for each thing that was removed; empty when there was nothing.
 * @throws MeshproofError MP504 for a cluster that the user owns that does not answer, and MP510 for a namespace of its
 *   own that others use: the environment is remembered then, since there is still something to remove.
 */
export async function removeEnvironment(name: string, options: { readonly forget?: boolean } = {}): Promise<string[]> {
  const environment = await readEnvironment(name);
  const removed = environment === undefined ? [] : await removeWhatItMade(environment, options);
  await forgetEnvironment(name);
  return removed;
}

async function removeWhatItMade(environment: Environment, options: { readonly forget?: boolean }): Promise<string[]> {
  const { name, dockerHost, networkNamespace, programs } = environment;
  const docker = new Docker(programs.docker, dockerHost);
  // With the private daemon its containers are gone.
  if (networkNamespace !== undefined && !(await canBeAsked(docker, labUser(name)))) return [];
  return await (await providerOfEnvironment(environment)).destroy(environment.clusters, options);
}

/**
 * Removes, from the user's own Docker, the containers in which killed runs baked a node image. Where no Docker answers
 * there is nothing to remove.
 *
 * @returns a line for each
 */
export async function removeAbandoned(): Promise<string[]> {
  const look = await lookForDocker();
  if (look.state !== 'ready') return [];
  const removed = await removeAbandonedBakes(new Docker('docker', look.daemon.host));
  return removed.map((name) => `container ${name}, in which a killed run baked a node image`);
}

/** An environment as a user of the lab. */
export const labUser = (name: string): LabUser => ({ name, state: stateFolder(name) });

/** Counts this process among the users of the lab that already exists. */
export const joinLabFor = (name: string): Promise<void> => joinLab(labUser(name));

/**
 * Leaves the lab for an environment: the last one to leave stops the private daemon and removes its network namespace;
 * with `wholly` also its images and data.
 *
 * @param keep the environment stays there
 * @throws MeshproofError MP404 with `wholly` while others use it.
 */
export async function leaveLabOf(
  name: string,
  { keep = false, wholly = false }: { readonly keep?: boolean; readonly wholly?: boolean } = {},
): Promise<Left> {
  // What was to be kept and never came to be keeps no daemon running.
  const stays = keep && (await readEnvironment(name)) !== undefined;
  return await leaveLab(ArtifactCache.default(), labUser(name), { keep: stays, wholly });
}
