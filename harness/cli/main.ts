import { Command, CommanderError } from 'commander';
import { asMeshproofError, describeError, exitCodeOf, MeshproofError } from '../errors/meshproof-error.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDown } from './commands/down.ts';
import { addExec } from './commands/exec.ts';
import { addExplain } from './commands/explain.ts';
import { addList } from './commands/list.ts';
import { addPrepare, addRun, addUp } from './commands/run.ts';
import { addStatus } from './commands/status.ts';
import { addProbe } from './commands/probe.ts';
import { addDiff } from './commands/diff.ts';
import { addGate } from './commands/gate.ts';
import { addBadge } from './commands/badge.ts';
import { addServices } from './commands/services.ts';
import { addDiagnose } from './commands/diagnose.ts';
import { addReport } from './commands/report.ts';
import { addReplay } from './commands/replay.ts';
import { addWalkthrough } from './commands/walkthrough.ts';
import { addFault } from './commands/fault.ts';
import { addCarryOut } from './commands/carry-out.ts';
import { surviveCrashes } from './signals.ts';
import { complain } from './tell.ts';

surviveCrashes();

const program = new Command('meshproof')
  .description('Proves that an Istio mesh which spans clusters does what it should, on real clusters.')
  .option('-c, --config <file>', 'config file (default: meshproof.yaml, if there is one)')
  .showHelpAfterError('(add --help for all options)')
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

for (const add of [
  addRun,
  addUp,
  addPrepare,
  addDown,
  addStatus,
  addDoctor,
  addList,
  addExplain,
  addExec,
  addProbe,
  addWalkthrough,
  addReport,
  addReplay,
  addDiagnose,
  addDiff,
  addGate,
  addBadge,
  addServices,
  addFault,
  addCarryOut,
])
  add(program);

try {
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
