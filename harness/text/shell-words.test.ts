import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWords } from './shell-words.ts';

test('plain words stay as they are', () => {
  expect(shellWords(['curl', '-I', 'httpbin.bar.global:8000/headers'])).toBe('curl -I httpbin.bar.global:8000/headers');
});

test('a shell reads every word again as it was', () => {
  const words = ['', 'a b', "it's", '{"city":"Zürich"}', '$HOME', 'x: y', '`id`', 'a\nb', '*'];
  const said = execFileSync('sh', ['-c', `printf '%s\\0' ${shellWords(words)}`], { encoding: 'utf8' });
  expect(said.split('\0').slice(0, -1)).toEqual(words);
});
