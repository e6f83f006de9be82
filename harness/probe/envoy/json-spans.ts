/** Where a value stands in a text of JSON: bytes from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a] as const;
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d] as const;

/**
 * The values of a JSON list or object, one after the other, by where they stand. Nothing is read into memory: of a
 * large dump each part can be taken by itself, looked at, and let go. What a part holds is checked by whoever parses
 * it.
 *
 * @param text of UTF-8 JSON
 * @param at where the list or object begins
 * @throws SyntaxError with the byte at which the text is no JSON, or ends too soon.
 */
export function* spansIn(text: Uint8Array, at: number): Generator<Span & { readonly key: string | undefined }> {
  let position = afterSpace(text, at);
  const closing = text[position] === openBracket ? closeBracket : text[position] === openBrace ? closeBrace : undefined;
  if (closing === undefined) throw broken(text, position, 'a list or an object');
  position = afterSpace(text, position + 1);
  if (text[position] === closing) return;
  for (;;) {
    let key: string | undefined;
    if (closing === closeBrace) {
      if (text[position] !== quote) throw broken(text, position, 'a name');
      const end = endOfString(text, position);
      key = JSON.parse(decode(text, { start: position, end })) as string;
      position = afterSpace(text, end);
      if (text[position] !== colon) throw broken(text, position, 'a colon');
      position = afterSpace(text, position + 1);
    }
    const end = endOfValue(text, position);
    yield { key, start: position, end };
    position = afterSpace(text, end);
    if (text[position] === closing) return;
    if (text[position] !== comma) throw broken(text, position, 'a comma');
    position = afterSpace(text, position + 1);
  }
}

/** A part of a text, parsed. @throws SyntaxError when it is no JSON. */
export const parseSpan = (text: Uint8Array, span: Span): unknown => JSON.parse(decode(text, span));

const decoder = new TextDecoder('utf-8');
const decode = (text: Uint8Array, { start, end }: Span): string => decoder.decode(text.subarray(start, end));

/** Space, tab, line feed and carriage return. */
const isSpace = (sign: number | undefined): boolean => sign === 0x20 || sign === 0x0a || sign === 0x0d || sign === 0x09;

function afterSpace(text: Uint8Array, at: number): number {
  let position = at;
  while (isSpace(text[position])) position += 1;
  return position;
}

function endOfString(text: Uint8Array, at: number): number {
  let position = at + 1;
  for (;;) {
    const next = text.indexOf(quote, position);
    if (next < 0) throw broken(text, text.length, 'the end of a text');
    let slashes = 0;
    while (text[next - 1 - slashes] === backslash) slashes += 1;
    position = next + 1;
    if (slashes % 2 === 0) return position;
  }
}

function endOfValue(text: Uint8Array, at: number): number {
  const first = text[at];
  if (first === quote) return endOfString(text, at);
  let position = at;
  if (first !== openBrace && first !== openBracket) {
    const ends = (sign: number | undefined): boolean =>
      sign === undefined || sign === comma || sign === closeBrace || sign === closeBracket || isSpace(sign);
    while (!ends(text[position])) position += 1;
    if (position === at) throw broken(text, at, 'a value');
    return position;
  }
  for (let depth = 0; position < text.length;) {
    const sign = text[position];
    if (sign === quote) {
      position = endOfString(text, position);
      continue;
    }
    if (sign === openBrace || sign === openBracket) depth += 1;
    else if (sign === closeBrace || sign === closeBracket) depth -= 1;
    position += 1;
    if (depth === 0) return position;
  }
  throw broken(text, text.length, 'the end of a list or an object');
}

function broken(text: Uint8Array, at: number, expected: string): SyntaxError {
  const seen = at >= text.length ? 'it is cut off' : JSON.stringify(decode(text, { start: at, end: at + 1 }));
  return new SyntaxError(`byte ${Math.min(at, text.length)} of ${text.length}: expected ${expected}, ${seen}`);
}
