import { isAllowed } from './allowed.ts';
import { namesSecret, redacted, redactText } from './text.ts';

type Fields = Readonly<Record<string, unknown>>;
/** What becomes of a field, by the name that it has and the one that holds it. */
type Treatment = (value: unknown, parent: string) => unknown;

/**
 * Whatever came from outside, without what must not be written down: the one way into evidence, journals, records and
 * reports. Known shapes are read by their names: headers, annotations, environment variables, metadata and extensions
 * by a list of what may stay, Secrets never; of all other texts what looks like a secret is left out. A value in which
 * nothing had to be left out is returned as it is.
 */
export function redact<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return plain(value, '') as T;
  if (known.has(value)) return value;
  const clean = plain(value, '') as T & object;
  known.add(clean);
  return clean;
}

/** What was redacted before: an answer passes here once for whoever asked, and once for what is kept of it. */
const known = new WeakSet();

/** True for a Kubernetes Secret, or a list of them: nothing of what is in them is written down. */
export const isSecret = (value: unknown): boolean =>
  isFields(value) && (value['kind'] === 'Secret' || value['kind'] === 'SecretList');

function plain(value: unknown, key: string, parent = ''): unknown {
  if (typeof value === 'string') return ofText(value, key);
  if (Array.isArray(value)) return each(value, (item) => plain(item, key, parent));
  if (!isFields(value)) return value;
  if (isSecret(value)) return identityOf(value);
  if (isAccessLogEntry(value)) return within(value, (name) => isAllowed.accessLogField(name));
  const type = value['@type'];
  if (typeof type === 'string' && type !== '' && !isAllowed.extension(type)) return withheld(value);
  return fields(value, (inner, name) => {
    const treat = treatments.get(name);
    return treat === undefined ? plain(inner, name, key) : treat(inner, key);
  });
}

function ofText(text: string, key: string): string {
  if (text === '' || text === redacted) return text;
  if (namesSecret(key)) return redacted;
  const first = text[0];
  if ((first === '{' || first === '[') && /[}\]]\s*$/.test(text)) {
    const inner = parsed(text);
    if (inner !== undefined) {
      const clean = plain(inner, key);
      return clean === inner ? text : JSON.stringify(clean);
    }
  }
  return redactText(text);
}

/** Every text of a value left out; what only says of which kind it is, or where it leads, stays. */
function withheld(value: unknown, key = ''): unknown {
  if (typeof value === 'string')
    return value === '' || isSwitch(value) || alreadyRedacted(value)
      ? value
      : tellsKind.has(key)
        ? redactText(value)
        : redacted;
  if (Array.isArray(value)) return each(value, (item) => withheld(item, key));
  return isFields(value) ? fields(value, withheld) : value;
}

/** What is on or off is no secret, whatever it is called. */
const isSwitch = (text: string): boolean => text === 'true' || text === 'false';

const tellsKind = new Set([
  '@type',
  'type_url',
  'typeUrl',
  'name',
  'key',
  'cluster',
  'cluster_name',
  'stat_prefix',
  'timeout',
  'header_name',
]);
/** Envoy's word in plain and in base64, as its dumps have it for private keys. */
const alreadyRedacted = (text: string): boolean => text === redacted || text === 'W3JlZGFjdGVkXQ==';

/** A list of `{name, value}` or `{key, value}`, or an object of values by name: those that are listed stay. */
function byName(value: unknown, allowed: (name: string) => boolean): unknown {
  if (Array.isArray(value)) return each(value, (item) => pair(item, allowed));
  if (isFields(value)) return within(value, allowed);
  return typeof value === 'string' ? withheld(value) : value;
}

function pair(item: unknown, allowed: (name: string) => boolean): unknown {
  if (!isFields(item)) return withheld(item);
  // Envoy: {header: {key, value}, append_action}
  if (isFields(item['header'])) return fields(item, (inner, key) => (key === 'header' ? pair(inner, allowed) : inner));
  const name = item['name'] ?? item['key'];
  return typeof name === 'string' && allowed(name) ? plain(item, '') : withheld(item);
}

/** The fields of an object: those that are listed as they are, the others with their texts left out. */
const within = (value: Fields, allowed: (name: string) => boolean): Fields =>
  fields(value, (inner, name) => (allowed(name) ? plain(inner, name) : withheld(inner)));

const headers: Treatment = (value) => {
  // A VirtualService says what it does to headers of requests and of answers: {request: {set: {…}, add: {…}, remove:
  // […]}}.
  const changes = (inner: unknown): boolean =>
    isFields(inner) && Object.keys(inner).every((key) => /^(set|add|remove)$/.test(key));
  if (
    isFields(value) &&
    Object.entries(value).some(([key, inner]) => /^(request|response)$/.test(key) && changes(inner))
  )
    return fields(value, (direction) =>
      isFields(direction)
        ? fields(direction, (inner, verb) => (verb === 'remove' ? inner : byName(inner, isAllowed.header)))
        : withheld(direction),
    );
  return byName(value, isAllowed.header);
};

/**
 * Programs, templates and data inside of a configuration. Certificates are public, and the format of an access log is a
 * list of fields.
 */
const inline: Treatment = (value, parent) =>
  /^(certificate_chain|trusted_ca|crl|ocsp_staple|text_format_source)$/.test(parent)
    ? plain(value, '')
    : withheld(value);

