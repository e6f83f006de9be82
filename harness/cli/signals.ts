import { setMaxListeners } from 'node:events';
import { complain } from './tell.ts';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';

/** Set while a command runs that ends in good order: what it made has to be taken down, whatever happens. */
let orderly: AbortController | undefined;

/**
 * A signal that aborts on Ctrl-C, SIGTERM and SIGHUP, when the parent process of a carried-out plan is gone, and when
 * something breaks that nobody foresaw. The first of them asks for an orderly end; a second Ctrl-C, or another signal,
 * ends the process at once with exit code 130.
 */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  orderly = controller;
  // Much is done at once by this one signal, which Node would take for a leak.
  setMaxListeners(0, controller.signal);
  let hungUp = false;
  const stop = (why: string) => (): void => {
    // A terminal that closes sends SIGHUP more than once, and its end is the parent's as well: that is one wish, not
    // two.
    const again = controller.signal.aborted && !(hungUp && (why === 'SIGHUP' || why === gone));
    hungUp ||= why === 'SIGHUP' || why === gone;
    if (again && why !== gone) {
      process.stderr.write(`\n${why} again: stopping at once; \`meshproof down\` removes what is left\n`);
      process.exit(130);
    }
    if (controller.signal.aborted) return;
    process.stderr.write(`\n${why}: stopping in good order, once more to stop at once\n`);
    controller.abort(new MeshproofError('MP901', { what: `stopped by ${why}` }));
  };
  const gone = 'the end of the parent process';
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop(name));
  process.once('disconnect', stop(gone));
  return controller.signal;
}

/**
 * Makes the process survive what would end it without a message, or with an exit code that means something else (Node's
 * own 1 says here that a claim failed): an exception that nobody caught stops the command in good order, with exit code
 * 3, and a reader of its output that is gone does not.
 */
export function surviveCrashes(): void {
  process.on('uncaughtException', crashed);
  process.on('unhandledRejection', crashed);
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: Error & { readonly code?: string }) => {
      // Nobody reads any more (EPIPE), or the terminal is gone (EIO). The work goes on: what it made has to be taken
      // down.
      if (error.code !== 'EPIPE' && error.code !== 'EIO') process.exitCode = 3;
    });
}

function crashed(error: unknown): void {
  const known = asMeshproofError(error);
  process.exitCode = 3;
  complain(`${describeError(known)}\n`);
  if (known.code === 'MP999' && error instanceof Error) complain(`${error.stack ?? ''}\n`);
  // One that is on its way out already goes on: it is taking down what it made.
  if (orderly === undefined) process.exit(3);
  else orderly.abort(known);
}
