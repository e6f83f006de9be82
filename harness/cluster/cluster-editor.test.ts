import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClusterEditor } from './cluster-editor.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'editor-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** An editor whose kubectl is this script; it counts its calls in `calls`. */
async function editorWith(script: string): Promise<ClusterEditor> {
  const kubectl = join(folder, 'kubectl');
  await writeFile(kubectl, `#!/bin/sh\ncd ${folder}\necho x >> calls\nn=$(wc -l < calls)\n${script}\n`);
  await chmod(kubectl, 0o755);
  return new ClusterEditor({ kubectl, kubeconfig: '', context: 'west', name: 'west', code: 'MP903' });
}
const calls = async (): Promise<number> => (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n').length;
const object = JSON.stringify({ metadata: { name: 'istio-egressgateway', resourceVersion: '7' } });

test('a controller that writes between kubectl’s look and its write does not end a replacement', async () => {
  const conflict = 'echo "Error from server (Conflict): the object has been modified" >&2; exit 1';
  const editor = await editorWith(`if [ "$n" -eq 1 ]; then ${conflict}; fi`);
  await editor.replace(object);
  expect(await calls()).toBe(3);
});

test('any other refusal does, at once', async () => {
  const editor = await editorWith('echo "Error from server (Forbidden): no" >&2; exit 1');
  await expect(editor.replace(object)).rejects.toMatchObject({ code: 'MP903' });
  expect(await calls()).toBe(1);
});
