import { isAllowed } from './allowed.ts';
import { anyOf } from '../../text/any-of.ts';

/** What stands where something was left out: Envoy's own word for it in its config dumps. */
export const redacted = '[redacted]';

/** A text that none of the rules below can match; most are, and are told apart by one look. */
const suspicious = new RegExp(
  anyOf(
    /eyJ|LS0tLS1CRUdJTi|PRIVATE KEY|bearer|basic|negotiate|digest|authorization|cookie|token|secret|pass/,
    /key|credential|session|signature|\?|@|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|sk-/,
  ),
  'i',
);

/**
 * Names of headers and settings whose values are secrets wherever they stand. They end with the word: `secretName` only
 * names one.
 */
const secretWords = [
  'authorization',
  'cookie2?',
  'passwd|password|passphrase',
  'secret',
  'token',
  '(?:api|access|secret|private|auth|certificate)[-_]?key',
  'client[-_]?key(?:[-_]?data)?',
  '(?<!allow-)credentials?',
  'session[-_]?id',
  'signature',
].join('|');
const secretName = `(?:[\\w.-]*(?:${secretWords})|x-[\\w-]*(?:auth|key|session)[\\w-]*)`;
const isSecretName = new RegExp(`^${secretName}$`, 'i');

/**
 * True for the name of a setting whose value is a secret: "clientSecret", "x-api-key"; false for what only names or
 * holds one.
 */
export const namesSecret = (name: string): boolean => isSecretName.test(name);

interface Rule {
  readonly find: RegExp;
  readonly replace: (...found: string[]) => string;
}

const rules: readonly Rule[] = [
  {
    find: /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g,
    replace: (_all, kind = '') => `-----BEGIN ${kind}----- ${redacted} -----END ${kind}-----`,
  },
  // PEM in base64, as kubeconfigs, Secrets and Envoy have it: certificates are for everybody, whatever else is in it is
  // not.
  {
    find: /LS0tLS1CRUdJTi[A-Za-z0-9+/_-]*={0,2}/g,
    replace: (all = '') => (Buffer.from(all, 'base64').toString('latin1').includes('PRIVATE KEY') ? redacted : all),
  },
  // JSON Web Tokens: service accounts, users, istiod's own.
  { find: /\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3}/g, replace: () => redacted },
  {
    find: /\b(AKIA|ASIA)[A-Z0-9]{16}\b|\b(?:gh[pousr]_|github_pat_|glpat-|sk-)[\w-]{16,}|\bxox[abeprs]-[\w-]{10,}/g,
    replace: () => redacted,
  },
  // "authorization: Bearer x" up to the end of its line or its quotes: in curl's output, configurations, logs.
  {
    find: new RegExp(
      `\\b((?:proxy-)?authorization|set-cookie2?|cookie)(["']?\\]?[ \\t]*[:=][ \\t]*\\[?["']?)([^\\r\\n"']+)`,
      'gi',
    ),
    replace: withoutSetting,
  },
  {
    find: /\b(bearer|basic|negotiate|digest|token)([ \t]+)(?=[\w.~+/-]*[\d=])([\w.~+/-]{6,}={0,2})/gi,
    replace: withoutSetting,
  },
  // "--token x", "client_secret=x", "password: x"
  { find: new RegExp(`(--${secretName})([ =])([^\\s"']+)`, 'gi'), replace: withoutSetting },
  {
    find: new RegExp(
      `(?<![\\w.-])(${secretName})((?:\\\\?["'])?\\]?[ \\t]*[:=][ \\t]*\\[?(?:\\\\?["'])?)([^\\s"',;&{}\\\\]{3,})`,
      'gi',
    ),
    replace: withoutSetting,
  },
  // "https://user:password@host"
  { find: /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, replace: (_all, scheme = '') => `${scheme}${redacted}@` },
  // The values of a query; its names tell what was asked.
  {
    find: /(?<=[\w/.:*~-])\?([^\s"'<>#?=]+=[^\s"'<>#]*)/g,
    replace: (_all, query = '') => `?${query.split('&').map(withoutValue).join('&')}`,
  },
];

/** @param value which may begin with a sign of the list that it stands in, and may have been left out before */
function withoutSetting(all: string, name = '', sign = '', value = ''): string {
  return /^\s*\[?\[?redacted\]/.test(value) ? all : `${name}${sign}${redacted}`;
}

function withoutValue(parameter: string): string {
  const sign = parameter.indexOf('=');
  const name = sign < 0 ? parameter : parameter.slice(0, sign);
  // A word alone may be the secret itself.
  if (sign < 0) return isAllowed.parameter(name) || parameter === redacted ? parameter : redacted;
  return isAllowed.parameter(name) ? parameter : `${name}=${redacted}`;
}

/**
 * A text without the secrets that can be recognised by their look or by the name before them: private keys, tokens,
 * credentials in URLs, the values of queries. A text that was redacted before stays as it is.
 */
export function redactText(text: string): string {
  if (!suspicious.test(text)) return text;
  return rules.reduce((known, { find, replace }) => known.replace(find, replace), text);
}
