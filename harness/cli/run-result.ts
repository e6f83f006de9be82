import { isErrorCode } from '../errors/catalogue.ts';
import { exitCodeOf } from '../errors/meshproof-error.ts';
import { countClaims, phaseSeconds, type RunData } from '../report/run-data.ts';

/** The line of JSON that `run --json` ends with. */
export function runSummary({ data, folder }: { readonly data: RunData; readonly folder: string }): object {
  const { run, verdict, error, shard, clusterMemoryBytes } = data;
  return {
    run,
    verdict,
    claims: countClaims(data),
    seconds: phaseSeconds(data),
    report: folder,
    ...(clusterMemoryBytes === undefined ? {} : { clusterMemoryBytes }),
    ...(shard === undefined ? {} : { shard: `${shard.index}/${shard.count}` }),
    ...(error === undefined ? {} : { error: error.code }),
  };
}

/** The exit code of a run that has ended: 0 passed, 1 failed, 3 without a verdict, or the one of its error. */
export function exitCodeOfRun({ verdict, error }: RunData): number {
  const code = error?.code ?? '';
  return isErrorCode(code) ? exitCodeOf({ code }) : { passed: 0, failed: 1, error: 3, running: 3 }[verdict];
}
