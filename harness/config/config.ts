import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { parsePool } from '../cluster/address-pool.ts';
import { offers, providerNames } from '../cluster/providers/registry.ts';
import { defaultTopology, topologyNames } from '../mesh/topologies/names.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { findConfigFile } from './config-file.ts';
import { builtIn } from './scenario-files.ts';

const clusterName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,20}$/, 'a cluster name has lower-case letters, digits and dashes, 21 characters at most');
const pool = z.string().transform((text, context) => {
  const parsed = parsePool(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: `"${text}" is not a range like 172.18.255.200-172.18.255.215` });
  return z.NEVER;
});

/** A run of every scenario on two clusters writes about a tenth of it. */
export const defaultEvidenceMegabytes = 1_000;

/** More scenarios than that never play at the same time. */
export const mostAtOnce = 32;

/**
 * What meshproof.yaml may say. Unknown keys are errors: a misspelt key must not be silently ignored.
 * docs/configuration.md is made from it.
 */
export const configSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,20}$/, 'lower-case letters, digits and dashes')
      .default('meshproof')
      .describe('Prefix of the names of everything that meshproof creates.'),
    clusters: z
      .array(clusterName)
      .min(2, 'a mesh that spans clusters needs two')
      .default(['west', 'east'])
      .describe(
        'Names of the clusters. With a third one, `version-subsets` takes its two versions from two remote clusters.',
      ),
    provider: z
      .enum(providerNames)
      .default('kind')
      .describe('Where the clusters come from: meshproof creates them with kind, or you provide kubeconfig contexts.'),
    topology: z
      .enum(topologyNames)
      .default(defaultTopology)
      .describe(
        'How the control planes relate: each reads only its own cluster and uses `.global` hosts ' +
          '(the walkthrough), or each reads all clusters.',
      ),
    contexts: z
      .record(z.string(), z.string())
      .optional()
      .describe('Kubeconfig context of each cluster, for the provider `existing`.'),
    kubeconfig: z.string().optional().describe('Kubeconfig file for the provider `existing`. By default, your own.'),
    workloads: z
      .strictObject({
        curl: z.string().optional().describe('Image of the client. It must contain curl.'),
        httpbin: z.string().optional().describe('Image of the server.'),
        httpbinPort: z.int().min(1).max(65_535).optional().describe('Container port of that server.'),
      })
      .optional()
      .describe('Images of the sample workloads, for your own clusters that cannot pull the published ones.'),
    toolchain: z
      .enum(['auto', 'source', 'release'])
      .default('auto')
      .describe('Where the components come from: releases, or source packages.'),
    engine: z
      .enum(['auto', 'docker', 'lab'])
      .default('auto')
      .describe('Where the containers run: your Docker, or the private daemon, which needs root on Debian.'),
    mesh: z
      .string()
      .optional()
      .describe(
        'Istio build: `istio@<release>`, `istio@<pseudo-version of a commit>`, or `path:<checkout>`. ' +
          'By default, the pinned one.',
      ),
    kubernetes: z
      .string()
      .regex(/^v\d+\.\d+\.\d+$/, 'a version like v1.34.11')
      .optional()
      .describe(
        'Kubernetes version, like `v1.34.11`. By default, the version of the toolchain. Compiled from source, it is ' +
          'v1.34.4.',
      ),
    mirror: z
      .strictObject({
        files: z.url().optional().describe('Base URL of files. A file is at `<files>/<host>/<path>`.'),
        images: z.string().optional().describe('Prefix of images. An image is `<images>/<registry>/<name>`.'),
        pins: z
          .record(z.string(), z.string().regex(/^(sha256:)?[0-9a-f]{64}$/i, 'a SHA-256, 64 hex digits'))
          .optional()
          .describe('Maps the URL of a file, or the name of an image, to the SHA-256 of what the mirror has instead.'),
      })
      .optional()
      .describe('Your own copy of published files and images.'),
    scenarios: z
      .array(z.string().min(1))
      .min(1)
      .default([builtIn])
      .describe(
        'Patterns of scenario files, relative to the config file. `meshproof` means the scenarios that come ' +
          'with it.',
      ),
    addressPools: z
      .record(z.string(), pool)
      .optional()
      .describe(
        'Range of LoadBalancer addresses of each cluster, like `172.18.200.1-172.18.200.16`. By default, ' +
          'meshproof computes a range where nothing answers.',
      ),
    pki: z
      .strictObject({
        folder: z
          .string()
          .optional()
          .describe(
            'Folder with `<cluster>/{ca-cert,ca-key,root-cert,cert-chain}.pem`. By default, they are created anew.',
          ),
        allowSampleCertificates: z
          .boolean()
          .default(false)
          .describe('Accepts Istio’s published sample certificates, whose private keys are public.'),
      })
      .default({ allowSampleCertificates: false })
      .describe('Where the CAs of the mesh come from.'),
    reports: z.string().default('reports').describe('Folder for the reports of runs.'),
    keepReports: z
      .int()
      .min(1)
      .default(100)
      .describe(
        'How many runs to keep there. The newest run, a running one and the run of a kept environment always stay.',
      ),
    keepReportsDays: z
      .int()
      .min(1)
      .optional()
      .describe('Also removes runs that started more than this many days ago. By default, there is no limit.'),
    atOnce: z
      .int()
      .min(1)
      .max(mostAtOnce)
      .optional()
      .describe(
        'How many scenarios play at the same time, at most. By default, twice the number of cores, from 2 to 8. ' +
          'Scenarios that touch the same things take turns in any case.',
      ),
    evidenceMegabytes: z
      .int()
      .min(1)
      .default(defaultEvidenceMegabytes)
      .describe(
        'How much evidence a run may write. Config dumps beyond this limit are left out, and counted in the record.',
      ),
  })
  .superRefine((config, context) => {
    if (new Set(config.clusters).size !== config.clusters.length)
      context.addIssue({ code: 'custom', path: ['clusters'], message: 'cluster names must differ' });
    for (const key of ['contexts', 'addressPools'] as const) {
      for (const name of Object.keys(config[key] ?? {})) {
        if (!config.clusters.includes(name))
          context.addIssue({
            code: 'custom',
            path: [key, name],
            message: `no cluster is named "${name}" (clusters: ${config.clusters.join(', ')})`,
          });
      }
    }
    if (offers(config.provider, 'ownsCluster')) return;
    for (const name of config.clusters) {
      if (config.contexts?.[name] === undefined)
        context.addIssue({
          code: 'custom',
          path: ['contexts'],
          message: `the provider "${config.provider}" needs a context for cluster ${name}`,
        });
    }
  });

