/**
 * Plays what most people do first: a cold run of the release edition, on a machine with Docker and a network. The
 * machine is a root filesystem with the Docker of a Debian release, in namespaces of its own; the publishers are a
 * registry and a file server in the lab, which hold what the source edition built, under the published names.
 * Everything on the machine's side is what users run: no mirror, no stub, an empty cache.
 *
 * `npm run conformance:connected -- [--engine 28.5] [--only <ids>] [--json]`
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { providerNamed } from '../harness/cluster/providers/registry.ts';
import { ensureLab, labIsPossible, leaveLab } from '../harness/lab/lab.ts';
import { createProgress } from '../harness/progress/progress.ts';
import { ArtifactCache } from '../harness/toolchain/cache.ts';
import { resolveImages } from '../harness/toolchain/images/resolve-images.ts';
import { pinnedMesh } from '../harness/toolchain/mesh-choice.ts';
import { Publisher } from '../harness/toolchain/publisher.ts';
import { resolveToolchain } from '../harness/toolchain/toolchain.ts';
import { engineOf, engines } from './connected/engines.ts';
import { ConnectedMachine } from './connected/machine.ts';
import { publisherHosts, publishStandIns, standInChoice } from './connected/stand-in.ts';

const { values: flags } = parseArgs({
  options: { engine: { type: 'string' }, only: { type: 'string' }, json: { type: 'boolean' } },
});
const engine = engineOf(flags.engine ?? engines[0]?.version ?? '');
if (!labIsPossible()) throw new Error('the publishers stand in the lab, which needs Linux and root');
const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    interrupt.abort(new Error(`ended by ${name}`));
  });
const { signal } = interrupt;
const cache = ArtifactCache.default();
const progress = createProgress();
const ends: (() => Promise<unknown>)[] = [];
try {
  process.exitCode = await play();
} finally {
  for (const end of ends.reverse()) await end();
}

async function play(): Promise<number> {
  const selection = { edition: 'source', mesh: pinnedMesh, kubernetes: standInChoice.kubernetes, lab: true } as const;
  const toolchain = await resolveToolchain({ selection, cache, progress, signal });
  const user = { name: 'connected', state: join(cache.root, 'connected', engine.version) };
  const docker = await ensureLab(toolchain, cache, user, { network: providerNamed('kind').network, signal });
  ends.push(() => leaveLab(cache, user, { keep: false }));
  const images = await resolveImages({ toolchain, docker, cache, progress, signal });
  const hosts = publisherHosts();
  const publisher = await Publisher.start(docker, cache, signal, {
    hosts,
    blobs: join(cache.root, 'connected', 'blobs'),
  });
  ends.push(() => publisher.stop());
  let pins: Record<string, string> = {};
  await progress.group('publishers', [
    {
      title: 'stand-ins',
      run: async (say) => {
        pins = await publishStandIns({ publisher, toolchain, images, docker, say, signal });
      },
    },
  ]);
  let machine: ConnectedMachine | undefined;
  await progress.group('machine', [
    {
      title: `Docker ${engine.version}`,
      run: async () => {
        const authority = await publisher.authority();
        machine = await ConnectedMachine.start({ engine, toolchain, cache, hosts, authority, signal });
      },
    },
  ]);
  if (machine === undefined) throw new Error('the machine did not start');
  const connected = machine;
  ends.push(() => connected.stop());
  const reports = join(process.cwd(), 'reports');
  await mkdir(reports, { recursive: true });
  const config = join(reports, `connected-${engine.version}.json`);
  await writeFile(
    config,
    `${JSON.stringify({ kubernetes: standInChoice.kubernetes, mirror: { pins }, reports }, undefined, 2)}\n`,
  );
  const { only, json } = flags;
  const passed = [...(only === undefined ? [] : ['--only', only]), ...(json === true ? ['--json'] : [])];
  const { exitCode } = await connected.run(['node', 'harness/cli/bin.js', '--config', config, 'run', ...passed], {
    stdout: 'inherit',
  });
  return exitCode;
}
