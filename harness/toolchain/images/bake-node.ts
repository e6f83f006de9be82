import { execa } from 'execa';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import type { Docker } from '../docker.ts';
import { bakerOption, nobodyBakes, ownBake, removeAbandonedBakes } from './abandoned-bakes.ts';
import { imageStoreOf, imageTransfer } from './image-transfer.ts';
import { runInBakery, startContainerd, stopContainerd } from './node-containerd.ts';
import { refusingResolver } from './refusing-resolver.ts';
import { scratch, unpackImages } from './unpack-images.ts';

export interface BakeOptions {
  readonly docker: Docker;
  /** Node image to start from. */
  readonly base: string;
  /** Name of the baked image. */
  readonly node: string;
  /** Images of the Docker daemon to put into the node's containerd. */
  readonly payload: readonly string[];
  /** Labels for the baked image. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Puts images into a node image's containerd, the way kind's own image builder does it: start the image, import through
 * its containerd, commit. Clusters then start without a single pull or `kind load`, and without unpacking anything.
 *
 * @throws MeshproofError MP304 with the words of docker or ctr.
 */
export async function bakeNode({ docker, base, node, payload, labels = {}, say, signal }: BakeOptions): Promise<void> {
  const container = ownBake;
  const bakery = { docker, container, signal };
  await removeAbandonedBakes(docker);
  say(`baking ${payload.length} images into the node image`);
  try {
    await docker.run(
      [
        'run',
        '--detach',
        '--name',
        container,
        ...(await bakerOption()),
        '--privileged',
        '--network',
        'none',
        '--tmpfs',
        '/run',
        '--tmpfs',
        '/tmp',
        '--volume',
        scratch,
        '--entrypoint',
        'sleep',
        base,
        'infinity',
      ],
      { purpose: 'start the node image for baking', signal },
    );
    const { path, text } = refusingResolver;
    await runInBakery(bakery, 'sh', '-c', 'printf %s "$2" > "$1"', 'sh', path, text);
    await startContainerd(bakery);
    const { save, load } = imageTransfer(await imageStoreOf(docker, signal));
    const environment = { env: docker.environment, cancelSignal: signal, maxBuffer: 1_000_000 };
    const importing = execa(
      docker.program,
      ['exec', '-i', container, 'ctr', '-n', 'k8s.io', 'images', 'import', ...load],
      environment,
    );
    const saving = execa(docker.program, [...save, ...payload], { ...environment, buffer: { stdout: false } });
    saving.pipe(importing).catch(() => undefined);
    await Promise.all([saving, importing]).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new MeshproofError('MP304', {
        what: 'could not put the images into the node image',
        seen: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    });
    await stopContainerd(bakery);
    await unpackImages(bakery, say);
    say('committing the node image');
    const changes = [
      'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]',
      'CMD []',
      nobodyBakes,
      ...Object.entries(labels).map(([name, value]) => `LABEL ${name}=${value}`),
    ];
    await docker.run(['commit', ...changes.flatMap((change) => ['--change', change]), container, node], {
      purpose: 'commit the node image',
      signal,
    });
  } finally {
    await docker.run(['rm', '--force', '--volumes', container]).catch(() => undefined);
  }
}