/** What of its bootstrap a proxy tells about itself. */
const node: Treatment = (value) =>
  isFields(value)
    ? fields(value, (inner, key) =>
        key === 'metadata' && isFields(inner)
          ? fields(inner, (told, name) =>
              !isAllowed.nodeMetadata(name)
                ? withheld(told)
                : name === 'ANNOTATIONS'
                  ? byName(told, isAllowed.annotation)
                  : plain(told, name),
            )
          : plain(inner, key),
      )
    : plain(value, 'node');

/** Conditions of an AuthorizationPolicy: {key: "request.headers[x-api-key]", values: […]}. */
const conditions: Treatment = (value) =>
  Array.isArray(value)
    ? each(value, (item) => {
        const name = isFields(item) && typeof item['key'] === 'string' ? item['key'] : '';
        const header = /^request\.headers\[(.+)\]$/.exec(name)?.[1];
        const open = header === undefined ? !/^request\.auth|experimental/.test(name) : isAllowed.header(header);
        return open ? plain(item, '') : withheld(item);
      })
    : plain(value, 'when');

/** Gateway API sets and adds headers by lists of pairs; other lists of that name hold words. */
const pairs: Treatment = (value) =>
  Array.isArray(value) && value.every(isFields) ? byName(value, isAllowed.header) : plain(value, 'set');

const annotations: Treatment = (value) => byName(value, isAllowed.annotation);
const variables: Treatment = (value) => byName(value, isAllowed.variable);
const nothing: Treatment = (value) => withheld(value);

const treatments: ReadonlyMap<string, Treatment> = new Map<string, Treatment>([
  ['annotations', annotations],
  ['env', variables],
  ['environment', variables],
  ['environment_variables', variables],
  ['key_values', variables],
  ['proxyMetadata', variables],
  ['proxy_metadata', variables],
  ...[
    'headers',
    'httpHeaders',
    'headersToAdd',
    'headers_to_add',
    'initial_metadata',
    'requestHeaderModifier',
    'request_headers_to_add',
    'responseHeaderModifier',
    'response_headers_to_add',
    'response_trailers_to_add',
    'request_trailers_to_add',
  ].map((name) => [name, headers] as const),
  ['set', pairs],
  ['add', pairs],
  ['queryParams', nothing],
  ['query_parameters', nothing],
  ['query_parameters_to_add', nothing],
  ['inline_string', inline],
  ['inline_bytes', inline],
  ['inlineString', inline],
  ['inlineBytes', inline],
  ['inline_code', inline],
  ['inlineCode', inline],
  ['source_codes', nothing],
  ['private_key', nothing],
  ['privateKey', nothing],
  ['session_ticket_keys', nothing],
  ['generic_secret', nothing],
  ['stringData', nothing],
  ['configuration', nothing],
  ['pluginConfig', nothing],
  ['vm_config', nothing],
  ['jwks', nothing],
  ['client-key-data', nothing],
  ['filter_metadata', (value) => byName(value, isAllowed.filterMetadata)],
  ['typed_filter_metadata', (value) => byName(value, isAllowed.filterMetadata)],
  ['node', node],
  ['when', conditions],
]);

/** Which Secret it is, and nothing of what is in it. */
function identityOf(secret: Fields): Fields {
  if (!isFields(secret['metadata']) && !Array.isArray(secret['items'])) return fields(secret, withoutData);
  const { apiVersion, kind, type, metadata, items } = secret;
  const identity = (object: unknown): unknown => {
    const { name, namespace, labels } = (isFields(object) ? object['metadata'] : undefined) as Fields;
    return { metadata: { name, namespace, labels } };
  };
  return {
    apiVersion,
    kind,
    ...(type === undefined ? {} : { type }),
    ...(isFields(metadata) ? (identity(secret) as Fields) : {}),
    ...(Array.isArray(items)
      ? { items: items.filter((item) => isFields(item) && isFields(item['metadata'])).map(identity) }
      : {}),
    data: redacted,
  };
}

/** A Secret as `seenObject` takes it down: its data by hashes, which tell that one is another. */
function withoutData(value: unknown, key: string): unknown {
  if (key === 'body' && isFields(value)) return fields(value, withoutData);
  if (!/^(data|stringData|binaryData)$/.test(key)) return treatments.get(key)?.(value, '') ?? plain(value, key);
  const isHash = (inner: unknown): boolean => typeof inner === 'string' && /^sha256:[0-9a-f]{16,64}$/.test(inner);
  return isFields(value) ? fields(value, (inner) => (isHash(inner) ? inner : withheld(inner))) : withheld(value);
}

const isAccessLogEntry = (value: Fields): boolean => 'start_time' in value && 'response_code' in value;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Date || value instanceof Error || value instanceof AbortSignal || ArrayBuffer.isView(value));

/** A list or an object with each part changed; the very same one when none was. */
function each(list: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  const next = list.map(change);
  return next.some((item, index) => item !== list[index]) ? next : list;
}

function fields(value: Fields, change: (inner: unknown, name: string) => unknown): Fields {
  const next = Object.entries(value).map(([name, inner]): [string, unknown] => [name, change(inner, name)]);
  return next.some(([name, clean]) => clean !== value[name]) ? Object.fromEntries(next) : value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It only looks like JSON.
    return undefined;
  }
}
