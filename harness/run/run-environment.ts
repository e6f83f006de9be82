import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { environmentSchema, type Environment } from '../scenario/environment.ts';

const fileIn = (runFolder: string): string => join(runFolder, 'evidence', 'environment.json');

/** Keeps what a replay has to know of the environment: names, addresses, versions; no credentials are in it. */
export async function keepRunEnvironment(runFolder: string, environment: Environment): Promise<void> {
  const file = fileIn(runFolder);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(environment, undefined, 2)}\n`);
}

/** The environment that a run's scenarios were played in. @throws MeshproofError MP713 when the run did not keep it. */
export async function readRunEnvironment(runFolder: string): Promise<Environment> {
  const file = fileIn(runFolder);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new MeshproofError('MP713', {
      what: 'the run did not keep the environment that it was played in',
      where: file,
      cause,
    });
  });
  return environmentSchema.parse(JSON.parse(text));
}
