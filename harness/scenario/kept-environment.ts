import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { standsIn } from '../lab/network-namespace.ts';
import { environmentSchema } from './environment.ts';

/**
 * Global set-up of the vitest project `conformance`. `meshproof run` provides the environment itself; a bare
 * `npx vitest --project conformance`, from an editor say, finds the kept one here.
 *
 * @throws MeshproofError MP105 without a kept environment, MP106 outside of the lab it lives in.
 */
export default async function useKeptEnvironment(project: TestProject): Promise<void> {
  if (project.vitest.config.provide.environment !== undefined) return;
  const file = process.env['MESHPROOF_ENVIRONMENT'];
  const text = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new MeshproofError('MP105', {
      what: 'no kept environment',
      remedy:
        'Bring one up with `npx meshproof up`, then run `npx meshproof exec -- npx vitest --project conformance`.',
    });
  }
  const environment = environmentSchema.parse(JSON.parse(text));
  if (environment.networkNamespace !== undefined && !(await standsIn(environment.networkNamespace))) {
    throw new MeshproofError('MP106', { what: 'the kept environment lives in the lab’s network namespace' });
  }
  const runFolder = join(tmpdir(), 'meshproof-vitest');
  await mkdir(runFolder, { recursive: true });
  project.provide('environment', text);
  project.provide('runFolder', runFolder);
  project.provide('lastScenario', '');
}
