import { expect, test } from 'vitest';
import { forTerminal, visible } from './visible.ts';

test.each([
  ['colours', '\u001b[31mred\u001b[0m', '\\u001b[31mred\\u001b[0m'],
  ['a title of the window', '\u001b]0;mine\u0007', '\\u001b]0;mine\\u0007'],
  ['a control sequence of one byte', '\u009b2J', '\\u009b2J'],
  ['a line that writes over itself', 'bad\rgood', 'bad\\u000dgood'],
  ['backspaces', 'no\b\byes', 'no\\u0008\\u0008yes'],
  ['writing turned around', 'a\u202eb\u2066c\u2069', 'a\\u202eb\\u2066c\\u2069'],
  ['signs without a width', 'a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
  ['tags', 'a\u{e0041}', 'a\\udb40\\udc41'],
  ['half a character', 'a\ud800b', 'a\\ud800b'],
  ['a null', 'a\0b', 'a\\u0000b'],
])('%s show as their code', (_what, text, shown) => {
  expect(visible(text)).toBe(shown);
});

test('text stays as it is: other scripts, emoji, tabs, lines', () => {
  for (const text of ['通信 – “west” → east ✓', '👩‍💻'.replaceAll('\u200d', ''), 'a\tb\nc', 'مرحبا'])
    expect(visible(text)).toBe(text);
  expect(visible('a\r\nb')).toBe('a\nb');
});

test('JSON stays the JSON that it was', () => {
  const value = { text: '\u202e\u009b\u{e0041}', list: ['\u0000'] };
  expect(JSON.parse(forTerminal(`${JSON.stringify(value)} `))).toEqual(value);
  expect(JSON.parse(forTerminal(JSON.stringify('##[error]x')))).toBe('##[error]x');
});

test('no line is a command of GitHub’s runner', () => {
  for (const text of [
    '::stop-commands::x',
    'a\n  ::add-mask::y',
    '::error file=a::b',
    '##[group]x',
    'x ##[error]y',
    'a\r\n::set-env name=a::b',
  ]) {
    const shown = forTerminal(text);
    // As the runner reads a line: actions/runner, ActionCommand.TryParseV2 and TryParse.
    for (const line of shown.split('\n')) expect(line.trimStart().startsWith('::') || line.includes('##[')).toBe(false);
  }
});
