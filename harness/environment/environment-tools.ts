import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { stringify } from 'yaml';
import { mergeKubeconfigs } from '../cluster/merged-kubeconfig.ts';
import { findProgram } from '../process/find-program.ts';
import type { Environment } from '../scenario/environment.ts';
import { stateFolder } from './state.ts';

/**
 * Lays out what a person works with in an environment: a folder with its kubectl, istioctl, kind and docker, and one
 * kubeconfig whose contexts are named like the clusters. Both lie in the state folder and go with it; nobody's own
 * kubeconfig is written.
 *
 * @returns the variables that put them in place: PATH, KUBECONFIG, and what KUBECONFIG was before as
 *   MESHPROOF_OUTER_KUBECONFIG
 * @throws MeshproofError MP504 when the kubeconfig of a cluster cannot be read.
 */
export async function layOutTools(environment: Environment): Promise<Readonly<Record<string, string>>> {
  const folder = stateFolder(environment.name);
  const programs = join(folder, 'bin');
  await mkdir(programs, { recursive: true, mode: 0o700 });
  for (const [name, target] of Object.entries(environment.programs)) {
    const link = join(programs, name);
    // What is a bare name is the machine's own, and on the PATH already; what is gone must not hide another of that
    // name.
    if (!isAbsolute(target) || (await findProgram(target)) === undefined) await rm(link, { force: true });
    else await appear(link, (place) => symlink(target, place));
  }
  const kubeconfig = join(folder, 'kubeconfig.yaml');
  const merged = stringify(await mergeKubeconfigs(environment.clusters));
  await appear(kubeconfig, (place) => writeFile(place, merged, { mode: 0o600, flag: 'wx' }));
  return {
    PATH: [programs, process.env['PATH'] ?? ''].join(delimiter),
    KUBECONFIG: kubeconfig,
    MESHPROOF_OUTER_KUBECONFIG: process.env['MESHPROOF_OUTER_KUBECONFIG'] ?? process.env['KUBECONFIG'] ?? '',
  };
}

/** Makes a file by one rename, since another `exec` may be reading it. */
async function appear(path: string, make: (place: string) => Promise<void>): Promise<void> {
  const place = `${path}.${process.pid}`;
  await rm(place, { force: true });
  await make(place);
  await rename(place, path);
}
