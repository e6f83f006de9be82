import { Command } from 'commander';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { addCommands, commands, nameOf } from './commands.ts';

/** How commander shows a command that is there with its options and arguments. */
const termOf = (command: Command): string => new Command().createHelp().subcommandTerm(command);

test.each(commands.map((entry) => [nameOf(entry), entry] as const))(
  '%s is called as the help says',
  async (name, entry) => {
    const program = new Command().enablePositionalOptions();
    (await entry.load())(program);
    const [command] = program.commands;
    expect(command?.name()).toBe(name);
    expect(termOf(command ?? program).replace(/^(\S+)$/, '$1 [options] [command]')).toBe(entry.usage);
  },
);

test.each([
  [['list', '--json'], 'list'],
  [['--config', 'gate', 'run', '--only', 'diff'], 'run'],
  [['-c', 'x.yaml', 'explain', 'MP102'], 'explain'],
  [['help', 'gate'], 'gate'],
])('%j loads the command %s and no other', async (args, name) => {
  const program = new Command().enablePositionalOptions();
  await addCommands(program, args);
  const withOptions = program.commands.filter((command) => command.options.length > 0).map((command) => command.name());
  expect(withOptions).toEqual([name]);
});

test('the command line starts with nothing but commander: each command loads what it needs', async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('./main.ts', import.meta.url))],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
    metafile: true,
    outdir: 'out',
  });
  const seen = new Set<string>();
  const packages = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { path, kind, external } of metafile.outputs[file]?.imports ?? []) {
      if (kind !== 'import-statement') continue;
      if (external === true) packages.add(path);
      else follow(path);
    }
  };
  follow('out/main.js');
  expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual(['commander']);
});
