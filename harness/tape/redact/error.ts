import { redact } from './value.ts';

/**
 * The same error without what must not be written down: its words, its trace, what it compared, and what it came of.
 * Whoever catches it still finds its type and its code.
 */
export function redactError(error: unknown): unknown {
  if (!(error instanceof Error)) return redact(error);
  for (const name of new Set(['message', 'stack', ...Object.keys(error)])) {
    const value: unknown = Reflect.get(error, name);
    if (name === 'cause' || value instanceof Error) continue;
    const clean = redact(value);
    // Words and trace are no enumerable properties, and stay so.
    if (clean !== value)
      Object.defineProperty(error, name, {
        value: clean,
        configurable: true,
        writable: true,
        enumerable: Object.prototype.propertyIsEnumerable.call(error, name),
      });
  }
  if (error.cause instanceof Error && error.cause !== error) redactError(error.cause);
  return error;
}
