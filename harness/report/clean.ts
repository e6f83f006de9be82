import type { RunData } from './run-data.ts';

/** Whether a kept environment was as when its mesh was proven ready, before anything played; a sentence. */
export function formatClean({ objects, dumps, departures }: NonNullable<RunData['before']>): string {
  const compared = `${objects} objects and ${dumps} config dumps`;
  return departures.length === 0
    ? `The environment was clean before the run: ${compared} are as they were when the mesh was proven ready.`
    : `The environment was not clean before the run: of ${compared} not all are as they were when the mesh was ` +
        'proven ready.';
}
