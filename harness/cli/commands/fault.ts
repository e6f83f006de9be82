import { resolve } from 'node:path';
import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { faults } from '../../fault/catalogue.ts';
import type { Fault } from '../../fault/fault.ts';
import { nearestTo } from '../../probe/trace.ts';
import { loadConfig } from '../../config/config.ts';
import { parseShard } from '../../run/schedule/shard.ts';
import { readyEnvironment, standsWhere } from '../kept.ts';
import { untilSignal } from '../signals.ts';
import { complain, tell } from '../tell.ts';

export function addFault(program: Command): void {
  const group = program
    .command('fault')
    .description(
      'break a kept environment on purpose, one fault at a time, and check that meshproof notices and explains it',
    );
  group
    .command('list')
    .description('list every known fault, with what it breaks and its right cause')
    .option('--json', 'write JSON to stdout')
    .action((flags: { readonly json?: boolean }) => {
      const lines = faults.map(({ id, at, breaks }) => `${id.padEnd(34)}${at.padEnd(8)}${breaks}`);
      tell(flags.json === true ? `${JSON.stringify(faults)}\n` : `${lines.join('\n')}\n`);
    });
  group
    .command('run')
    .description(
      'inject faults into the kept environment, play the scenarios that must notice them, and remove the faults',
    )
    .argument('[ids...]', 'IDs of faults')
    .option('--all', 'run every fault')
    .option('--part <place/count>', 'with --all: run one part of the faults, such as 3/8')
    .option('--json', 'end with one line of JSON on stdout')
    .action(async (ids: string[], flags: Flags, command: Command) => {
      const chosen = choose(ids, flags);
      const environment = await readyEnvironment(
        command,
        'Faults are put into a kept environment: run `meshproof up` first.',
      );
      if (!(await standsWhere(environment))) return;
      const { reports } = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
      const [{ runFaults }, { summarize }, { builtIn, listScenarios }] = await Promise.all([
        import('../../fault/run-faults.ts'),
        import('../../fault/judge.ts'),
        import('../../config/scenario-files.ts'),
      ]);
      const claims = (await listScenarios([builtIn])).flatMap(({ meta }) =>
        Object.keys(meta.claims).map((key) => `${meta.id}: ${key}`),
      );
      const outcomes = await runFaults({
        environment,
        faults: chosen,
        folder: resolve(reports, `faults-${new Date().toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}`),
        signal: untilSignal(),
        ended: ({ id, caught, cause, told, seconds, notPutIn, after, istioctl, spared }) => {
          const verdict =
            notPutIn !== undefined
              ? 'not put in'
              : !caught
                ? 'missed'
                : cause
                  ? 'caught, right cause'
                  : 'caught, another cause';
          complain(`${id.padEnd(34)}${verdict.padEnd(24)}${seconds.toFixed(1).padStart(6)} s  ${told}\n`);
          if (istioctl !== undefined)
            complain(`${''.padEnd(34)}analyze: ${istioctl.analyze}, proxy-status: ${istioctl.proxyStatus}\n`);
          if (spared !== undefined) complain(`${''.padEnd(34)}these held all the same: ${spared.join(', ')}\n`);
          if (after !== undefined) complain(`${''.padEnd(34)}not green once it was out again: ${after}\n`);
        },
      });
      const summary = summarize(outcomes, claims);
      tell(
        flags.json === true
          ? `${JSON.stringify(summary)}\n`
          : `${summary.caught} of ${summary.faults} faults caught, ${summary.cause} with the right cause; ` +
              `median ${summary.medianSeconds.toFixed(1)} s to the verdict\n`,
      );
      const { missed, misdiagnosed, spared, leftRed } = summary;
      process.exitCode = missed.length + misdiagnosed.length + spared.length + leftRed.length > 0 ? 1 : 0;
    });
}

interface Flags {
  readonly all?: boolean;
  readonly part?: string;
  readonly json?: boolean;
}

/** @throws MeshproofError MP103 for an id that no fault has, when none is chosen, or for a part that there is not. */
function choose(ids: readonly string[], { all, part }: Flags): readonly Fault[] {
  if (part !== undefined && all !== true)
    throw new MeshproofError('MP103', { what: '--part is a part of all faults', remedy: 'Add `--all`.' });
  if (all === true) return part === undefined ? faults : partOf(part);
  if (ids.length === 0)
    throw new MeshproofError('MP103', {
      what: 'no fault is chosen',
      remedy: 'Name some, or say `--all`; `meshproof fault list` shows them.',
    });
  return ids.map((id) => {
    const found = faults.find((fault) => fault.id === id);
    if (found !== undefined) return found;
    const nearest = nearestTo(
      id,
      faults.map((fault) => fault.id),
    );
    throw new MeshproofError('MP103', {
      what: `there is no fault ${id}`,
      expected: `one of ${nearest.join(', ')} …`,
      seen: id,
    });
  });
}

/** Every so many-th fault, so that each part has some of each kind. */
function partOf(text: string): readonly Fault[] {
  const { index, count } = parseShard(text, '--part');
  if (count > faults.length)
    throw new MeshproofError('MP103', {
      what: `${faults.length} faults cannot be split into ${count} parts`,
      seen: `--part ${text}`,
    });
  return faults.filter((_, place) => place % count === index - 1);
}
