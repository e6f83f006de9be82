import type { Command } from 'commander';
import { tell } from '../tell.ts';

export function addInit(program: Command): void {
  program
    .command('init')
    .description(
      'make a repository for scenarios of your own: a config file, one scenario, and a workflow that plays it',
    )
    .argument('[folder]', 'where (default: here); what already exists stays as it is', '.')
    .option('--json', 'one line of JSON on stdout')
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
