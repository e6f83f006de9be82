import { expect, test } from 'vitest';
import { layersOf, targetsOf, type Content } from './unpack-images.ts';

const digest = (sign: string): string => `sha256:${sign.repeat(64)}`;

test('the images of a list are its digests, each once', () => {
  const row = (name: string, of: string): string =>
    `${name} application/vnd.oci.image.index.v1+json ${of} 35.6 MiB linux/amd64 io.cri-containerd.image=managed`;
  const list = ['REF TYPE DIGEST SIZE PLATFORMS LABELS', row('a:1', digest('a')), row('a:2', digest('a')), ''];
  expect(targetsOf([...list, row('b:1', digest('b'))].join('\n'))).toEqual([digest('a'), digest('b')]);
  expect(targetsOf('')).toEqual([]);
});

test('the layers of an index are those of the platforms that are there', async () => {
  const there: Record<string, Content> = {
    index: { manifests: [{ digest: 'here' }, { digest: 'elsewhere' }] },
    here: { layers: [{ digest: 'one' }, { digest: 'two' }] },
  };
  const read = (of: string): Promise<Content> =>
    there[of] === undefined ? Promise.reject(new Error(`content ${of}: not found`)) : Promise.resolve(there[of]);
  expect(await layersOf('index', read)).toEqual(['one', 'two']);
  expect(await layersOf('here', read)).toEqual(['one', 'two']);
  await expect(layersOf('nothing', read)).rejects.toThrow('not found');
});
