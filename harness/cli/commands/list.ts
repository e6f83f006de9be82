import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { scenarioList } from '../../assets/package-files.ts';
import type { ScenarioMeta } from '../../scenario/scenario.ts';
import { tell } from '../tell.ts';

interface Flags {
  readonly json?: boolean;
  readonly published?: boolean;
}

export function addList(program: Command): void {
  program
    .command('list')
    .description('list every scenario with its walkthrough section and its claims')
    .option('--published', 'list the available releases, files and images with their hashes instead')
    .option('--json', 'write JSON to stdout')
    .action(async ({ json = false, published = false }: Flags, command: Command) => {
      const { config } = command.optsWithGlobals<{ config?: string }>();
      await (published ? listPublished(json) : listAllScenarios(json, config));
    });
}

/** What came with meshproof is listed by the build itself; files of somebody's own have to be loaded. */
async function metaOf(config: string | undefined): Promise<readonly ScenarioMeta[]> {
  const { findConfigFile } = await import('../../config/config-file.ts');
  if ((config ?? findConfigFile()) === undefined && existsSync(scenarioList))
    return JSON.parse(await readFile(scenarioList, 'utf8')) as ScenarioMeta[];
  const [{ loadConfig }, { listScenarios }] = await Promise.all([
    import('../../config/config.ts'),
    import('../../config/scenario-files.ts'),
  ]);
  return (await listScenarios((await loadConfig(config)).scenarios)).map(({ meta }) => meta);
}

async function listAllScenarios(json: boolean, config: string | undefined): Promise<void> {
  const scenarios = (await metaOf(config)).map(({ id, section, claims, needs }) => ({ id, section, claims, needs }));
  if (json) {
    tell(`${JSON.stringify(scenarios)}\n`);
    return;
  }
  for (const { id, section, claims } of scenarios)
    tell(
      `${id}\n  ${section}\n${Object.entries(claims)
        .map(([key, says]) => `    ${key}: ${says}\n`)
        .join('')}`,
    );
}

async function listPublished(json: boolean): Promise<void> {
  const { publishedEverything, publishedVersions } = await import('../../toolchain/published.ts');
  const { pinnedRelease } = await import('../../toolchain/manifest.ts');
  const { istio, kubernetes } = pinnedRelease;
  const { files, images } = publishedEverything();
  if (json) {
    tell(`${JSON.stringify({ versions: publishedVersions, default: { istio, kubernetes }, files, images })}\n`);
    return;
  }
  const marked = (versions: readonly string[], preset: string): string =>
    versions.map((version) => (version === preset ? `${version} (default)` : version)).join(', ');
  const lines = [
    `Istio       ${marked(publishedVersions.istio, istio)}`,
    `Kubernetes  ${marked(publishedVersions.kubernetes, kubernetes)}`,
    '',
    ...images.map(({ name, digest = 'not pinned' }) => `${name}\n  ${digest}`),
    ...files.map(({ url, sha256 }) => `${url}\n  ${sha256 === undefined ? 'not pinned' : `sha256:${sha256}`}`),
  ];
  tell(`${lines.join('\n')}\n`);
}
