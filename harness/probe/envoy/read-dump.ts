import { z } from 'zod';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { ConfigDump } from './config-dump.ts';
import { parseSpan, spansIn, type Span } from './json-spans.ts';
import { sections } from './schema.ts';

const modelled = new Map<string, z.ZodType>(
  Object.values(sections).map((schema) => [schema.shape['@type'].value, schema as z.ZodType]),
);

/**
 * Reads the bytes of a config dump of any size. It is taken resource by resource, and of each only what claims and
 * traces ask for stays in memory, a small part: a dump of 100 MB fits, and so do hundreds of usual ones side by side.
 *
 * @param text the JSON of `/config_dump?include_eds`, as UTF-8
 * @param origin where it comes from, for messages
 * @throws MeshproofError MP703 with the place at which it is cut off, or no JSON, or of another shape.
 */
export function readDump(text: Uint8Array, origin: string): ConfigDump {
  let configs: unknown[] | undefined;
  try {
    configs = sectionsOf(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new MeshproofError('MP703', {
      what: 'the config dump cannot be read',
      where: origin,
      seen: error.message,
      remedy: 'Collect it again; a dump that is cut off was copied from a proxy that went away, or onto a full disk.',
      cause: error,
    });
  }
  // Without sections the schema says what is missing.
  return ConfigDump.parse({ configs }, origin);
}

function sectionsOf(text: Uint8Array): unknown[] | undefined {
  const configs: unknown[] = [];
  let found = false;
  for (const { key, start } of spansIn(text, 0)) {
    if (key !== 'configs') continue;
    found = true;
    for (const section of spansIn(text, start)) configs.push(sectionOf(text, section));
  }
  return found ? configs : undefined;
}

/** One section with what is modelled of it, its resources one at a time. */
function sectionOf(text: Uint8Array, { start }: Span): unknown {
  const fields = [...spansIn(text, start)];
  const named = fields.find(({ key }) => key === '@type');
  const type = named === undefined ? undefined : parseSpan(text, named);
  const schema = typeof type === 'string' ? modelled.get(type) : undefined;
  const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
  const section: Record<string, unknown> = { '@type': type };
  for (const field of fields) {
    const known = field.key === undefined ? undefined : shape[field.key];
    if (field.key === undefined || known === undefined || field.key === '@type') continue;
    const item = itemOf(known);
    section[field.key] =
      item === undefined || text[field.start] !== 0x5b
        ? pick(known, parseSpan(text, field))
        : Array.from(spansIn(text, field.start), (span) => pick(item, parseSpan(text, span)));
  }
  return section;
}

/** The schema of a list's items; undefined for what is no list. */
function itemOf(schema: z.ZodType): z.ZodType | undefined {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined;
}

/** What of a value a schema models; whether it has the modelled shape is for the schema to say. */
function pick(schema: z.ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodOptional) return pick(schema.unwrap() as z.ZodType, value);
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((item) => pick(schema.element as z.ZodType, item));
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null || Array.isArray(value))
    return value;
  const shape = schema.shape as Record<string, z.ZodType>;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const known = shape[key];
      return known === undefined ? [] : [[key, pick(known, inner)]];
    }),
  );
}
