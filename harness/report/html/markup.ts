import { visible } from '../../progress/visible.ts';

/** Text that is safe inside of an element or a quoted attribute, and that turns nothing around it. */
export const escaped = (text: string): string =>
  visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/**
 * Markup from a template; every value is escaped, except markup itself. Lists are joined, undefined is nothing.
 *
 * @example markup`<b>${name}</b>`
 */
export function markup(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[] | undefined)[]
): Markup {
  return new Markup(parts.reduce((text, part, index) => text + part + rendered(values[index]), ''));
}

/** Markup that may stand as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function rendered(value: string | number | Markup | readonly Markup[] | undefined): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return escaped(String(value));
}
