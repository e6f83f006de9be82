/**
 * The source of a regular expression that matches what any of these does, for one that is too long for a line. Flags of
 * the parts do not count.
 */
export const anyOf = (...parts: readonly RegExp[]): string => parts.map(({ source }) => source).join('|');
