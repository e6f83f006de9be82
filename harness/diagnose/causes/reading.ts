/** The value at a path like `spec.tls.mode`, undefined where there is none. */
export function valueAt(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}

/** The text at a path; "" where there is none. */
export function textIn(value: unknown, path: string): string {
  const found = valueAt(value, path);
  return typeof found === 'string'
    ? found
    : typeof found === 'number' || typeof found === 'boolean'
      ? String(found)
      : '';
}

/** The list at a path; empty where there is none. */
export function listIn(value: unknown, path: string): unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? (found as unknown[]) : [];
}

/** The same value as a record; empty for anything else. */
export const recordIn = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** One of an object's conditions, by its type, as its status tells it; undefined where there is none. */
export const conditionIn = (status: unknown, type: string): Readonly<Record<string, unknown>> | undefined =>
  listIn(status, 'conditions')
    .map(recordIn)
    .find((one) => one['type'] === type);

/** Whether a condition of an object holds. */
export const holdsIn = (status: unknown, type: string): boolean => conditionIn(status, type)?.['status'] === 'True';

/** Whether labels satisfy a selector of `matchLabels` form. */
export const selects = (selector: unknown, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(recordIn(selector)).every(([key, wanted]) => labels[key] === wanted);
