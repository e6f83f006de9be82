import type { Command } from 'commander';

/** A command as the program's own help shows it; the rest of it is loaded when it is called. */
export interface CommandEntry {
  /** How it is called, as its own help begins: "explain [options] [code]". */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
  /** Adds the command itself, with its options and what it does. */
  readonly load: () => Promise<(program: Command) => void>;
}

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    usage: 'run [options]',
    summary: 'bring up meshed clusters (two by default), prove every claim, write a report and tear down',
    load: async () => (await import('./commands/run.ts')).addRun,
  },
  {
    usage: 'up [options]',
    summary: 'bring up meshed clusters (two by default) and keep them',
    load: async () => (await import('./commands/run.ts')).addUp,
  },
  {
    usage: 'prepare [options]',
    summary: 'download or build everything that a run needs, and start nothing',
    load: async () => (await import('./commands/run.ts')).addPrepare,
  },
  {
    usage: 'init [options] [folder]',
    summary: 'create a repository for your own scenarios',
    load: async () => (await import('./commands/init.ts')).addInit,
  },
  {
    usage: 'down [options]',
    summary: 'remove everything that runs left behind',
    load: async () => (await import('./commands/down.ts')).addDown,
  },
  {
    usage: 'status [options]',
    summary: 'show the kept environment and the private Docker daemon',
    load: async () => (await import('./commands/status.ts')).addStatus,
  },
  {
    usage: 'doctor [options]',
    summary: 'show what is available, what will be downloaded or built, and what is missing',
    load: async () => (await import('./commands/doctor.ts')).addDoctor,
  },
  {
    usage: 'list [options]',
    summary: 'list every scenario with its claims',
    load: async () => (await import('./commands/list.ts')).addList,
  },
  {
    usage: 'explain [options] [code]',
    summary: 'explain an error code, or list all of them',
    load: async () => (await import('./commands/explain.ts')).addExplain,
  },
  {
    usage: 'exec [options] <program> [args...]',
    summary: 'run a program where the kept environment lives',
    load: async () => (await import('./commands/exec.ts')).addExec,
  },
  {
    usage: 'probe [options] [pod]',
    summary: 'show the actual configuration of a pod’s proxy, or trace a call through it',
    load: async () => (await import('./commands/probe.ts')).addProbe,
  },
  {
    usage: 'walkthrough [options] [run]',
    summary: 'write the walkthrough as a run executed it',
    load: async () => (await import('./commands/walkthrough.ts')).addWalkthrough,
  },
  {
    usage: 'report [options] [run]',
    summary: 'rewrite all reports of a run, pack the run into one file, or merge the parts of a run',
    load: async () => (await import('./commands/report.ts')).addReport,
  },
  {
    usage: 'bench [options] [runs...]',
    summary: 'play a run several times, and show how long each phase and scenario takes',
    load: async () => (await import('./commands/bench.ts')).addBench,
  },
  {
    usage: 'replay [options] [run]',
    summary: 'recompute the verdicts of a run from its evidence, without clusters',
    load: async () => (await import('./commands/replay.ts')).addReplay,
  },
  {
    usage: 'diagnose [options] <folder>',
    summary: 'find the broken hop in config dumps of a fleet',
    load: async () => (await import('./commands/diagnose.ts')).addDiagnose,
  },
  {
    usage: 'diff [options] <base> <head>',
    summary: 'compare two runs',
    load: async () => (await import('./commands/diff.ts')).addDiff,
  },
  {
    usage: 'gate [options]',
    summary: 'run two builds of the mesh and compare them',
    load: async () => (await import('./commands/gate.ts')).addGate,
  },
  {
    usage: 'badge [options] [run]',
    summary: 'draw a badge for a run',
    load: async () => (await import('./commands/badge.ts')).addBadge,
  },
  {
    usage: 'services [options] [command]',
    summary: 'export the services of a fleet, so that its clusters can call each other’s services',
    load: async () => (await import('./commands/services.ts')).addServices,
  },
  {
    usage: 'soak [options]',
    summary: 'play many runs on an intact mesh, and count the false failures',
    load: async () => (await import('./commands/soak.ts')).addSoak,
  },
  {
    usage: 'growth [options]',
    summary: 'measure how the mesh of the kept environment grows with its remote services',
    load: async () => (await import('./commands/growth.ts')).addGrowth,
  },
  {
    usage: 'fault [options] [command]',
    summary: 'break a kept environment on purpose, and check that meshproof notices',
    load: async () => (await import('./commands/fault.ts')).addFault,
  },
];

/** The half of a run that another process calls; no help shows it. */
const hidden: Readonly<Record<string, CommandEntry['load']>> = {
  'carry-out': async () => (await import('./commands/carry-out.ts')).addCarryOut,
};

export const nameOf = ({ usage }: CommandEntry): string => usage.split(' ')[0] ?? '';

/**
 * Adds every command to the program: the one that is called as it is, all others by their names and summaries only.
 *
 * @param args of the command line, without Node and the script
 */
export async function addCommands(program: Command, args: readonly string[]): Promise<void> {
  const called = commandIn(args);
  const usages = new Map(commands.map((entry) => [nameOf(entry), entry.usage]));
  program.configureHelp({ subcommandTerm: (command) => usages.get(command.name()) ?? command.name() });
  for (const entry of commands) {
    if (nameOf(entry) === called) (await entry.load())(program);
    else program.command(nameOf(entry)).summary(entry.summary).description(entry.summary);
  }
  for (const command of program.commands)
    command.summary(commands.find((entry) => nameOf(entry) === command.name())?.summary ?? command.description());
  const load = hidden[called ?? ''];
  if (load !== undefined) (await load())(program);
}

/** The command that a command line names: the first word that is no option, and no value of one. */
function commandIn(args: readonly string[]): string | undefined {
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '-c' || word === '--config') index++;
    else if (word !== 'help' && !word.startsWith('-')) return word;
  }
  return undefined;
}
