import { removeEnvironment } from '../../environment/remove-environment.ts';
import type { Stage } from '../request.ts';

/**
 * Takes away what an environment made, whole or half made, and forgets it.
 *
 * @throws MeshproofError of what could not be removed; the environment is then remembered.
 */
export async function tearDown(name: string, { record, progress }: Pick<Stage, 'record' | 'progress'>): Promise<void> {
  const clusters = {
    title: 'clusters',
    run: async (): Promise<void> => {
      await removeEnvironment(name);
    },
  };
  await record.phase('teardown', () => progress.group('teardown', [clusters]));
}
