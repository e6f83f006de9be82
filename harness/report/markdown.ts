import { visible } from '../progress/visible.ts';

/**
 * Text that stands in a line of Markdown, or in a cell of a table, as what it is: no markup, no link, no picture, no
 * second line. What is shown may be the words of a pod.
 */
export const inline = (text: string): string =>
  visible(text)
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\\`<>|[\]]/g, '\\$&');

/** A code span with more backticks than any in its text. */
export function codeSpan(text: string): string {
  const plain = visible(text).replaceAll(/\s*\n\s*/g, ' ');
  const ticks = '`'.repeat(longestRun(plain) + 1);
  const space = plain.startsWith('`') || plain.endsWith('`') || plain === '' ? ' ' : '';
  return `${ticks}${space}${plain}${space}${ticks}`;
}

/**
 * A fenced block whose fence is longer than any in its text.
 *
 * @param language of the fence; "" for none
 * @param indent of every line, for a block inside of a list
 */
export function fenced(language: string, text: string, indent = ''): string {
  const plain = visible(text).trimEnd();
  const ticks = '`'.repeat(Math.max(2, longestRun(plain)) + 1);
  return [`${ticks}${language}`, ...plain.split('\n'), ticks].map((line) => `${indent}${line}`).join('\n');
}

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
