import { anyOf } from '../text/any-of.ts';

/**
 * Characters that a terminal, a browser or a log would obey instead of showing: control characters, those that turn the
 * direction of writing around, invisible ones, and halves of characters. Line feeds and tabs are text.
 */
const unseen = new RegExp(
  anyOf(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e]/u,
    /[\u2060-\u206f\ufe00-\ufe0e\ufeff\ufff9-\uffff]/u,
    /[\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|[\ud800-\udbff](?![\udc00-\udfff])/u,
    /(?<![\ud800-\udbff])[\udc00-\udfff]/u,
  ),
  'gu',
);

/**
 * A text in which every character shows: those that would be obeyed are written as their code, "\\u001b[31m". Carriage
 * returns before line feeds go.
 */
export function visible(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(unseen, (sign) => codeOf(sign));
}

/**
 * A text as it may stand on a terminal or in the log of a job. A line that GitHub's runner would take as a command,
 * `::set-output::` or `##[group]`, loses what makes it one.
 */
export function forTerminal(text: string): string {
  return visible(text)
    .replaceAll(/^(\s*):(?=:)/gm, '$1:\\')
    .replaceAll('##[', '#\\u0023[');
}

/** "\\u202e"; two of them beyond the first plane, as in JSON, which so stays the JSON that it was. */
const codeOf = (sign: string): string =>
  Array.from({ length: sign.length }, (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
