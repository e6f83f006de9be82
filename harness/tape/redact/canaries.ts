/** A secret that is planted on purpose, so that its absence can be looked for afterwards. */
export interface Canary {
  /** What it stands for: "service account token". */
  readonly kind: string;
  /** The secret as it is planted. */
  readonly secret: string;
  /** What must be found nowhere: the secret, or the part of it that tells. */
  readonly trace: string;
}

const key = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcanaryCAkey0Q2FuYXJ5';
const encoded = (text: string): string => Buffer.from(text).toString('base64url');

/** One canary of each kind; the mark tells the plantings of several runs apart. */
export const canaries = (mark: string): Readonly<Record<CanaryName, Canary>> => ({
  caKey: {
    kind: 'CA key',
    secret: `-----BEGIN PRIVATE KEY-----\n${key}${mark}\n-----END PRIVATE KEY-----\n`,
    trace: `${key}${mark}`,
  },
  token: {
    kind: 'service account token (JWT)',
    secret: `${encoded('{"alg":"RS256","kid":"x"}')}.${encoded(`{"sub":"canary-${mark}"}`)}.canary${mark}signature`,
    trace: `canary${mark}signature`,
  },
  authorization: {
    kind: 'Authorization header',
    secret: `Bearer canary-bearer-${mark}1`,
    trace: `canary-bearer-${mark}1`,
  },
  cookie: { kind: 'cookie', secret: `session=canary-cookie-${mark}`, trace: `canary-cookie-${mark}` },
  apiKey: { kind: 'x-api-key header', secret: `canary-api-key-${mark}`, trace: `canary-api-key-${mark}` },
  header: { kind: 'header of a name of its own', secret: `canary-header-${mark}`, trace: `canary-header-${mark}` },
  annotation: { kind: 'annotation', secret: `canary-annotation-${mark}`, trace: `canary-annotation-${mark}` },
  variable: { kind: 'environment variable', secret: `canary-variable-${mark}`, trace: `canary-variable-${mark}` },
  query: { kind: 'query string', secret: `canary-query-${mark}`, trace: `canary-query-${mark}` },
  password: { kind: 'password in a URL', secret: `canary-password-${mark}`, trace: `canary-password-${mark}` },
  program: { kind: 'Lua or Wasm configuration', secret: `canary-program-${mark}`, trace: `canary-program-${mark}` },
  data: { kind: 'data of a Secret', secret: `canary-data-${mark}`, trace: `canary-data-${mark}` },
});

export type CanaryName =
  | 'caKey'
  | 'token'
  | 'authorization'
  | 'cookie'
  | 'apiKey'
  | 'header'
  | 'annotation'
  | 'variable'
  | 'query'
  | 'password'
  | 'program'
  | 'data';

/** Which canaries a text holds, as they were planted or in base64. */
export function found(text: string, planted: Readonly<Record<string, Canary>>): string[] {
  return Object.values(planted)
    .filter(
      ({ trace }) =>
        text.includes(trace) ||
        text.includes(unpadded(trace, 0)) ||
        text.includes(unpadded(trace, 1)) ||
        text.includes(unpadded(trace, 2)),
    )
    .map(({ kind }) => kind);
}

/** The middle of a text's base64 at one of the three places where it may begin in what is encoded. */
function unpadded(text: string, shift: number): string {
  const all = Buffer.from(`${'x'.repeat(shift)}${text}`).toString('base64');
  return all.slice(shift === 0 ? 0 : 4, -4);
}

/** Where canaries were looked for: "report.html" → the text. */
export type Places = Readonly<Record<string, string>>;

/** A row for each canary, a column for each place, and in each cell whether it was found there. */
export function matrixOf(planted: Readonly<Record<string, Canary>>, places: Places): string {
  const names = Object.keys(places);
  const rows = Object.values(planted).map((canary) => {
    const cells = names.map((name) => (found(places[name] ?? '', { canary }).length > 0 ? 'FOUND' : 'none'));
    return `| ${canary.kind} | ${cells.join(' | ')} |`;
  });
  return [`| canary | ${names.join(' | ')} |`, `|---${'|---'.repeat(names.length)}|`, ...rows].join('\n');
}
