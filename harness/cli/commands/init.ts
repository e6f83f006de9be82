import type { Command } from 'commander';
import { tell } from '../tell.ts';

export function addInit(program: Command): void {
  program
    .command('init')
    .description(
      'create a repository for your own scenarios: a config file, one scenario, and a workflow that plays it',
    )
    .argument('[folder]', 'target folder (default: the current one); existing files stay as they are', '.')
    .option('--json', 'write one line of JSON to stdout')
    .action(async (folder: string, flags: { readonly json?: boolean }) => {
      const { layOutRepository } = await import('../own-repository.ts');
      const { wrote, kept } = await layOutRepository(folder);
      const lines = [
        ...wrote.map((file) => `wrote ${file}`),
        ...kept.map((file) => `kept ${file}, which is there already`),
        'next: npm install, npx meshproof up, npx meshproof run --reuse --only first',
      ];
      tell(flags.json === true ? `${JSON.stringify({ wrote, kept })}\n` : `${lines.join('\n')}\n`);
    });
}
