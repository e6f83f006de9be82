import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../assets/package-files.ts';
import { catalogue } from '../errors/catalogue.ts';
import { configSchema } from '../config/config.ts';

/**
 * Pages of docs/ that are made from the code, by their paths; a unit test fails when one is not what it would be made
 * as now.
 */
export const references = (): Readonly<Record<string, string>> => ({
  'docs/configuration.md': configurationPage(),
  'docs/errors.md': errorsPage(),
});

/** A page as it stands in docs/: wrapped as every page of the repository is. */
export async function formatPage(page: string): Promise<string> {
  const { format, resolveConfig } = await import('prettier');
  return await format(page, { ...(await resolveConfig(join(packageRoot, 'page.md'))), parser: 'markdown' });
}

interface Key {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Key>>;
}

function configurationPage(): string {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Key;
  return [
    '# Configuration',
    '',
    'meshproof reads the config file in the working directory, or the one that `--config` names: `meshproof.yaml`, or',
    '`meshproof.config.ts` with `export default defineConfig({ … })` from `meshproof/config`. Every key is optional. ' +
      'A key that is not listed here is an error (MP102).',
    '',
    ...Object.entries(properties).flatMap(([name, key]) => entries(name, key)),
    '',
    generated,
  ].join('\n');
}

function entries(name: string, key: Key): string[] {
  const preset =
    key.default === undefined || key.properties !== undefined ? '' : `; default \`${JSON.stringify(key.default)}\``;
  const values = key.enum?.map((one) => `\`${String(one)}\``).join(' or ') ?? key.type ?? 'string';
  const inner = Object.entries(key.properties ?? {}).flatMap(([part, of]) => entries(`${name}.${part}`, of));
  return [`- \`${name}\` (${values}${preset}): ${key.description ?? ''}`, ...inner];
}

const exitCodes = { usage: '2, usage', environment: '3, the environment', mesh: '1, the mesh' } as const;

function errorsPage(): string {
  const errors = Object.entries(catalogue).flatMap(([code, { title, blame, meaning, remedy }]) => [
    `## ${code}: ${title}`,
    '',
    `Exit code ${exitCodes[blame]}.`,
    '',
    meaning,
    '',
    `**Try:** ${remedy}`,
    '',
  ]);
  return [
    '# Errors',
    '',
    'Every error has a code that never changes its meaning. `npx meshproof explain <code>` prints the same text.',
    '',
    ...errors,
    generated,
  ].join('\n');
}

const generated = '<!-- Made from the code by `npm run docs:references`. -->\n';
