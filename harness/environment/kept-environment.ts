import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { standsIn } from '../lab/network-namespace.ts';
import { environmentSchema } from '../scenario/environment.ts';
import { agreedVariable } from './agreed-variable.ts';
import { defaultEvidenceMegabytes } from '../config/config.ts';
import { askFirst, withAgreement, writesOf } from './consent.ts';
import { loadConfig } from '../config/config.ts';
import { listScenarios } from '../config/scenario-files.ts';
import { lockEnvironment, stateFolder } from './state.ts';

/**
 * Global set-up of the vitest project `conformance`. `meshproof run` provides the environment itself; a bare `npx
 * vitest --project conformance`, from an editor say, finds the kept one here, holds it as any other command does, and
 * asks before it writes to clusters that the user owns.
 *
 * @returns what gives the environment free again
 * @throws MeshproofError MP105 without a kept environment, MP106 outside of the lab it lives in, MP204 while another
 *   command holds it, MP508 when nobody agrees.
 */
export default async function useKeptEnvironment(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (project.vitest.config.provide.environment !== undefined) return undefined;
  const file = process.env['MESHPROOF_ENVIRONMENT'];
  const text = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new MeshproofError('MP105', {
      what: 'no kept environment',
      remedy:
        'Bring one up with `npx meshproof up`, then run `npx meshproof exec -- npx vitest --project conformance`.',
    });
  }
  const kept = environmentSchema.parse(JSON.parse(text));
  if (kept.networkNamespace !== undefined && !(await standsIn(kept.networkNamespace))) {
    throw new MeshproofError('MP106', { what: 'the kept environment lives in the lab’s network namespace' });
  }
  // Beside the environment, and gone with it: a name in the temporary folder that all share could be somebody else's
  // link.
  const runFolder = join(stateFolder(kept.name), 'vitest');
  await mkdir(runFolder, { recursive: true, mode: 0o700 });
  const unlock = await lockEnvironment(kept.name);
  try {
    const foreign = kept.clusters.filter((cluster) => cluster.foreign === true);
    const agreed = foreign.every(({ owner }) => owner !== undefined && owner === process.env[agreedVariable]);
    await askFirst(agreed)(writesOf(await listScenarios((await loadConfig(undefined)).scenarios), foreign));
    const environment = { ...kept, clusters: withAgreement(kept.clusters, foreign) };
    project.provide('environment', JSON.stringify(environment));
  } catch (error) {
    await unlock();
    throw error;
  }
  project.provide('runFolder', runFolder);
  project.provide('lastScenario', '');
  project.provide('endsWithRun', false);
  // An editor's scenarios play one after the other, as vitest.config.ts has it.
  project.provide('turns', '');
  project.provide('atOnce', 1);
  project.provide('evidenceBytes', defaultEvidenceMegabytes * 1_000_000);
  return unlock;
}
