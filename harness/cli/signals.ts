import { MeshproofError } from '../errors/meshproof-error.ts';

/**
 * A signal that aborts on Ctrl-C, on SIGTERM, and when the parent process of a carried-out plan is gone. The first one asks for an orderly
 * end; a second Ctrl-C ends the process at once.
 */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (why: string) => (): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${why}: stopping in good order, once more to stop at once\n`);
    controller.abort(new MeshproofError('MP901', { what: `stopped by ${why}` }));
  };
  process.on('SIGINT', stop('SIGINT'));
  process.on('SIGTERM', stop('SIGTERM'));
  process.on('SIGHUP', stop('SIGHUP'));
  process.once('disconnect', stop('the end of the parent process'));
  return controller.signal;
}
