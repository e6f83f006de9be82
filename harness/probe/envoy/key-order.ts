/**
 * The same JSON with the keys of every object in alphabetical order. Envoy prints the fields of a struct in the order
 * of a hash table, another one in each dump; in order, two dumps of one configuration are one text.
 */
export function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, inner]) => [key, inKeyOrder(inner)]),
  );
}
