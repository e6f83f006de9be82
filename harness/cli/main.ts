import { Command, CommanderError } from 'commander';
import { asMeshproofError, describeError, exitCodeOf, MeshproofError } from '../errors/meshproof-error.ts';
import { addCommands } from './commands.ts';
import { surviveCrashes } from './signals.ts';
import { complain } from './tell.ts';

surviveCrashes();
// A test run that started this command hands it down; this process is none of its workers.
delete process.env['VITEST'];

const program = new Command('meshproof')
  .description('Proves on real clusters that an Istio mesh that spans clusters does what it should.')
  .option('-c, --config <file>', 'config file (default: meshproof.yaml, if it exists)')
  .showHelpAfterError('(add --help for all options)')
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

try {
  await addCommands(program, process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = 0;
  else {
    const known =
      error instanceof CommanderError
        ? new MeshproofError('MP103', { what: error.message.replace(/^error: /, '').split('\n')[0] ?? '' })
        : asMeshproofError(error);
    complain(`${describeError(known)}\n`);
    if (known.code === 'MP999' && known.details.cause instanceof Error)
      complain(`${known.details.cause.stack ?? ''}\n`);
    process.exitCode = exitCodeOf(known);
  }
}
