import type { Command } from 'commander';

export function addList(program: Command): void {
  program
    .command('list')
    .description('list every scenario with its section of the walkthrough and its claims')
    .option('--json', 'JSON on stdout')
    .action(async (flags: { readonly json?: boolean }) => {
      const { listScenarios } = await import('../../run/scenario-files.ts');
      const scenarios = (await listScenarios()).map(({ meta: { id, section, claims, needs } }) => ({
        id,
        section,
        claims,
        needs,
      }));
      if (flags.json === true) {
        process.stdout.write(`${JSON.stringify(scenarios)}\n`);
        return;
      }
      for (const { id, section, claims } of scenarios)
        process.stdout.write(`${id}\n  ${section}\n${claims.map((claim) => `    - ${claim}\n`).join('')}`);
    });
}