export type Config = z.infer<typeof configSchema>;
/** A config file as it is written: every key may be left out. */
export type ConfigFile = z.input<typeof configSchema>;

/**
 * Reads the config file, or the defaults when there is none and none was asked for.
 *
 * @throws MeshproofError MP102 that names file, line, key and what is allowed.
 */
export async function loadConfig(
  file: string | undefined,
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<Config> {
  const found = file ?? findConfigFile();
  if (found === undefined) return parseConfig('', 'meshproof.yaml', overrides);
  const config = /\.[cm]?[jt]s$/.test(found)
    ? checkConfig(await configModule(found), found, overrides)
    : parseConfig(await configText(found), found, overrides);
  return { ...config, scenarios: config.scenarios.map((one) => beside(found, one)) };
}

/** A pattern of scenario files is meant from where the config file lies; what that path holds is no pattern. */
function beside(file: string, pattern: string): string {
  const folder = dirname(resolve(file)).replaceAll('\\', '/');
  return pattern === builtIn || isAbsolute(pattern)
    ? pattern
    : `${folder.replace(/[()[\]{}!*?@+|]/g, '\\$&')}/${pattern.replace(/^\.\//, '')}`;
}

const unreadable = (file: string, cause: unknown): MeshproofError =>
  new MeshproofError('MP102', {
    what: `the config file ${file} cannot be read`,
    seen: cause instanceof Error ? cause.message : String(cause),
    cause,
  });

const configText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error);
  });

/** What a TypeScript or JavaScript file exports by default. */
async function configModule(file: string): Promise<unknown> {
  const { loadConfig: load } = await import('c12');
  const { config } = await load({
    configFile: resolve(file),
    configFileRequired: true,
    rcFile: false,
    globalRc: false,
    packageJson: false,
    dotenv: false,
    extend: false,
    giget: false,
  }).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  return config;
}

/** The same from text. */
export function parseConfig(text: string, file: string, overrides: Readonly<Record<string, unknown>> = {}): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new MeshproofError('MP102', {
      what: `${file} is not valid YAML`,
      where: `${file}:${line}`,
      seen: broken.message,
    });
  }
  return checkConfig(document.toJS(), file, overrides, (key) => {
    const node: unknown = document.getIn(key, true);
    return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
      ? lines.linePos(Number(node.range[0])).line
      : undefined;
  });
}

/**
 * Checks what a config file says.
 *
 * @param lineOf the line that a key is on, where the file has lines
 */
function checkConfig(
  said: unknown,
  file: string,
  overrides: Readonly<Record<string, unknown>>,
  lineOf: (key: readonly string[]) => number | undefined = () => undefined,
): Config {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const parsed = configSchema.safeParse({ ...(said as Record<string, unknown> | null), ...given });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String) ?? [];
  const key = issue?.code === 'unrecognized_keys' ? [...path, ...issue.keys.slice(0, 1)] : path;
  const line = lineOf(key);
  const known =
    issue?.code === 'unrecognized_keys' && path.length === 0
      ? `one of ${Object.keys(configSchema.shape).join(', ')}`
      : undefined;
  throw new MeshproofError('MP102', {
    what: issue?.code === 'unrecognized_keys' ? `unknown key "${key.join('.')}"` : `wrong value for "${key.join('.')}"`,
    where: line === undefined ? file : `${file}:${line}`,
    expected: known ?? issue?.message,
    seen: issue?.code === 'unrecognized_keys' ? key.at(-1) : undefined,
  });
}
